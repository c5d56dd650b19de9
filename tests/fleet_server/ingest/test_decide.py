"""P-3 as a rule: whatever runs arrive, in whatever order, nothing is taken twice or skipped."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from fleet_server.ingest.rules import Decision, Run, Standing, decide

EPOCHS = ["e1", "e2", "e3"]


@st.composite
def runs(draw: st.DrawFn) -> Run:
    floor = draw(st.integers(1, 12))
    first = draw(st.integers(floor, 14))
    return Run(draw(st.sampled_from(EPOCHS)), floor, first, draw(st.integers(first, 18)))


@dataclass
class Lane:
    """What ingest keeps of one lane, and a look at what was taken."""

    committed: dict[str, int] = field(default_factory=dict)
    """By epoch, oldest first."""
    taken: dict[str, list[int]] = field(default_factory=dict)
    gaps: dict[str, list[int]] = field(default_factory=dict)

    def standing(self) -> Standing | None:
        if not self.committed:
            return None
        *older, newest = self.committed
        return Standing(newest, self.committed[newest], frozenset(older))

    def accept(self, run: Run) -> Decision:
        decision = decide(self.standing(), run)
        if decision.is_new_epoch:
            self.committed[decision.epoch] = 0
        self.committed[decision.epoch] = decision.committed
        if decision.takes:
            new = range(decision.take_from, decision.take_to + 1)
            self.taken.setdefault(decision.epoch, []).extend(new)
        if decision.gap:
            first, last = decision.gap
            self.gaps.setdefault(decision.epoch, []).extend(range(first, last + 1))
        return decision


@given(st.lists(runs(), max_size=30))
def test_p03_over_any_runs_each_sequence_is_taken_once_or_declared_missing(many: list[Run]) -> None:
    lane = Lane()
    for run in many:
        before = dict(lane.committed)
        decision = lane.accept(run)
        if decision.takes:
            assert decision.epoch == run.epoch
            assert run.first <= decision.take_from <= decision.take_to == run.last
        for epoch, committed in before.items():
            assert lane.committed[epoch] >= committed
    for epoch, committed in lane.committed.items():
        taken, gaps = lane.taken.get(epoch, []), lane.gaps.get(epoch, [])
        assert taken == sorted(set(taken))
        assert sorted(taken + gaps) == list(range(1, committed + 1))


@given(st.lists(runs(), max_size=30))
def test_p03_an_epoch_that_was_followed_by_another_never_accepts_again(many: list[Run]) -> None:
    lane = Lane()
    for run in many:
        older = set(list(lane.committed)[:-1])
        decision = lane.accept(run)
        assert decision.is_stale_epoch == (run.epoch in older)
        if decision.is_stale_epoch:
            assert not decision.takes
            assert decision.gap is None


@given(st.lists(runs(), min_size=1, max_size=30))
def test_p03_the_same_run_again_changes_nothing(many: list[Run]) -> None:
    lane = Lane()
    for run in many:
        lane.accept(run)
        committed = dict(lane.committed)
        again = lane.accept(run)
        assert not again.takes
        assert again.gap is None
        assert lane.committed == committed


def test_p05_a_new_epoch_starts_at_one() -> None:
    decision = decide(Standing("e1", 50), Run("e2", 1, 1, 3))
    assert decision.is_new_epoch
    assert (decision.take_from, decision.take_to, decision.committed) == (1, 3, 3)


def test_p03_a_hole_above_the_floor_is_asked_for_and_not_skipped() -> None:
    decision = decide(Standing("e1", 5), Run("e1", 1, 8, 9))
    assert not decision.takes
    assert decision.gap is None
    assert decision.committed == 5


def test_p03_a_hole_below_the_floor_is_a_gap_even_when_the_run_begins_later() -> None:
    decision = decide(Standing("e1", 5), Run("e1", 8, 10, 11))
    assert decision.gap == (6, 7)
    assert decision.committed == 7
    assert not decision.takes
