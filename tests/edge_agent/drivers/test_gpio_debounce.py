"""Debouncing: what rests counts, what does not rest does not, and chatter is seen in the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.gpio.debounce import CHATTER_PERIODS, Change, Debouncer

PERIOD = 50

Edges = list[tuple[int, bool]]


def edges_of(gaps: list[int]) -> Edges:
    """Edges up and down by turns, with these gaps before them; the line rests low at first."""
    at, edges = 0, []
    for index, gap in enumerate(gaps):
        at += gap
        edges.append((at, index % 2 == 0))
    return edges


def debounced(edges: Edges, until: int | None = None) -> list[Change]:
    debouncer = Debouncer(PERIOD, {7: False})
    changes = [change for at, active in edges for change in debouncer.edge(7, at, active=active)]
    end = until if until is not None else (edges[-1][0] if edges else 0) + PERIOD
    return changes + debouncer.settle(end)


gaps = st.lists(st.integers(1, 3 * PERIOD), max_size=60)


def test_a_contact_that_bounces_is_one_change_where_its_rest_began() -> None:
    edges = edges_of([1_000, 2, 2, 2, 2])
    assert debounced(edges) == [Change(7, active=True, at_ns=1_008)]


def test_a_glitch_shorter_than_the_period_is_nothing() -> None:
    assert debounced(edges_of([1_000, PERIOD - 1])) == []


def test_a_level_counts_only_once_it_has_rested() -> None:
    edges = edges_of([1_000])
    assert debounced(edges, until=1_000 + PERIOD - 1) == []
    assert debounced(edges, until=1_000 + PERIOD) == [Change(7, active=True, at_ns=1_000)]


def test_edges_that_come_late_and_together_are_told_apart() -> None:
    """As after a stuck turn of the bus: a door that opened and shut is two changes."""
    assert debounced(edges_of([1_000, 500])) == [
        Change(7, active=True, at_ns=1_000),
        Change(7, active=False, at_ns=1_500),
    ]


def test_lines_do_not_disturb_each_other() -> None:
    debouncer = Debouncer(PERIOD, {1: False, 2: True})
    debouncer.edge(1, 0, active=True)
    debouncer.edge(2, 30, active=False)
    assert debouncer.due_at_ns == 50
    assert debouncer.settle(50) == [Change(1, active=True, at_ns=0)]
    assert debouncer.due_at_ns == 80
    assert debouncer.levels == {1: True, 2: True}


@pytest.mark.parametrize("gap", [1, 7, 9, 10, 49])
def test_chatter_without_end_is_told_now_and_then(gap: int) -> None:
    """Whatever its rhythm; a line that is only sampled could look still."""
    long = CHATTER_PERIODS * PERIOD
    changes = debounced(edges_of([gap] * (10 * long // gap)))
    assert 9 <= len(changes) <= 11


@given(gaps)
def test_changes_take_turns_and_their_stamps_go_on(gaps: list[int]) -> None:
    changes = debounced(edges_of(gaps))
    assert [change.active for change in changes] == [
        index % 2 == 0 for index in range(len(changes))
    ]
    stamps = [change.at_ns for change in changes]
    assert stamps == sorted(set(stamps))
    assert set(stamps) <= {at for at, _ in edges_of(gaps)}


@given(gaps)
def test_a_line_left_alone_ends_as_it_is(gaps: list[int]) -> None:
    edges = edges_of(gaps)
    changes = debounced(edges)
    shown = edges[-1][1] if edges else False
    assert (changes[-1].active if changes else False) == shown


@given(gaps)
def test_a_change_is_a_rest_of_a_whole_period_or_a_chatter_of_many(gaps: list[int]) -> None:
    edges = edges_of(gaps)
    stamps = [at for at, _ in edges]
    nexts = [*stamps[1:], 10**9]
    rested = {at for at, after in zip(stamps, nexts, strict=False) if after - at >= PERIOD}
    forced = [change for change in debounced(edges) if change.at_ns not in rested]
    span = edges[-1][0] if edges else 0
    assert len(forced) <= span / (CHATTER_PERIODS * PERIOD)


@given(gaps.filter(bool), st.data())
def test_how_edges_are_parcelled_does_not_matter(gaps: list[int], data: st.DataObject) -> None:
    """Looking at the line between its edges never changes what comes out."""
    edges = edges_of(gaps)
    looked = Debouncer(PERIOD, {7: False})
    changes: list[Change] = []
    before = 0
    for at, active in edges:
        changes += looked.settle(data.draw(st.integers(before, at)))
        changes += looked.edge(7, at, active=active)
        before = at
    assert changes + looked.settle(before + PERIOD) == debounced(edges)


@given(gaps.filter(bool))
def test_it_says_when_to_look_again(gaps: list[int]) -> None:
    debouncer = Debouncer(PERIOD, {7: False})
    for at, active in edges_of(gaps):
        debouncer.edge(7, at, active=active)
        due = debouncer.due_at_ns
        assert due == at + PERIOD
        assert debouncer.settle(due - 1) == []
    debouncer.settle(at + PERIOD)
    assert debouncer.due_at_ns is None


@pytest.mark.parametrize("active", [True, False])
def test_an_edge_the_kernel_dropped_its_counterpart_of_changes_nothing(*, active: bool) -> None:
    debouncer = Debouncer(PERIOD, {7: active})
    assert debouncer.edge(7, 100, active=active) == []
    assert debouncer.due_at_ns is None
