"""Policies are data, and what the engine cannot count is refused at once."""

import msgspec
import pytest

from fleet_server.auth.rules import Role
from fleet_server.service_levels.errors import PolicyError
from fleet_server.service_levels.presets import newest, pinned
from fleet_server.service_levels.rules import (
    Priority,
    Rung,
    Subject,
    Unit,
    checked,
    matching,
    scaled,
)
from fleet_server.service_levels.service import use_policy
from protocol.faults import Severity
from tests.desk import Desk

STRICT = newest("strict")


def test_the_strict_numbers_are_those_of_the_requirements() -> None:
    assert STRICT.clock("acknowledge").target == dict.fromkeys(Priority, 900)
    assert STRICT.clock("arrival").target[Priority.P1] == 24 * 3600
    assert STRICT.clock("arrival").target[Priority.P2] == 72 * 3600
    assert STRICT.clock("arrival_contract").target[Priority.P1] == 4 * 3600
    assert STRICT.clock("resolution").target[Priority.P2] == 72 * 3600
    assert list(STRICT.offer_window_seconds.values()) == [300, 900, 3600]
    assert STRICT.triage_wait_seconds == 900
    assert STRICT.quiet_close_seconds == 72 * 3600


def test_demo_is_strict_with_every_duration_divided_by_sixty() -> None:
    demo = msgspec.to_builtins(scaled(newest("demo"), 60, "strict"))
    assert _close(demo, msgspec.to_builtins(STRICT))
    assert newest("demo").triage_wait_seconds == 15


def _close(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_close(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_close, one, other))
    if isinstance(one, float) or isinstance(other, float):
        return one == pytest.approx(other)
    return one == other


def test_severity_c_adds_the_contract_clock_and_a_removal_has_its_own() -> None:
    grave = Subject("ticket", "fault", Priority.P1, Severity.C)
    plain = Subject("ticket", "fault", Priority.P2, Severity.M)
    removal = Subject("ticket", "recall_removal", Priority.P1)
    desk = Subject("desk", "inspection", Priority.P2, Severity.M)
    assert [rule.name for rule in matching(STRICT, grave)] == [
        "acknowledge",
        "arrival",
        "arrival_contract",
        "resolution",
    ]
    assert "arrival_contract" not in [rule.name for rule in matching(STRICT, plain)]
    assert [rule.name for rule in matching(STRICT, removal)] == [
        "acknowledge",
        "arrival_removal",
        "resolution",
    ]
    assert "arrival" not in [rule.name for rule in matching(STRICT, desk)]


def test_a_unit_without_calendar_is_refused_when_the_policy_is_loaded() -> None:
    rule = msgspec.structs.replace(STRICT.clocks[0], unit=Unit.WORKING_DAYS)
    with pytest.raises(PolicyError, match="needs a calendar"):
        checked(msgspec.structs.replace(STRICT, clocks=[rule]))


def test_a_target_that_is_missing_or_not_positive_is_refused() -> None:
    rule = msgspec.structs.replace(STRICT.clocks[0], target={Priority.P1: 0})
    with pytest.raises(PolicyError, match="a target for each priority"):
        checked(msgspec.structs.replace(STRICT, clocks=[rule]))


def test_a_ladder_ends_with_the_breach() -> None:
    with pytest.raises(PolicyError, match="ladder"):
        checked(msgspec.structs.replace(STRICT, ladder=[Rung(50, ["owner"])]))


def test_an_unknown_policy_is_refused_by_name_and_by_version() -> None:
    with pytest.raises(PolicyError):
        newest("lax")
    with pytest.raises(PolicyError):
        pinned("strict@0")


def test_the_policy_in_force_is_shown_and_older_tickets_keep_theirs(desk: Desk) -> None:
    desk.raise_fault()
    with desk.server.transactions.write("system:test") as tx:
        use_policy(tx, "demo")
    desk.raise_fault("f2", "LOCK_OPEN_FAIL")
    policies = desk.api.as_(Role.VIEWER).get("/service-policies")["items"]
    assert [row["reference"] for row in policies if row["in_force"]] == ["demo@1"]
    assert [ticket["policy"] for ticket in desk.tickets()] == ["strict@1", "demo@1"]
