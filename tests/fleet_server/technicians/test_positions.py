"""Positions: coarse, by consent, for hours, and for whoever plans."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_server.technicians.rules import coarse
from tests.desk import Desk, Technician

HERE = {"latitude": 31.234567, "longitude": 121.476543}


@pytest.fixture
def one(desk: Desk) -> Technician:
    return desk.technician("one", ["lock"])


def path(one: Technician) -> str:
    return f"/technicians/{one.id}/position"


def test_without_consent_nothing_is_kept(desk: Desk, one: Technician) -> None:
    answer = one.phone.try_put(path(one), HERE)
    assert (answer.status_code, answer.json()["type"]) == (
        409,
        "urn:cabinet-fleet:problem:no-consent",
    )
    assert desk.dispatcher.try_get(path(one)).status_code == 404


def test_with_consent_about_a_kilometre_is_kept_for_dispatchers(
    desk: Desk, one: Technician
) -> None:
    assert one.phone.put(f"{path(one)}-consent", {"given": True})["given_at"] is not None
    one.phone.put(path(one), {"latitude": 10, "longitude": 10})
    kept = one.phone.put(path(one), HERE)
    assert (kept["latitude"], kept["longitude"]) == (31.23, 121.48)
    assert desk.dispatcher.get(path(one))["latitude"] == 31.23
    assert desk.viewer.try_get(path(one)).status_code == 403
    other = desk.technician("other", ["lock"])
    assert other.phone.try_get(path(one)).status_code == 403


def test_nobody_speaks_for_somebody_else(desk: Desk, one: Technician) -> None:
    for who in (desk.dispatcher, desk.technician("other", ["lock"]).phone):
        assert who.try_put(f"{path(one)}-consent", {"given": True}).status_code == 403
        assert who.try_put(path(one), HERE).status_code == 403


def test_a_withdrawn_consent_deletes_at_once(desk: Desk, one: Technician) -> None:
    one.phone.put(f"{path(one)}-consent", {"given": True})
    one.phone.put(path(one), HERE)
    one.phone.put(f"{path(one)}-consent", {"given": False})
    assert desk.dispatcher.try_get(path(one)).status_code == 404
    assert one.phone.try_put(path(one), HERE).status_code == 409


def test_a_position_of_twelve_hours_ago_is_gone(desk: Desk, one: Technician) -> None:
    one.phone.put(f"{path(one)}-consent", {"given": True})
    one.phone.put(path(one), HERE)
    desk.wait(12 * 3600 - 1)
    assert desk.dispatcher.get(path(one))["longitude"] == 121.48
    desk.clock.advance(1)
    assert desk.dispatcher.try_get(path(one)).status_code == 404
    desk.sweep()
    assert desk.dispatcher.try_get(path(one)).status_code == 404


@given(st.floats(-180, 180))
def test_rounding_moves_nobody_further_than_half_a_cell(degrees: float) -> None:
    assert abs(coarse(degrees) - degrees) <= 0.005 + 1e-9
    assert coarse(coarse(degrees)) == coarse(degrees)
