"""The sale lease: how long the server was not heard, whatever the clock says."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge_agent.agent import SCHEMA_STEPS
from edge_agent.clock import ManualClock
from edge_agent.outbox.contact import Contact
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.store import Store

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path, SCHEMA_STEPS, now=START)
    time = Timekeeper(opened, ManualClock(START), trusted=True)
    with opened.transaction():
        time.raise_bound(START)
    Contact(opened, time, answer_seconds=60.0).heard(1)
    yield opened
    opened.close()


def contact(store: Store, clock: ManualClock) -> Contact:
    """Contact of a later boot, in which the server was not heard yet."""
    return Contact(store, Timekeeper(store, clock, trusted=False), answer_seconds=60.0)


def test_a_boot_later_the_silence_is_told_by_the_wall_clock(store: Store) -> None:
    clock = ManualClock(datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
    assert contact(store, clock).silent_seconds() == 2 * DAY


def test_a_clock_that_lost_the_date_does_not_stop_the_lease(store: Store) -> None:
    """Without a battery it stands at its lower bound for decades."""
    clock = ManualClock(EPOCH)
    later = contact(store, clock)
    clock.advance(8 * DAY)
    silent = later.silent_seconds()
    assert silent is not None
    assert silent >= 8 * DAY


def test_nor_do_many_lives_in_which_nobody_was_heard(store: Store) -> None:
    for day in range(1, 5):
        clock = ManualClock(EPOCH)
        life = contact(store, clock)
        clock.advance(2 * DAY)
        with store.transaction():
            life.write()
        silent = life.silent_seconds()
        assert silent is not None
        assert silent >= 2 * day * DAY


def test_a_server_that_is_heard_again_ends_the_silence_of_before(store: Store) -> None:
    clock = ManualClock(EPOCH)
    silent = contact(store, clock)
    clock.advance(5 * DAY)
    with store.transaction():
        silent.write()
    heard = contact(store, ManualClock(EPOCH))
    heard.heard(1)
    assert heard.silent_seconds() == 0.0
    assert (contact(store, ManualClock(EPOCH)).silent_seconds() or 0.0) < DAY
