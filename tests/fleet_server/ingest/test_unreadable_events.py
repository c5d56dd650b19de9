"""P-6: one event that cannot even be decoded is a dead letter; those beside it are accepted."""

import msgspec
import pytest
from sqlalchemy import select

from fleet_server.app import FleetServer
from fleet_server.ingest.models import DeadLetter, JournalEvent
from fleet_server.mqtt_inbox import Inbound
from fleet_server.tickets.models import Ticket
from protocol.topics import UpKind, up
from tests.registry import speaking_cabinet
from tests.speaking_cabinet import SpeakingCabinet

DOOR = {"door": "1", "cause": "sale"}
SOUND = (
    '{"seq":2,"at":"2026-03-02T08:00:00Z","mono_ms":1,"boot":"boot-1","type":"door.opened",'
    '"body":{"door":"1","cause":"sale"}}'
)
ODD = {
    "a monotonic time as text": SOUND.replace('"mono_ms":1', '"mono_ms":"soon"'),
    "an unknown clock": SOUND.replace('"boot"', '"clock":"guessed","boot"', 1),
    "a time that is none": SOUND.replace("2026-03-02T08:00:00Z", "yesterday"),
    "a sequence as text": SOUND.replace('"seq":2', '"seq":"two"'),
    "half a UTF-16 pair in its type": SOUND.replace("door.opened", r"door\ud800"),
    "half a UTF-16 pair in its body": SOUND.replace('"cause":"sale"', r'"cause":"\ud800"'),
    "a broken escape": SOUND.replace('"door":"1"', r'"door":"\q],[{"'),
    "a body without end of nesting": SOUND.replace('"1"', "[" * 3_000 + "]" * 3_000),
    "no body": SOUND.replace(',"body":{"door":"1","cause":"sale"}', ""),
    "no object": "5",
    "NUL": SOUND.replace('"mono_ms":1', '"mono_ms":"\0"'),
}


def send(server: FleetServer, cabinet: SpeakingCabinet, odd: bytes) -> None:
    """Send three events, the middle one of these bytes."""
    batch = msgspec.json.encode(cabinet.batch(1, 3))
    middle = msgspec.json.encode(cabinet.events[1])
    assert batch.count(middle) == 1
    topic = up("fleet", "C1", UpKind.JOURNAL)
    cabinet.obey(server.ingest.accept([Inbound(topic, batch.replace(middle, odd))]))


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_p06_an_event_that_cannot_be_decoded_is_buried_and_the_log_goes_on(
    server: FleetServer, odd: str
) -> None:
    cabinet = speaking_cabinet(server)
    for kind in ("door.opened", "stands.for.the.odd.one", "door.closed"):
        cabinet.record(kind, DOOR)
    for _ in range(2):
        send(server, cabinet, odd.encode())
        assert cabinet.committed == 3
    with server.transactions.read() as tx:
        rows = list(tx.session.scalars(select(JournalEvent).order_by(JournalEvent.seq)))
        (letter,) = tx.session.scalars(select(DeadLetter))
        assert list(tx.session.scalars(select(Ticket.kind))) == ["inspection"]
    assert [row.seq for row in rows] == [1, 2, 3]
    assert (rows[0].type, rows[2].type) == ("door.opened", "door.closed")
    assert rows[1].clock == "unsynced"
    assert (letter.seq, letter.body) == (2, odd.encode())
    assert letter.reason


@pytest.mark.parametrize(
    ("odd", "boot"),
    [("an unknown clock", "boot-1"), ("a monotonic time as text", "")],
    ids=["datable by an anchor of its boot", "without monotonic time no boot dates it"],
)
def test_p06_of_an_unreadable_event_the_journal_keeps_what_is_known(
    server: FleetServer, odd: str, boot: str
) -> None:
    cabinet = speaking_cabinet(server)
    for kind in ("door.opened", "stands.for.the.odd.one", "door.closed"):
        cabinet.record(kind, DOOR)
    send(server, cabinet, ODD[odd].encode())
    with server.transactions.read() as tx:
        row = tx.session.scalars(select(JournalEvent).where(JournalEvent.seq == 2)).one()
    assert (row.type, row.boot, row.at) == ("door.opened", boot, server.clock.now())
    assert row.body == ODD[odd]
