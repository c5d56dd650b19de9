"""The food-safety profiles against restocks as the field shows them.

AMS Sensit machines write the cabinet's temperature at each door edge: 39-45 F at the first opening
of a visit, 48-57 F at its closing 4-14 min later (hardware reference, 1.3.5). How fast a machine
cools afterwards differs most, so each profile meets quick, middling, slow and broken ones.
"""

import math
from itertools import count

import pytest

from edge_agent.detection.findings import Finding, Raised
from edge_agent.detection.thresholds import DEMO_SPEED, PROFILES
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.readings import TemperatureReading
from tests.edge_agent.detection.cabinet import CLOSED, OPEN, Cabinet
from tests.edge_agent.detection.words import latch

HOLD, HIGH = "TEMP_SAFETY_HOLD", "TEMP_HIGH"
MINUTE = 60.0
VISITS = {"short": (39, 48, 4), "usual": (40, 52, 9), "long": (40, 57, 14)}
"""Fahrenheit at the first opening and at the closing, and minutes between them."""


def celsius(fahrenheit: float) -> float:
    return (fahrenheit - 32) / 1.8


class Machine:
    """A cabinet whose air follows a curve; `speed` hurries it as the profile is hurried."""

    def __init__(self, profile: str) -> None:
        self.cabinet = Cabinet(PROFILES[profile])
        self.speed = DEMO_SPEED if profile == "demo" else 1

    def curve(
        self, begin: float, end: float, time_constant: float, minutes: float
    ) -> list[Finding]:
        """Air moves from `begin` towards `end`; minutes are of the unhurried profile."""
        every = 5.0 / self.speed
        turns = count(1)

        def air(at: float) -> TemperatureReading:
            turn = next(turns)
            gone = turn * every * self.speed / MINUTE
            now = end + (begin - end) * math.exp(-gone / time_constant)
            return TemperatureReading("probe", "chiller", now + turn % 2 / 1_000, None, at)

        return self.cabinet.run(minutes * MINUTE / self.speed, air, every=every)

    def door(self, state: DoorState) -> None:
        self.cabinet.run(1.0 / self.speed, latch(state), every=1.0 / self.speed)

    def visit(self, visit: str) -> list[Finding]:
        """A technician comes, opens, loads warm goods, shuts the door and goes."""
        first, last, minutes = VISITS[visit]
        self.cabinet.service(began=True)
        self.door(OPEN)
        outside = celsius(2 * last - first)  # half the way there is done when the door is shut
        findings = self.curve(celsius(first), outside, minutes / math.log(2), minutes)
        self.door(CLOSED)
        self.cabinet.service(began=False)
        return findings

    def restock(self, visit: str, time_constant: float) -> list[Finding]:
        """An hour of cold, a visit, and three hours of cooling down to 37 F."""
        first, last, _ = VISITS[visit]
        findings = self.curve(celsius(first), celsius(first), 1.0, 60)
        findings += self.visit(visit)
        return findings + self.curve(celsius(last), celsius(37), time_constant, 180)


def holds(findings: list[Finding]) -> list[tuple[str, float | None]]:
    return [
        (row.cause, row.limit) for row in findings if isinstance(row, Raised) and row.code == HOLD
    ]


def codes(findings: list[Finding]) -> set[str]:
    return {row.code for row in findings if isinstance(row, Raised)}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("visit", VISITS)
def test_a_restock_of_a_healthy_machine_neither_holds_nor_warns(profile: str, visit: str) -> None:
    assert codes(Machine(profile).restock(visit, time_constant=10.0)) == set()


MISSED_41, MISSED_45 = ("too_warm_after_service", 5.0), ("too_warm_after_service", 7.2)
TOO_LONG = ("too_warm_too_long", 5.0)
LONG_VISITS = {
    ("fda", 17.0): [],
    ("fda", 20.0): [MISSED_41],
    ("fda", 40.0): [MISSED_41],
    ("nama", 26.0): [],
    ("nama", 29.0): [MISSED_41],
    ("nama", 36.0): [MISSED_45],
    ("cn", 26.0): [],
    ("cn", 30.0): [TOO_LONG],
    ("demo", 26.0): [],
    ("demo", 30.0): [TOO_LONG],
}
"""Time constant of cooling in minutes -> what holds after the longest, warmest visit.

On its way to 37 F, 57 F falls below 45 F (7.2 C) after 0.92 and below 41 F (5 C) after 1.61 time
constants. So fda (30 min) bears 18.6, nama (30 and 45 min) 32.6 and 28.0, cn (grace of 30 min, then
15) 28.0, each less the lag of the mean over a minute.
"""


@pytest.mark.parametrize(("profile", "time_constant"), LONG_VISITS)
def test_how_slowly_a_machine_may_cool_after_a_restock(profile: str, time_constant: float) -> None:
    findings = Machine(profile).restock("long", time_constant)
    assert holds(findings) == LONG_VISITS[profile, time_constant]


@pytest.mark.parametrize(
    ("profile", "minutes"), [("fda", 30), ("nama", 30), ("cn", 45), ("demo", 45)]
)
def test_a_machine_that_does_not_cool_at_all_is_held_when_its_profile_says(
    profile: str, minutes: float
) -> None:
    machine = Machine(profile)
    last = celsius(VISITS["long"][1])
    machine.curve(3.9, 3.9, 1.0, 60)
    machine.visit("long")
    assert holds(machine.curve(last, last, 1.0, minutes - 0.5)) == []
    assert len(holds(machine.curve(last, last, 1.0, 1.5))) == 1


@pytest.mark.parametrize(
    ("profile", "minutes"), [("fda", 30), ("nama", 15), ("cn", 15), ("demo", 15)]
)
def test_a_machine_that_stands_at_45_fahrenheit_is_held_without_any_visit(
    profile: str, minutes: float
) -> None:
    machine = Machine(profile)
    assert holds(machine.curve(celsius(45), celsius(45), 1.0, minutes - 0.5)) == []
    assert holds(machine.curve(celsius(45), celsius(45), 1.0, 1)) == [TOO_LONG]


@pytest.mark.parametrize("profile", PROFILES)
def test_the_warm_air_of_the_visit_itself_counts_neither_before_nor_after(profile: str) -> None:
    """Two visits with a good hour between them are forgiven, each for itself."""
    machine = Machine(profile)
    findings = machine.restock("long", 10.0) + machine.restock("long", 10.0)
    assert codes(findings) == set()


def test_a_second_visit_before_the_checkpoint_begins_its_time_anew() -> None:
    machine = Machine("fda")
    machine.restock("short", 10.0)
    machine.visit("long")
    assert holds(machine.curve(13.0, 13.0, 1.0, 25)) == []
    machine.visit("short")
    assert holds(machine.curve(9.0, 9.0, 1.0, 29)) == []
    assert holds(machine.curve(9.0, 9.0, 1.0, 2)) == [MISSED_41]


@pytest.mark.parametrize(("degrees", "held"), [(4.98, []), (5.02, [MISSED_41])])
def test_a_checkpoint_is_passed_at_its_limit_and_missed_above_it(
    degrees: float, held: list[tuple[str, float]]
) -> None:
    machine = Machine("fda")
    machine.curve(3.0, 3.0, 1.0, 10)
    machine.visit("short")
    assert holds(machine.curve(degrees, degrees, 1.0, 31)) == held


@pytest.mark.parametrize("profile", PROFILES)
def test_power_that_was_away_during_the_night_holds_whatever_the_profile(profile: str) -> None:
    machine = Machine(profile)
    machine.curve(3.0, 3.0, 1.0, 60)
    machine.cabinet.reboot(31 * MINUTE / machine.speed)
    assert holds(machine.curve(3.0, 3.0, 1.0, 1)) == [
        ("temperature_unknown", PROFILES[profile].hold_unknown_seconds)
    ]
