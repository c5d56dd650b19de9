"""The detector under any sequence of readings, and across reboots in the middle."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.detection.detector import Detector
from edge_agent.detection.findings import Cleared, Finding, Raised
from edge_agent.detection.snapshot import DetectorState
from edge_agent.detection.thresholds import CN, hurried
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.readings import (
    DeviceFailure,
    DoorReading,
    PulseSent,
    Reading,
    TemperatureReading,
)
from edge_agent.seed import Chance

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
# Hurried 64 times, so that sequences of a few dozen readings reach every limit; 64 and whole
# seconds keep the arithmetic exact on two scales of elapsed time.
THRESHOLDS = hurried(CN, 64)
REBOOT_ELAPSED = 16.0

Move = tuple[str, float, int]
moves = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "open",
                "closed",
                "unknown",
                "warm",
                "cold",
                "rail",
                "mute",
                "deaf",
                "in",
                "out",
                "pulse",
                "nothing",
            ]
        ),
        st.sampled_from([1.0, 2.0, 8.0, 40.0]),
        st.integers(1, 6),
    ),
    max_size=25,
)


class Player:
    """Plays moves on a detector; the same moves give the same findings."""

    def __init__(self, *, perishable: bool) -> None:
        self.perishable = perishable
        self.detector = Detector(THRESHOLDS, Chance.from_seed(1), perishable=perishable)
        self.elapsed = 4_096.0
        self.wall = START
        self.failures: Counter[str] = Counter()
        self.findings: list[Finding] = []

    def play(self, sequence: list[Move]) -> None:
        for what, seconds, times in sequence:
            for turn in range(times):
                self.elapsed += seconds
                self.wall += timedelta(seconds=seconds)
                self._observe(what, turn)
                self.findings += self.detector.step(self.elapsed, self.wall)

    def reboot(self) -> None:
        raw = msgspec.json.encode(self.detector.snapshot(self.elapsed))
        state = msgspec.json.decode(raw, type=DetectorState)
        self.elapsed = REBOOT_ELAPSED
        self.detector = Detector.restore(
            state,
            THRESHOLDS,
            Chance.from_seed(2),
            perishable=self.perishable,
            elapsed=self.elapsed,
        )

    def _observe(self, what: str, turn: int) -> None:
        if what == "in":
            self.detector.service_began(self.elapsed)
        elif what == "out":
            self.detector.service_ended(self.elapsed)
        elif what != "nothing":
            self.detector.observe(self._reading(what, turn))

    def _reading(self, what: str, turn: int) -> Reading:
        at = self.elapsed
        if what in {"mute", "deaf"}:
            device, kind, part = (
                ("locks", "lock_board", "A") if what == "mute" else ("probe", "temperature", "air")
            )
            self.failures[device] += 1
            count = self.failures[device]
            return DeviceFailure(device, kind, "NoAnswerError", "", count, (part,), at)
        if what in {"warm", "cold", "rail"}:
            self.failures["probe"] = 0
            celsius = {"warm": 9.0, "cold": 2.0, "rail": -60.0}[what] + turn / 8
            return TemperatureReading("probe", "air", celsius, None, at)
        if what == "pulse":
            return PulseSent("locks", "A", "order", at)
        self.failures["locks"] = 0
        return DoorReading("locks", "A", DoorState(what), at)


@given(sequence=moves, perishable=st.booleans())
@settings(deadline=None)
def test_any_readings_keep_one_open_episode_and_clear_only_what_was_raised(
    sequence: list[Move], *, perishable: bool
) -> None:
    player = Player(perishable=perishable)
    player.play(sequence)
    open_ids: dict[tuple[str, str], str] = {}
    for finding in player.findings:
        key = (finding.code, finding.part)
        if isinstance(finding, Raised):
            assert key not in open_ids
            assert finding.since <= player.wall
            open_ids[key] = finding.fault_id
        elif isinstance(finding, Cleared):
            assert open_ids.pop(key) == finding.fault_id
            assert finding.code != "TEMP_SAFETY_HOLD"
        else:
            assert open_ids[key] == finding.fault_id
    assert perishable or not any(code == "TEMP_SAFETY_HOLD" for code, _ in open_ids)


@given(before=moves, after=moves, perishable=st.booleans())
@settings(deadline=None)
def test_a_reboot_in_the_middle_changes_no_finding(
    before: list[Move], after: list[Move], *, perishable: bool
) -> None:
    through, rebooted = Player(perishable=perishable), Player(perishable=perishable)
    through.play(before)
    rebooted.play(before)
    rebooted.reboot()
    through.play(after)
    rebooted.play(after)
    assert _without_new_ids(rebooted.findings) == _without_new_ids(through.findings)


@given(moves)
@settings(deadline=None)
def test_the_same_readings_give_the_same_findings(sequence: list[Move]) -> None:
    first, second = Player(perishable=True), Player(perishable=True)
    first.play(sequence)
    second.play(sequence)
    assert first.findings == second.findings


def test_the_moves_reach_every_rule() -> None:
    """Without this the properties above could hold for want of findings."""
    player = Player(perishable=True)
    player.play([("open", 1.0, 20), ("closed", 1.0, 3), ("mute", 1.0, 20), ("warm", 1.0, 20)])
    player.play([("rail", 1.0, 6), ("closed", 1.0, 3), ("cold", 1.0, 30)])
    raised = {finding.code for finding in player.findings if isinstance(finding, Raised)}
    cleared = {finding.code for finding in player.findings if isinstance(finding, Cleared)}
    assert raised - cleared == {"TEMP_SAFETY_HOLD"}
    assert cleared == {"DOOR_OPEN_LONG", "LOCK_BOARD_COMM", "TEMP_HIGH", "TEMP_SENSOR"}


def _without_new_ids(findings: list[Finding]) -> list[Finding]:
    """Number the fault ids by first appearance: a reboot draws others."""
    numbers: dict[str, str] = {}
    for finding in findings:
        numbers.setdefault(finding.fault_id, str(len(numbers)))
    return [
        msgspec.structs.replace(finding, fault_id=numbers[finding.fault_id]) for finding in findings
    ]
