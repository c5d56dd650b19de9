"""The detector under any sequence of readings, services, releases, gaps and reboots."""

from collections import defaultdict
from dataclasses import dataclass, field

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.detection.findings import Finding, Raised, Repeated
from edge_agent.detection.rows import RULES
from edge_agent.seed import Chance
from protocol.events import ClearedBy
from protocol.faults import CATALOGUE
from tests.edge_agent.detection.cabinet import Cabinet
from tests.edge_agent.detection.moves import (
    NAMES,
    THRESHOLDS,
    Move,
    play,
    without_ids,
)
from tests.edge_agent.detection.test_every_code import CASES

HOLD = "TEMP_SAFETY_HOLD"
SECONDS = [1.0, 2.0, 8.0, 40.0]
FORGETFUL = {
    "DOOR_FORCED": "a door first seen open after a reboot proves nothing",
    "DOOR_EXCESS": "and is no opening",
    "DOOR_SENSOR": "nor is it an edge",
    "LOCK_NOT_LATCHED": "reed and latch are believed only once both were seen again",
    "LOCK_OPEN_FAIL": "whether the pulse before the reboot opened the door nobody knows",
    "PAY_READER_OFFLINE": "a reader that was off with the agent has its full time again",
}
"""Codes that a reboot may change, as their rules say (`restored`)."""
SNAPSHOT_BYTES_MAX = 32_768
"""One door, chiller, shelf and till; what is kept of each is bounded."""


def moves(names: tuple[str, ...] = NAMES, most: int = 25) -> st.SearchStrategy[list[Move]]:
    return st.lists(
        st.tuples(st.sampled_from(names), st.sampled_from(SECONDS), st.integers(1, 40)),
        max_size=most,
    )


def cabinet(*, perishable: bool = True) -> Cabinet:
    return Cabinet(THRESHOLDS, perishable=perishable)


@dataclass
class Judge:
    """Follows findings as the server does, and checks each against what is open."""

    open: dict[tuple[str, str], Raised | Repeated] = field(default_factory=dict)
    raised_ats: dict[tuple[str, str], list[float]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def follow(self, finding: Finding, at: float) -> None:
        key = (finding.code, finding.part)
        if isinstance(finding, Raised):
            assert key not in self.open
            assert not self._suppressed(finding.code)
            assert finding.latched >= CATALOGUE[finding.code].latched
            self.raised_ats[key].append(at)
            self.open[key] = finding
            return
        before = self.open[key]
        assert finding.fault_id == before.fault_id
        count = before.count if isinstance(before, Repeated) else 1
        if isinstance(finding, Repeated):
            assert finding.count == count + 1
            assert finding.severity.rank <= before.severity.rank
            assert finding.latched >= before.latched
            self.open[key] = finding
            return
        assert finding.count == count
        assert (finding.cleared_by is ClearedBy.ONSITE) is before.latched
        del self.open[key]

    def _suppressed(self, code: str) -> bool:
        return code != HOLD and any(code in CATALOGUE[parent].suppresses for parent, _ in self.open)


@given(sequence=moves(), perishable=st.booleans(), late_seconds=st.sampled_from([0.0, 0.004, 60.0]))
@settings(deadline=None, max_examples=150)
def test_findings_of_any_readings_make_sense_to_who_follows_them(
    sequence: list[Move], late_seconds: float, *, perishable: bool
) -> None:
    bench, judge = cabinet(perishable=perishable), Judge()
    bench.late_seconds = late_seconds
    for what, seconds, times in sequence:
        for _ in range(times):
            for finding in play(bench, [(what, seconds, 1)]):
                judge.follow(finding, bench.elapsed)
            assert bench.detector._verdicts == []
    episodes = bench.detector.open_episodes()
    assert {(row.code, row.part): row.fault_id for row in episodes} == {
        key: finding.fault_id for key, finding in judge.open.items()
    }
    assert perishable or HOLD not in bench.open_codes()


@given(sequence=moves(tuple(name for name in NAMES if name != "release"), most=60))
@settings(deadline=None, max_examples=100)
def test_no_more_than_four_episodes_of_one_cause_begin_within_an_hour(
    sequence: list[Move],
) -> None:
    bench, judge = cabinet(), Judge()
    for what, seconds, times in sequence:
        for _ in range(times):
            for finding in play(bench, [(what, seconds, 1)]):
                judge.follow(finding, bench.elapsed)
    most = THRESHOLDS.flapping_episodes + 1
    for ats in judge.raised_ats.values():
        for first, later in zip(ats, ats[most:], strict=False):
            assert later - first >= THRESHOLDS.flapping_window_seconds


@given(sequence=moves(), perishable=st.booleans())
@settings(deadline=None, max_examples=50)
def test_the_same_readings_give_the_same_findings(
    sequence: list[Move], *, perishable: bool
) -> None:
    first, second = cabinet(perishable=perishable), cabinet(perishable=perishable)
    assert play(first, sequence) == play(second, sequence)
    assert first.detector.snapshot(0.0) == second.detector.snapshot(0.0)


@given(
    before=moves(),
    downtime=st.sampled_from([0.0, 2.0, 8.0, 40.0, 128.0]),
    after=moves(tuple(name for name in NAMES if name != "release")),
    perishable=st.booleans(),
)
@settings(deadline=None, max_examples=150)
def test_a_reboot_of_known_length_is_as_good_as_the_same_silence(
    before: list[Move], downtime: float, after: list[Move], *, perishable: bool
) -> None:
    through, rebooted = cabinet(perishable=perishable), cabinet(perishable=perishable)
    told_through, told_rebooted = play(through, before), play(rebooted, before)
    told_through += through.wait(downtime)
    rebooted.reboot(downtime, elapsed=16.0)
    told_rebooted += rebooted.wait(0.0)
    told_through += play(through, after)
    told_rebooted += play(rebooted, after)
    assert lasting(told_rebooted) == lasting(told_through)


def lasting(findings: list[Finding]) -> list[Finding]:
    return without_ids([row for row in findings if row.code not in FORGETFUL])


@given(sequence=moves(most=15))
@settings(deadline=None, max_examples=20)
def test_memory_does_not_grow_with_time(sequence: list[Move]) -> None:
    bench = cabinet()
    for _ in range(20):
        play(bench, sequence)
    state = bench.detector.snapshot(bench.elapsed)
    assert len(msgspec.json.encode(state)) < SNAPSHOT_BYTES_MAX
    assert set(state.rows) <= {rule.name for rule in RULES}
    assert all(len(parts) <= 9 for parts in state.rows.values()), "no more parts than were named"


def test_a_long_life_raises_every_code_and_stays_small() -> None:
    """Without this the properties above could hold for want of findings."""
    bench, judge, chance = cabinet(), Judge(), Chance.from_seed(7)
    for _ in range(1_500):
        what = NAMES[int(chance.uniform(0, len(NAMES)))]
        seconds, times = SECONDS[int(chance.uniform(0, 3))], int(chance.uniform(20, 40))
        for finding in play(bench, [(what, seconds, times)]):
            judge.follow(finding, bench.elapsed)
    assert {code for code, _ in judge.raised_ats} == {case.code for case in CASES}
    state = bench.detector.snapshot(bench.elapsed)
    assert len(msgspec.json.encode(state)) < SNAPSHOT_BYTES_MAX
