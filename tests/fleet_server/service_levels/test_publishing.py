"""Policies and calendars are data people publish; what cannot be counted by is refused whole."""

from typing import Any

import msgspec
import pytest

from fleet_server.auth.rules import Role
from fleet_server.service_levels.presets import newest_calendar
from fleet_server.service_levels.publishing import use_policy
from tests.desk import Desk

NIGHT = {
    "name": "night-shop",
    "version": 1,
    "title_zh": "夜店",
    "title_en": "night shop",
    "week": {"fri": [["18:00", "26:00"]], "sat": [["18:00", "26:00"]]},
}


def policies(desk: Desk) -> dict[str, Any]:
    found = desk.api.as_(Role.VIEWER).get("/service-policies")["items"]
    return {row["reference"]: row for row in found}


def own_policy(desk: Desk, **changes: object) -> dict[str, Any]:
    policy = dict(policies(desk)["strict@2"]["policy"]) | {"name": "ours", "version": 1} | changes
    return {"policy": policy}


def test_a_published_policy_is_pinned_only_after_it_was_chosen(desk: Desk) -> None:
    admin = desk.api.as_(Role.ADMIN)
    admin.post("/service-policies", own_policy(desk))
    assert policies(desk)["ours@1"]["in_force"] is False
    admin.put("/service-policies/in-force", {"reference": "ours@1"})
    desk.raise_fault()
    assert desk.ticket()["policy"] == "ours@1"


def test_a_restart_keeps_what_a_person_chose(desk: Desk) -> None:
    desk.api.as_(Role.ADMIN).put("/service-policies/in-force", {"reference": "S2@1"})
    with desk.server.transactions.write("system:start") as tx:
        assert use_policy(tx, "strict").reference == "S2@1"


def test_a_version_is_never_published_twice_and_none_is_left_out(desk: Desk) -> None:
    admin = desk.api.as_(Role.ADMIN)
    admin.post("/service-policies", own_policy(desk))
    for version in (1, 3):
        answer = admin.try_post("/service-policies", own_policy(desk, version=version))
        assert answer.status_code == 422
        assert "the next one is 2" in answer.json()["reason"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"clocks": 3}, "Expected `array`"),
        ({"ladder": []}, "ladder"),
        ({"surprise": 1}, "unknown field"),
        ({"offer_window_seconds": {"P9": 1}}, "P9"),
    ],
)
def test_a_policy_that_cannot_be_used_is_refused_with_the_reason(
    desk: Desk, changes: dict[str, object], reason: str
) -> None:
    answer = desk.api.as_(Role.ADMIN).try_post("/service-policies", own_policy(desk, **changes))
    assert answer.status_code == 422
    assert reason in answer.json()["reason"]
    assert "ours@1" not in policies(desk)


def test_only_an_administrator_publishes_and_chooses(desk: Desk) -> None:
    for role in set(Role) - {Role.ADMIN}:
        by = desk.api.as_(role)
        assert by.try_post("/service-policies", own_policy(desk)).status_code == 403
        assert by.try_post("/calendars", NIGHT).status_code == 403
        choice = {"reference": "S2@1"}
        assert by.try_put("/service-policies/in-force", choice).status_code == 403


def test_a_policy_nobody_published_cannot_be_chosen(desk: Desk) -> None:
    admin = desk.api.as_(Role.ADMIN)
    assert admin.try_put("/service-policies/in-force", {"reference": "ours@1"}).status_code == 422


def test_a_calendar_is_published_shown_and_used_by_a_site(desk: Desk) -> None:
    admin = desk.api.as_(Role.ADMIN)
    admin.post("/calendars", NIGHT)
    days = admin.get("/calendars/night-shop/days", **{"from": "2026-03-06", "to": "2026-03-08"})
    assert [day["is_working"] for day in days["items"]] == [True, True, False]
    site = {
        "name": "Bar",
        "address": "1 Night Rd",
        "region": "east",
        "latitude": 31,
        "longitude": 121,
    }
    assert admin.post("/sites", site | {"calendar": "night-shop"})["calendar"] == "night-shop"
    assert admin.try_post("/sites", site | {"calendar": "moon"}).status_code == 422


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"week": {"fri": [["18:00", "17:00"]]}}, "empty, overlaps"),
        ({"week": {}}, "never open"),
        ({"zone": "Mars/Olympus"}, "no time zone"),
        ({"days_off": ["2026-10-01"]}, "`covers` does not name"),
        ({"covers": [2025]}, "2026 is missing"),
        ({"version": 2}, "the next one is 1"),
    ],
)
def test_a_calendar_that_cannot_be_counted_by_is_refused_with_the_reason(
    desk: Desk, changes: dict[str, object], reason: str
) -> None:
    admin = desk.api.as_(Role.ADMIN)
    answer = admin.try_post("/calendars", NIGHT | changes)
    assert answer.status_code == 422
    assert reason in answer.json()["reason"]
    assert all(row["name"] != "night-shop" for row in admin.get("/calendars")["items"])


def test_a_new_version_may_not_forget_a_year(desk: Desk) -> None:
    calendar = msgspec.to_builtins(newest_calendar("cn-office"))
    only = {"version": 2, "covers": [2026]}
    for name in ("days_off", "make_up_days"):
        only[name] = [day for day in calendar[name] if day.startswith("2026")]
    answer = desk.api.as_(Role.ADMIN).try_post("/calendars", calendar | only)
    assert answer.status_code == 422
    assert "[2024, 2025] were known before" in answer.json()["reason"]


def test_administrators_hear_once_a_week_of_a_year_that_is_not_known(desk: Desk) -> None:
    desk.sweep()
    assert desk.notices("role:admin") == []
    desk.wait(290 * 86_400)
    told = desk.notices("role:admin")
    assert sorted(told) == [
        f"A calendar lacks the coming year: {name}@1" for name in ("cn-office", "cn-working-days")
    ]
    desk.wait(6 * 86_400)
    assert desk.notices("role:admin") == told
    desk.wait(2 * 86_400)
    assert len(desk.notices("role:admin")) == 4


def test_an_unknown_calendar_or_a_span_without_end_is_a_clear_error(desk: Desk) -> None:
    viewer = desk.api.as_(Role.VIEWER)
    assert viewer.try_get("/calendars/moon/days").status_code == 404
    ten_years = {"from": "2026-01-01", "to": "2036-01-01"}
    assert viewer.try_get("/calendars/cn-office/days", **ten_years).status_code == 422
