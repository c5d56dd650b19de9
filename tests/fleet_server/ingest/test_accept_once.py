"""P-3, P-4: what is accepted, once, and what the receipt says."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from fleet_server.app import FleetServer
from fleet_server.ingest.models import DeadLetter, JournalEvent, JournalGap
from protocol.events import StockMoved
from protocol.topics import UpKind
from tests.registry import speaking_cabinet

DOOR = {"door": "1", "cause": "sale"}


def stored(server: FleetServer) -> list[int]:
    with server.transactions.read() as tx:
        return list(tx.session.scalars(select(JournalEvent.seq).order_by(JournalEvent.seq)))


def test_p03_a_batch_is_stored_and_the_receipt_says_how_far(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.record("door.opened", DOOR)
    cabinet.record("door.closed", DOOR)
    receipt = cabinet.send()
    assert receipt is not None
    assert receipt.journal is not None
    assert receipt.journal.committed == 2
    assert stored(server) == [1, 2]


def test_p03_the_same_batch_again_stores_nothing_and_gets_the_same_receipt(
    server: FleetServer,
) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.tell("door.opened", DOOR)
    receipt = cabinet.send_from(1)
    assert receipt is not None
    assert receipt.journal is not None
    assert receipt.journal.committed == 1
    assert stored(server) == [1]


def test_p03_a_batch_that_overlaps_adds_only_what_is_new(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.tell("door.opened", DOOR)
    cabinet.record("door.closed", DOOR)
    cabinet.send_from(1)
    assert stored(server) == [1, 2]


def test_p03_a_batch_that_leaves_a_hole_stores_nothing(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    for _ in range(3):
        cabinet.record("door.opened", DOOR)
    receipt = cabinet.send_from(2)
    assert receipt is not None
    assert receipt.journal is not None
    assert receipt.journal.committed == 0
    assert stored(server) == []


def test_p03_a_server_that_misses_what_the_cabinet_lost_records_the_gap_and_goes_on(
    server: FleetServer,
) -> None:
    cabinet = speaking_cabinet(server)
    for _ in range(5):
        cabinet.record("door.opened", DOOR)
    cabinet.floor = 4
    cabinet.send_from(4)
    assert stored(server) == [4, 5]
    with server.transactions.read() as tx:
        gap = tx.session.scalars(select(JournalGap)).one()
        assert (gap.first, gap.last) == (1, 3)


def test_p04_a_handler_that_fails_leaves_neither_event_nor_cursor_behind_but_a_dead_letter(
    server: FleetServer,
) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.record("door.opened", DOOR)
    cabinet.record("stock.loaded", StockMoved("A1", "no GTIN", "L1", 1, "nobody"))
    cabinet.record("door.closed", DOOR)
    receipt = cabinet.send()
    assert receipt is not None
    assert receipt.journal is not None
    assert receipt.journal.committed == 3
    assert stored(server) == [1, 2, 3]
    with server.transactions.read() as tx:
        letters = list(tx.session.scalars(select(DeadLetter)))
        assert [letter.seq for letter in letters] == [2]
        assert tx.session.scalar(select(func.count()).select_from(JournalEvent)) == 3


def test_p04_without_a_commit_there_is_no_receipt_and_nothing_is_stored(
    server: FleetServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is lost at the last moment: the cabinet sends again, and it is taken once."""
    cabinet = speaking_cabinet(server)
    cabinet.record("door.opened", DOOR)
    batch = cabinet.inbound(UpKind.JOURNAL, cabinet.batch(1, 1))

    def lost(_session: Session) -> None:
        raise OperationalError("COMMIT", {}, ConnectionError("the database is away"))

    with monkeypatch.context() as away:
        away.setattr(Session, "commit", lost)
        with pytest.raises(OperationalError):
            server.ingest.accept([batch])
    assert stored(server) == []
    cabinet.obey(server.ingest.accept([batch]))
    assert (cabinet.committed, stored(server)) == (1, [1])
