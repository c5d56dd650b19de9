"""Journal and telemetry by month: made ahead, never refused, dropped when their time is over."""

import pytest
from sqlalchemy import select, text

from fleet_server.app import FleetServer
from fleet_server.clock import ManualClock
from fleet_server.ingest.models import JournalEvent
from fleet_server.ingest.partitions import (
    MonthKeeper,
    Retention,
    following,
    forget_old_months,
    make_months,
)
from tests.registry import speaking_cabinet

DOOR = {"door": "1", "cause": "sale"}
DAY = 86_400.0


@pytest.mark.parametrize(
    ("month", "steps", "later"),
    [(202611, 1, 202612), (202612, 1, 202701), (202601, -1, 202512), (202603, -42, 202209)],
)
def test_months_are_counted_over_the_turn_of_the_year(month: int, steps: int, later: int) -> None:
    assert following(month, steps) == later


def months(server: FleetServer) -> list[int]:
    with server.transactions.read() as tx:
        return sorted(tx.session.scalars(select(JournalEvent.month)))


def look(server: FleetServer, kept: int) -> None:
    with server.transactions.write("system:test") as tx:
        forget_old_months(Retention(kept, kept), tx)


def test_what_is_older_than_the_retention_goes_and_the_rest_stays(
    server: FleetServer, clock: ManualClock
) -> None:
    cabinet = speaking_cabinet(server)
    for _ in range(4):  # March to June 2026
        look(server, 0)
        cabinet.tell("door.opened", DOOR)
        clock.advance(31 * DAY)
    assert months(server) == [202603, 202604, 202605, 202606]
    look(server, 2)  # July: June and May are kept whole
    assert months(server) == [202605, 202606]
    cabinet.tell("door.closed", DOOR)
    assert months(server) == [202605, 202606, 202607]


def test_retention_0_keeps_everything(server: FleetServer, clock: ManualClock) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.tell("door.opened", DOOR)
    clock.advance(5000 * DAY)
    look(server, 0)
    assert months(server) == [202603]


def test_an_event_of_a_month_nobody_made_is_accepted(
    server: FleetServer, clock: ManualClock
) -> None:
    cabinet = speaking_cabinet(server)
    clock.advance(400 * DAY)
    cabinet.tell("door.opened", DOOR)
    assert months(server) == [202704]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_month_that_is_made_late_takes_over_what_came_before_it(
    server: FleetServer, clock: ManualClock
) -> None:
    cabinet = speaking_cabinet(server)
    clock.advance(400 * DAY)
    cabinet.tell("door.opened", DOOR)
    look(server, 0)
    cabinet.tell("door.closed", DOOR)
    with server.transactions.read() as tx:
        assert tx.session.scalar(text("select count(*) from only journal_events_202704")) == 2
        assert tx.session.scalar(text("select count(*) from only journal_events_default")) == 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_rows_lie_in_the_partition_of_their_month(server: FleetServer) -> None:
    with server.transactions.write("system:test") as tx:
        make_months(tx)
    speaking_cabinet(server).tell("door.opened", DOOR)
    with server.transactions.read() as tx:
        assert tx.session.scalar(text("select count(*) from only journal_events_202603")) == 1
        assert tx.session.scalar(text("select count(*) from only journal_events_default")) == 0


def test_months_are_looked_at_once_an_hour_and_on_while_old_rows_are_left(
    server: FleetServer, clock: ManualClock
) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.tell("door.opened", DOOR)
    keeper = MonthKeeper(Retention(1, 1))

    def look() -> list[int]:
        with server.transactions.write("system:test") as tx:
            keeper.look(tx)
        return months(server)

    assert look() == [202603]
    clock.advance(70 * DAY)
    assert look() == []
    cabinet.tell("door.closed", DOOR)
    with server.transactions.write("system:test") as tx:
        tx.session.execute(text("update journal_events set month = 202601"))
    assert look() == [202601]  # it looked less than an hour ago
    clock.advance(3601)
    assert look() == []
