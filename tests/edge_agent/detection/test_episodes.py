"""The engine: one open episode per (code, part), flapping, parents, latches."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.detection import episodes
from edge_agent.detection.detector import VERDICTS_WAITING_MAX, Detector, StepForgottenError
from edge_agent.detection.episodes import Episodes
from edge_agent.detection.findings import Cleared, Finding, Raised, Repeated
from edge_agent.detection.thresholds import CN
from edge_agent.detection.verdicts import Condition, Verdict
from edge_agent.seed import Chance
from protocol.faults import CATALOGUE, Severity

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
BAD, GOOD, UNDECIDED = Condition.BAD, Condition.GOOD, Condition.UNDECIDED


class Engine:
    """An engine with its time."""

    def __init__(self) -> None:
        self.episodes = Episodes(Chance.from_seed(1))
        self.elapsed = 0.0

    def judge(
        self, code: str, condition: Condition, severity: Severity = Severity.M, part: str = "A"
    ) -> Finding | None:
        self.elapsed += 60
        wall = START + timedelta(seconds=self.elapsed)
        verdict = Verdict(code, part, condition, severity, began_at=self.elapsed)
        return self.episodes.apply(verdict, self.elapsed, wall, CN)


def test_a_lasting_cause_is_raised_once_and_a_returning_one_counted() -> None:
    engine = Engine()
    assert isinstance(engine.judge("TEMP_HIGH", BAD), Raised)
    assert engine.judge("TEMP_HIGH", BAD) is None
    assert engine.judge("TEMP_HIGH", UNDECIDED) is None
    repeated = engine.judge("TEMP_HIGH", BAD)
    assert isinstance(repeated, Repeated)
    assert repeated.count == 2
    cleared = engine.judge("TEMP_HIGH", GOOD)
    assert isinstance(cleared, Cleared)
    assert cleared.count == 2


def test_a_severity_only_rises_within_an_episode() -> None:
    engine = Engine()
    engine.judge("DOOR_OPEN_LONG", BAD, Severity.M)
    risen = engine.judge("DOOR_OPEN_LONG", BAD, Severity.C)
    assert isinstance(risen, Repeated)
    assert risen.severity is Severity.C
    assert engine.judge("DOOR_OPEN_LONG", BAD, Severity.M) is None
    (episode,) = engine.episodes.open_episodes()
    assert episode.severity is Severity.C


def test_the_fourth_episode_in_an_hour_stays_open_and_counts_on() -> None:
    engine = Engine()
    found = [engine.judge("LOCK_BOARD_COMM", c) for c in [BAD, GOOD] * 6]
    kinds = [type(finding).__name__ for finding in found if finding]
    assert kinds == ["Raised", "Cleared"] * 3 + ["Raised", "Repeated", "Repeated"]
    fourth = found[6]
    assert isinstance(fourth, Raised)
    assert fourth.flapping
    assert not any(finding.flapping for finding in found[:6] if isinstance(finding, Raised))


def test_what_was_raised_longer_ago_than_the_window_is_forgotten() -> None:
    """Else a machine that names ever new parts would fill the memory of the flapping rule."""
    engine = Engine()
    for number in range(500):
        engine.judge("VEND_FAIL", BAD, part=str(number))
        engine.judge("VEND_FAIL", GOOD, part=str(number))
    assert len(engine.episodes.recent_raises()) <= 31


def test_a_flapping_fault_clears_after_an_hour_of_quiet() -> None:
    engine = Engine()
    for condition in [BAD, GOOD] * 4:
        engine.judge("LOCK_BOARD_COMM", condition)
    quiet = [engine.judge("LOCK_BOARD_COMM", GOOD) for _ in range(60)]
    assert [type(finding) for finding in quiet if finding] == [Cleared]
    assert isinstance(quiet[-2] or quiet[-1], Cleared), "only when the hour is over"


def test_three_episodes_an_hour_are_three_episodes() -> None:
    engine = Engine()
    for _ in range(10):
        assert isinstance(engine.judge("LOCK_BOARD_COMM", BAD), Raised)
        assert isinstance(engine.judge("LOCK_BOARD_COMM", GOOD), Cleared)
        engine.elapsed += 1_200


def test_mains_lost_keeps_its_children_from_being_raised_and_they_follow_if_they_last() -> None:
    engine = Engine()
    engine.judge("POWER_LOST", BAD, part="mains")
    assert engine.judge("LOCK_BOARD_COMM", BAD) is None
    assert engine.judge("DOOR_OPEN_LONG", BAD) is not None, "not a child of mains"
    engine.judge("POWER_LOST", GOOD, part="mains")
    assert isinstance(engine.judge("LOCK_BOARD_COMM", BAD), Raised)


def test_a_child_already_open_stays_open_under_its_parent_and_clears_by_itself() -> None:
    engine = Engine()
    engine.judge("LOCK_BOARD_COMM", BAD)
    engine.judge("POWER_LOST", BAD, part="mains")
    assert isinstance(engine.judge("LOCK_BOARD_COMM", GOOD), Cleared)


@pytest.mark.parametrize("parent", sorted(CATALOGUE))
def test_nothing_keeps_the_food_safety_hold_from_being_raised(parent: str) -> None:
    engine = Engine()
    engine.judge(parent, BAD, part="any")
    assert isinstance(engine.judge("TEMP_SAFETY_HOLD", BAD, Severity.C, "chiller"), Raised)


def test_what_the_catalogue_calls_latched_never_clears_by_itself() -> None:
    latched = [code for code, kind in CATALOGUE.items() if kind.latched]
    assert "TEMP_SAFETY_HOLD" in latched
    for code in latched:
        engine = Engine()
        raised = engine.judge(code, BAD)
        assert isinstance(raised, Raised)
        assert raised.latched
        assert all(engine.judge(code, GOOD) is None for _ in range(100))


verdicts = st.tuples(
    st.sampled_from(["LOCK_BOARD_COMM", "POWER_LOST", "TEMP_SAFETY_HOLD", "DOOR_OPEN_LONG"]),
    st.sampled_from(list(Condition)),
    st.sampled_from(list(Severity)),
    st.sampled_from(["A", "B"]),
)


@given(st.lists(verdicts, max_size=80))
def test_each_episode_is_raised_then_repeated_then_cleared_and_one_is_open_at_a_time(
    sequence: list[tuple[str, Condition, Severity, str]],
) -> None:
    engine = Engine()
    counts: dict[str, int] = {}
    open_keys: dict[tuple[str, str], str] = {}
    for code, condition, severity, part in sequence:
        finding = engine.judge(code, condition, severity, part)
        if finding is None:
            continue
        key = (finding.code, finding.part)
        if isinstance(finding, Raised):
            assert key not in open_keys
            assert finding.fault_id not in counts
            open_keys[key], counts[finding.fault_id] = finding.fault_id, 1
        elif isinstance(finding, Repeated):
            assert open_keys[key] == finding.fault_id
            assert finding.count == counts[finding.fault_id] + 1
            counts[finding.fault_id] += 1
        else:
            assert finding.code != "TEMP_SAFETY_HOLD"
            assert open_keys.pop(key) == finding.fault_id
            assert finding.count == counts[finding.fault_id]
    still = {(row.code, row.part): row.fault_id for row in engine.episodes.open_episodes()}
    assert still == open_keys


def test_a_verdict_from_elsewhere_is_raised_at_the_next_step() -> None:
    """A lost store latches the food-safety hold again (protocol v1, P-16)."""
    detector = Detector(CN, Chance.from_seed(1), perishable=True)
    detector.report(
        Verdict("TEMP_SAFETY_HOLD", "chiller", BAD, Severity.C, began_at=9.0, cause="store_lost")
    )
    (raised,) = detector.step(10.0, START)
    assert isinstance(raised, Raised)
    assert (raised.cause, raised.latched) == ("store_lost", True)
    assert raised.since == START - timedelta(seconds=1)


def test_what_others_said_before_a_release_does_not_raise_it_again() -> None:
    """An attached machine is read twice a day; its word of the morning must not hold for ever."""
    detector = Detector(CN, Chance.from_seed(1), perishable=True)
    hold = "TEMP_SAFETY_HOLD"
    detector.report(Verdict(hold, "chiller", BAD, Severity.C, 9.0, source="audit"))
    detector.step(10.0, START)
    detector.release(hold, "chiller", "technician-7", elapsed=11.0)
    detector.report(Verdict(hold, "chiller", UNDECIDED))
    assert detector.step(12.0, START) == []


def test_readings_without_steps_are_bounded() -> None:
    detector = Detector(CN, Chance.from_seed(1), perishable=True)
    verdict = Verdict("CPU_RESETS", "board", UNDECIDED)
    for _ in range(VERDICTS_WAITING_MAX):
        detector.report(verdict)
    with pytest.raises(StepForgottenError):
        detector.report(verdict)


def test_not_even_a_catalogue_that_says_so_suppresses_the_food_safety_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mains = msgspec.structs.replace(CATALOGUE["POWER_LOST"], suppresses=["TEMP_SAFETY_HOLD"])
    monkeypatch.setattr(episodes, "CATALOGUE", {**CATALOGUE, "POWER_LOST": mains})
    engine = Engine()
    engine.judge("POWER_LOST", BAD, part="mains")
    assert isinstance(engine.judge("TEMP_SAFETY_HOLD", BAD, Severity.C, "chiller"), Raised)
