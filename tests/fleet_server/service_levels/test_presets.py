"""Policies are data, and what the engine cannot count is refused at once."""

import msgspec
import pytest

from fleet_server.auth.rules import Role
from fleet_server.service_levels.errors import PolicyError
from fleet_server.service_levels.presets import CALENDARS, PRESETS, newest
from fleet_server.service_levels.publishing import use_policy
from fleet_server.service_levels.queries import pinned
from fleet_server.service_levels.rules import (
    Escalation,
    Priority,
    Rung,
    Subject,
    Unit,
    checked,
    matching,
    scaled,
)
from protocol.faults import Severity
from tests.desk import Desk

STRICT = newest("strict")
CALENDAR_NAMES = {calendar.name for calendar in CALENDARS.values()}


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
    demo = newest("demo")
    assert _close(
        msgspec.to_builtins(scaled(demo, 60, "strict")),
        msgspec.to_builtins(scaled(STRICT, 1, "strict")),
    )
    assert demo.triage_wait_seconds == 15
    assert {rule.unit for rule in demo.clocks} == {Unit.REAL, Unit.PROMISED}
    assert demo.clock("result_notice").target[Priority.P2] == 5 * 86400 / 60


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
        "first_response",
        "arrival",
        "arrival_contract",
        "resolution",
        "promise",
    ]
    assert "arrival_contract" not in [rule.name for rule in matching(STRICT, plain)]
    assert [rule.name for rule in matching(STRICT, removal)] == [
        "acknowledge",
        "first_response",
        "arrival_removal",
        "resolution",
        "promise",
    ]
    assert "arrival" not in [rule.name for rule in matching(STRICT, desk)]


def test_the_five_presets_are_there_and_the_version_that_was_pinned_before_too() -> None:
    assert {policy.name for policy in PRESETS.values()} == {
        *("strict", "S3-minimum", "S0", "S2", "S4"),
        "demo",
    }
    assert {"strict@1", "strict@2"} <= PRESETS.keys()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"unit": Unit.WORKING_DAYS}, "needs a calendar"),
        ({"unit": Unit.BUSINESS, "calendar": "moon"}, "'moon' is none"),
        ({"calendar": "cn-office"}, "real time has no calendar"),
        ({"target": {Priority.P1: 0}}, "a target for each priority"),
        ({"unit": Unit.PROMISED}, "no target of its own"),
    ],
)
def test_a_clock_that_cannot_be_counted_is_refused(changes: dict[str, object], reason: str) -> None:
    rule = msgspec.structs.replace(STRICT.clocks[0], **changes)
    with pytest.raises(PolicyError, match=reason):
        checked(msgspec.structs.replace(STRICT, clocks=[rule]), CALENDAR_NAMES)


def test_two_clocks_of_one_name_are_refused() -> None:
    twice = [STRICT.clocks[0], STRICT.clocks[0]]
    with pytest.raises(PolicyError, match="one name"):
        checked(msgspec.structs.replace(STRICT, clocks=twice), CALENDAR_NAMES)


@pytest.mark.parametrize("ladder", [[], [Rung(50, ["owner"])], [Rung(0, []), Rung(100, [])]])
def test_a_ladder_rises_to_the_breach(ladder: list[Rung]) -> None:
    with pytest.raises(PolicyError, match="ladder"):
        checked(msgspec.structs.replace(STRICT, ladder=ladder), CALENDAR_NAMES)


def test_escalations_come_one_after_the_other() -> None:
    twice = [Escalation(60, ["owner"]), Escalation(60, ["on_call"])]
    with pytest.raises(PolicyError, match="one after the other"):
        checked(msgspec.structs.replace(STRICT, escalations=twice), CALENDAR_NAMES)


def test_an_unknown_policy_is_refused_by_name_and_by_version(desk: Desk) -> None:
    with pytest.raises(PolicyError):
        newest("lax")
    with desk.server.transactions.read() as tx:
        for reference in ("strict@0", "strict", "lax@1"):
            with pytest.raises(PolicyError):
                pinned(tx.session, reference)


def test_the_policy_in_force_is_shown_and_older_tickets_keep_theirs(desk: Desk) -> None:
    desk.raise_fault()
    with desk.server.transactions.write("system:test") as tx:
        use_policy(tx, "demo")
    desk.raise_fault("f2", "LOCK_OPEN_FAIL")
    policies = desk.api.as_(Role.VIEWER).get("/service-policies")["items"]
    assert [row["reference"] for row in policies if row["in_force"]] == ["demo@2"]
    assert [ticket["policy"] for ticket in desk.tickets()] == ["strict@2", "demo@2"]
