"""P-6 and bad input on the wire: kept, told, and the log goes on; nothing else is changed."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from fleet_server.ingest import service
from fleet_server.ingest.models import Cursor, DeadLetter, JournalEvent
from fleet_server.ingest.service import DEAD_LETTERS_OPEN_MAX
from fleet_server.mqtt_inbox import Inbound
from fleet_server.tickets.models import Ticket
from protocol.presence import PresenceCause, PresenceState
from protocol.topics import UpKind, up
from protocol.wire import UP_LIMIT_BYTES
from tests.registry import add_a_cabinet, add_a_site, speaking_cabinet
from tests.speaking_cabinet import SpeakingCabinet
from tests.web_client import WebClient

DOOR = {"door": "1", "cause": "sale"}
ONE_MEBIBYTE = 1024 * 1024


def stored(server: FleetServer) -> list[tuple[str, int]]:
    with server.transactions.read() as tx:
        found = select(JournalEvent.cabinet_id, JournalEvent.seq)
        rows = tx.session.execute(found.order_by(JournalEvent.cabinet_id, JournalEvent.seq))
        return [(row[0], row[1]) for row in rows]


def letters(server: FleetServer) -> list[DeadLetter]:
    with server.transactions.read() as tx:
        return list(tx.session.scalars(select(DeadLetter).order_by(DeadLetter.id)))


def tickets(server: FleetServer) -> list[str]:
    with server.transactions.read() as tx:
        return list(tx.session.scalars(select(Ticket.kind)))


def count(server: FleetServer, table: type[Any]) -> int:
    with server.transactions.read() as tx:
        return tx.session.scalar(select(func.count()).select_from(table)) or 0


def draft(cabinet: SpeakingCabinet) -> dict[str, Any]:
    whole: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(cabinet.batch(1, 2)))
    return whole


def changed(**fields: Any) -> Callable[[SpeakingCabinet], bytes]:
    return lambda cabinet: msgspec.json.encode({**draft(cabinet), **fields})


def hundred_and_one(cabinet: SpeakingCabinet) -> bytes:
    batch = draft(cabinet)
    many = [{**batch["events"][0], "seq": seq} for seq in range(1, 102)]
    return gzip.compress(msgspec.json.encode({**batch, "last": 101, "events": many}))


def without_the_middle(cabinet: SpeakingCabinet) -> bytes:
    batch = draft(cabinet)
    batch["events"][1]["seq"] = 3
    return msgspec.json.encode({**batch, "last": 3})


MALFORMED: dict[str, Callable[[SpeakingCabinet], bytes]] = {
    "not JSON": lambda _: b"hello",
    "nothing": lambda _: b"",
    "a gap in the sequence": without_the_middle,
    "another version": changed(v=2),
    "a time without offset": changed(sent_at="2026-03-02T08:00:00"),
    "101 events": hundred_and_one,
    "broken gzip": lambda cabinet: gzip.compress(changed()(cabinet))[:-9],
    "a gzip bomb": lambda _: gzip.compress(b" " * (5 * ONE_MEBIBYTE)),
    "1 MiB": lambda _: b"x" * ONE_MEBIBYTE,
}


def test_p06_a_malformed_batch_is_kept_and_told_and_changes_nothing(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.record("door.opened", DOOR)
    cabinet.record("door.closed", DOOR)
    topic = up("fleet", "C1", UpKind.JOURNAL)
    sent = {what: make(cabinet) for what, make in MALFORMED.items()}
    for what, data in sent.items():
        assert server.ingest.accept([Inbound(topic, data)]) == [], what
    assert stored(server) == []
    assert count(server, Cursor) == 0
    kept = letters(server)
    assert sorted(letter.body for letter in kept) == sorted(
        data[:UP_LIMIT_BYTES] for data in sent.values()
    )
    assert all(letter.reason for letter in kept)
    assert tickets(server) == ["inspection"]
    cabinet.send()
    assert stored(server) == [("C1", 1), ("C1", 2)]


def test_p06_an_unknown_type_is_stored_raw_and_the_log_goes_on(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.record("door.opened", DOOR)
    odd = cabinet.record("cabinet.danced", {"steps": [1, {"二": None}]})
    cabinet.record("door.closed", DOOR)
    cabinet.send()
    assert cabinet.committed == 3
    assert letters(server) == []
    with server.transactions.read() as tx:
        row = tx.session.scalars(select(JournalEvent).where(JournalEvent.seq == 2)).one()
        assert (row.type, row.body) == ("cabinet.danced", bytes(odd.body).decode())


def test_p06_a_known_type_with_a_wrong_body_is_a_dead_letter_and_a_ticket(
    server: FleetServer,
) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.record("door.opened", DOOR)
    odd = cabinet.record("door.opened", {"door": 7})
    cabinet.record("door.closed", DOOR)
    cabinet.send()
    assert cabinet.committed == 3
    (letter,) = letters(server)
    assert (letter.epoch, letter.seq, letter.type) == ("epoch-1", 2, "door.opened")
    assert letter.body == bytes(odd.body)
    assert tickets(server) == ["inspection"]
    assert stored(server) == [("C1", 1), ("C1", 2), ("C1", 3)]


def test_p06_a_repeated_unreadable_event_is_one_dead_letter(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.tell("door.opened", {"door": 7})
    cabinet.send_from(1)
    assert len(letters(server)) == 1


def test_p06_a_text_no_database_holds_is_stored_as_far_as_it_can_be(server: FleetServer) -> None:
    """PostgreSQL keeps no NUL in a text; the event must not block the log behind it."""
    cabinet = speaking_cabinet(server)
    cabinet.boot = "boot\0"
    cabinet.record("odd\0type", {"text": "a\0b"})
    cabinet.record("fault.raised", {"fault": "f\0", "code": "DOOR_OPEN_LONG"})
    cabinet.boot = "boot-1"
    cabinet.record("door.opened", DOOR)
    cabinet.send()
    assert cabinet.committed == 3
    assert stored(server) == [("C1", 1), ("C1", 2), ("C1", 3)]
    assert len(letters(server)) == 1


ODD_TIMES = ["2026-03-02T08:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]


def test_p06_an_event_whose_time_is_no_instant_is_stored_as_taken_unsynced(
    server: FleetServer,
) -> None:
    cabinet = speaking_cabinet(server)
    for _ in ODD_TIMES:
        cabinet.record("door.opened", DOOR)
    batch = msgspec.json.decode(msgspec.json.encode(cabinet.batch(1, len(ODD_TIMES))))
    for event, at in zip(batch["events"], ODD_TIMES, strict=True):
        event["at"] = at
    topic = up("fleet", "C1", UpKind.JOURNAL)
    server.ingest.accept([Inbound(topic, msgspec.json.encode(batch))])
    with server.transactions.read() as tx:
        rows = tx.session.execute(select(JournalEvent.clock, JournalEvent.at))
        assert [tuple(row) for row in rows] == [("unsynced", server.clock.now())] * len(ODD_TIMES)


ODD_BODIES = [b"5", b'"text"', b"null", b"[]", b'{"big":1e300}', b"[" * 50 + b"]" * 50]
TOO_DEEP = b"[" * 800 + b"]" * 800


def test_p06_the_timeline_shows_whatever_was_stored(server: FleetServer, api: WebClient) -> None:
    cabinet = speaking_cabinet(server)
    for body in (*ODD_BODIES, TOO_DEEP):
        event = cabinet.record("cabinet.danced", {})
        cabinet.events[-1] = msgspec.structs.replace(event, body=msgspec.Raw(body))
    cabinet.send()
    entries = api.as_(Role.VIEWER).get("/cabinets/C1/timeline")["items"]
    shown = [entry["body"] for entry in reversed(entries)]
    assert shown == [*(json.loads(one) for one in ODD_BODIES), TOO_DEEP.decode()]


HUGE = 2**70
HOPELESS: dict[str, tuple[UpKind, dict[str, Any]]] = {
    "a session of 70 bits": (UpKind.PRESENCE, {"session": HUGE}),
    "a boot id of 65 characters": (UpKind.PRESENCE, {"boot": "b" * 65}),
    "a boot id with NUL": (UpKind.PRESENCE, {"boot": "b\0"}),
    "a heartbeat with a storage of 70 bits": (UpKind.HEARTBEAT, {"free_storage_bytes": HUGE}),
    "a heartbeat with a counter below nought": (UpKind.HEARTBEAT, {"command_counter": -1}),
}


def test_a_message_no_database_holds_harms_no_other_cabinet(server: FleetServer) -> None:
    site = add_a_site(server)
    odd, good = speaking_cabinet(server, "C1", site), speaking_cabinet(server, "C2", site)
    beat = {"uptime_seconds": 1, "clock": "synced", "free_storage_bytes": 1}
    birth = odd.presence(PresenceState.ONLINE, PresenceCause.BIRTH)
    whole = {**msgspec.json.decode(msgspec.json.encode(birth)), **beat}
    for kind, fields in HOPELESS.values():
        good.record("door.opened", DOOR)
        bad = Inbound(up("fleet", "C1", kind), msgspec.json.encode({**whole, **fields}))
        fine = good.inbound(UpKind.JOURNAL, good.batch(good.committed + 1, len(good.events)))
        good.obey(server.ingest.accept([bad, fine, bad]))
        assert good.committed == len(good.events)
    assert {letter.cabinet_id for letter in letters(server)} == {"C1"}
    assert len(letters(server)) == 2 * len(HOPELESS)


def test_a_message_whose_effect_fails_is_buried_and_harms_no_other_cabinet(
    server: FleetServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours in a birth must not take the batch of others along, again and again."""
    site = add_a_site(server)
    odd, good = speaking_cabinet(server, "C1", site), speaking_cabinet(server, "C2", site)
    good.record("door.opened", DOOR)

    def fail(*_: object, **__: object) -> None:
        raise ArithmeticError("a defect of ours")

    monkeypatch.setattr(service, "note_birth", fail)
    birth = odd.presence(PresenceState.ONLINE, PresenceCause.BIRTH)
    fine = good.inbound(UpKind.JOURNAL, good.batch(1, 1))
    good.obey(server.ingest.accept([odd.inbound(UpKind.PRESENCE, birth), fine]))
    assert good.committed == 1
    (letter,) = letters(server)
    assert (letter.cabinet_id, letter.type) == ("C1", "Presence")
    assert "a defect of ours" in letter.reason


def test_a_cabinet_nobody_knows_changes_nothing(server: FleetServer) -> None:
    site = add_a_site(server)
    known = speaking_cabinet(server, "C1", site)
    stranger = SpeakingCabinet(server, "C9")
    stranger.record("door.opened", DOOR)
    known.record("door.opened", DOOR)
    receipts = server.ingest.accept(
        [one.inbound(UpKind.JOURNAL, one.batch(1, 1)) for one in (stranger, known)]
    )
    assert [one.topic.split("/")[4] for one in receipts] == ["C1"]
    assert stranger.birth() is None
    assert stored(server) == [("C1", 1)]
    assert letters(server) == []


def test_a_cabinet_that_did_not_join_yet_or_left_is_not_heard(server: FleetServer) -> None:
    site = add_a_site(server)
    add_a_cabinet(server, site, "C1")
    early = SpeakingCabinet(server, "C1")
    assert early.birth() is None
    assert early.tell("door.opened", DOOR) is None
    assert stored(server) == []


def test_a_message_on_a_topic_that_is_not_its_cabinet_s_is_refused(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.record("door.opened", DOOR)
    good = cabinet.inbound(UpKind.JOURNAL, cabinet.batch(1, 1))
    fleet, version, shard, *rest = good.topic.split("/")
    wrong_shard = "/".join([fleet, version, f"{(int(shard) + 1) % 64:02d}", *rest])
    other_fleet = "/".join(["other", version, shard, *rest])
    for topic in (wrong_shard, other_fleet, "nonsense", good.topic + "/more"):
        assert server.ingest.accept([Inbound(topic, good.payload)]) == []
    assert stored(server) == []


def test_dead_letters_of_one_cabinet_are_bounded(server: FleetServer) -> None:
    speaking_cabinet(server)
    topic = up("fleet", "C1", UpKind.JOURNAL)
    server.ingest.accept([Inbound(topic, b"hello")] * (DEAD_LETTERS_OPEN_MAX + 5))
    assert len(letters(server)) == DEAD_LETTERS_OPEN_MAX
    assert tickets(server) == ["inspection"]


def test_a_dead_letter_is_shown_to_an_admin_and_settled_once(
    server: FleetServer, api: WebClient
) -> None:
    speaking_cabinet(server).tell("door.opened", {"door": 7})
    admin = api.as_(Role.ADMIN)
    (letter,) = admin.get("/dead-letters")["items"]
    assert letter["settled_at"] is None
    settled = admin.post(f"/dead-letters/{letter['id']}/settle")
    assert settled["settled_at"] is not None
    assert admin.post(f"/dead-letters/{letter['id']}/settle") == settled
    assert api.as_(Role.OPERATOR).try_get("/dead-letters").status_code == 403
    assert admin.try_post("/dead-letters/nonsense/settle").status_code == 404
