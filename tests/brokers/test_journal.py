"""P-2 to P-8 over every broker: what a cabinet tells is stored once, whatever happens between.

The server is a real one, connected; the cabinet is its own retry, so that each step is seen.
"""

import gzip

import msgspec
import pytest
from sqlalchemy import func, select

from fleet_server.faults.models import Fault
from fleet_server.ingest.models import DeadLetter, JournalEvent, JournalGap, TelemetryBatchRow
from protocol.journal import ClockQuality, JournalBatch
from protocol.topics import UpKind, up
from protocol.wire import UP_LIMIT_BYTES, encode
from simulators.waiting import wait_until
from tests.brokers.place import Place, WireCabinet
from tests.brokers.wire import WAIT_SECONDS

DOOR = {"door": "1", "cause": "sale"}
UNREADABLE_KIND = {"gtin": 5}


@pytest.fixture
def cabinet(place: Place) -> WireCabinet:
    made = place.speaking()
    made.birth()
    return made


def stored(cabinet: WireCabinet) -> list[int]:
    with cabinet.server.transactions.read() as tx:
        found = select(JournalEvent.seq).where(JournalEvent.cabinet_id == cabinet.cabinet_id)
        return list(tx.session.scalars(found.order_by(JournalEvent.epoch, JournalEvent.seq)))


def letters(cabinet: WireCabinet) -> int:
    with cabinet.server.transactions.read() as tx:
        found = select(func.count()).select_from(DeadLetter)
        return tx.session.scalar(found.where(DeadLetter.cabinet_id == cabinet.cabinet_id)) or 0


def faults(cabinet: WireCabinet) -> set[str]:
    with cabinet.server.transactions.read() as tx:
        found = select(Fault.code).where(Fault.cabinet_id == cabinet.cabinet_id)
        return set(tx.session.scalars(found))


def test_p02_the_same_batch_sent_again_is_answered_again_and_stored_once(
    cabinet: WireCabinet,
) -> None:
    cabinet.tell("door.opened", DOOR)
    for _ in range(3):
        receipt = cabinet.send_from(1)
        assert receipt is not None
        assert receipt.journal is not None
        assert receipt.journal.committed == 1
    assert stored(cabinet) == [1]


def test_p03_a_message_a_broker_delivers_twice_is_stored_once(cabinet: WireCabinet) -> None:
    """QoS 1 is at least once: the same bytes twice, at once."""
    cabinet.record("door.opened", DOOR)
    cabinet.record("door.closed", DOOR)
    payload = encode(cabinet.batch(1, 2))
    cabinet.put(UpKind.JOURNAL, payload)
    cabinet.put(UpKind.JOURNAL, payload)
    wait_until("both are answered", lambda: cabinet.next_receipt().journal, WAIT_SECONDS)
    cabinet.tell("door.opened", DOOR)
    assert stored(cabinet) == [1, 2, 3]


def test_p03_a_batch_past_a_hole_is_not_stored_and_the_receipt_says_where_to_go_on(
    cabinet: WireCabinet,
) -> None:
    for _ in range(3):
        cabinet.record("door.opened", DOOR)
    receipt = cabinet.send_from(3)
    assert receipt is not None
    assert stored(cabinet) == []
    cabinet.send()
    assert stored(cabinet) == [1, 2, 3]


def test_p03_events_a_restored_server_never_saw_are_a_declared_gap(cabinet: WireCabinet) -> None:
    for _ in range(5):
        cabinet.record("door.opened", DOOR)
    cabinet.floor = 4
    cabinet.send_from(4)
    assert stored(cabinet) == [4, 5]
    with cabinet.server.transactions.read() as tx:
        found = select(JournalGap).where(JournalGap.cabinet_id == cabinet.cabinet_id)
        gap = tx.session.scalars(found).one()
        assert (gap.first, gap.last) == (1, 3)
    assert "JOURNAL_GAP" in faults(cabinet)


def test_p04_a_receipt_that_arrives_names_what_is_in_the_database_already(
    cabinet: WireCabinet,
) -> None:
    for number in range(1, 6):
        receipt = cabinet.tell("door.opened", DOOR)
        assert receipt is not None
        assert receipt.journal is not None
        assert stored(cabinet) == list(range(1, number + 1))
        assert receipt.journal.committed == number


def test_p05_a_lost_outbox_begins_a_new_epoch_and_is_told(cabinet: WireCabinet) -> None:
    cabinet.tell("door.opened", DOOR)
    cabinet.epoch, cabinet.events, cabinet.committed = "epoch-2", [], 0
    cabinet.birth()
    cabinet.tell("door.opened", DOOR)
    assert stored(cabinet) == [1, 1]
    assert "OUTBOX_RESET" in faults(cabinet)


def test_p06_an_event_nobody_can_read_is_kept_and_the_log_goes_on(cabinet: WireCabinet) -> None:
    cabinet.record("sale.completed", UNREADABLE_KIND)
    cabinet.record("door.opened", DOOR)
    receipt = cabinet.send()
    assert receipt is not None
    assert receipt.journal is not None
    assert receipt.journal.committed == 2
    assert letters(cabinet) == 1


def test_p07_what_was_acknowledged_may_be_sent_again(cabinet: WireCabinet) -> None:
    cabinet.tell("door.opened", DOOR)
    cabinet.tell("door.closed", DOOR)
    cabinet.committed = 0
    cabinet.send()
    assert cabinet.committed == 2
    assert stored(cabinet) == [1, 2]


def test_p08_a_declared_gap_of_telemetry_arrives_as_an_event(cabinet: WireCabinet) -> None:
    cabinet.tell("telemetry.dropped", {"from": 1, "to": 40, "count": 40})
    assert stored(cabinet) == [1]
    with cabinet.server.transactions.read() as tx:
        found = select(TelemetryBatchRow).where(TelemetryBatchRow.cabinet_id == cabinet.cabinet_id)
        assert list(tx.session.scalars(found)) == []


@pytest.mark.parametrize("events", [1, 100], ids=["plain", "gzip"])
def test_p02_a_batch_arrives_plain_or_compressed(cabinet: WireCabinet, events: int) -> None:
    for _ in range(events):
        cabinet.record("door.opened", DOOR)
    payload = encode(cabinet.batch(1, events))
    assert payload.startswith(b"\x1f\x8b") is (events > 1)
    cabinet.send()
    assert cabinet.committed == events


def padded(cabinet: WireCabinet, wire_bytes: int) -> bytes:
    """A batch of one event of exactly that many bytes on the wire: spaces between, no gzip."""
    body = msgspec.json.encode(cabinet.batch(1, 1))
    return body + b" " * (wire_bytes - len(body))


def test_p02_the_largest_message_up_arrives(cabinet: WireCabinet) -> None:
    cabinet.record("door.opened", DOOR)
    cabinet.put(UpKind.JOURNAL, padded(cabinet, UP_LIMIT_BYTES))
    receipt = cabinet.next_receipt()
    assert receipt.journal is not None
    assert receipt.journal.committed == 1


@pytest.mark.parametrize("extra_bytes", [1, UP_LIMIT_BYTES, 500 * 1024])
def test_p06_a_message_past_the_limit_stores_nothing_and_holds_up_nobody(
    place: Place, cabinet: WireCabinet, extra_bytes: int
) -> None:
    """What a broker must take down it also takes up: the server has to bear it."""
    other = place.speaking()
    other.birth()
    cabinet.record("door.opened", DOOR)
    with place.cabinet(place.new_name()) as wire:
        wire.publish(
            up("fleet", cabinet.cabinet_id, UpKind.JOURNAL), b" " * (UP_LIMIT_BYTES + extra_bytes)
        )
    cabinet.put(UpKind.JOURNAL, padded(cabinet, UP_LIMIT_BYTES + extra_bytes))
    assert place.server.link.ready.is_set()
    other.tell("door.opened", DOOR)
    assert stored(cabinet) == []
    assert stored(other) == [1]
    assert place.server.link.ready.is_set()


def test_p06_a_bomb_of_gzip_costs_nobody_anything(place: Place, cabinet: WireCabinet) -> None:
    bomb = gzip.compress(b" " * (5 * 1024 * 1024))
    assert len(bomb) < UP_LIMIT_BYTES
    cabinet.put(UpKind.JOURNAL, bomb)
    cabinet.tell("door.opened", DOOR)
    assert stored(cabinet) == [1]
    assert letters(cabinet) == 1
    assert place.server.link.ready.is_set()


def test_p02_a_broker_that_dies_and_comes_back_loses_nothing(place: Place) -> None:
    cabinet = place.speaking()
    cabinet.birth()
    cabinet.tell("door.opened", DOOR)
    cabinet.record("door.closed", DOOR)
    cabinet.put(UpKind.JOURNAL, encode(cabinet.batch(2, 2)))
    place.host.kill()
    cabinet.record("door.opened", DOOR)
    place.host.start()
    place.wait_connected_again()
    cabinet.connect()
    receipt = cabinet.birth()
    assert receipt is not None
    cabinet.send()
    assert stored(cabinet) == [1, 2, 3]
    assert cabinet.committed == 3


def test_p03_batches_that_arrive_in_another_order_end_in_the_same_journal(
    cabinet: WireCabinet,
) -> None:
    batches: list[JournalBatch] = []
    for number in range(1, 4):
        cabinet.record("door.opened", DOOR)
        batches.append(cabinet.batch(number, number))
    for batch in reversed(batches):
        cabinet.put(UpKind.JOURNAL, encode(batch))
    assert all(batch.clock is ClockQuality.SYNCED for batch in batches)
    for _ in range(3):
        cabinet.send_from(1)
    assert stored(cabinet) == [1, 2, 3]
