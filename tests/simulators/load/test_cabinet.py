"""One simulated cabinet without a socket: it keeps to P-2, P-3 and P-16."""

import hashlib
from datetime import datetime

import pytest

from edge_agent.seed import Chance
from fleet_server.app import FleetServer
from fleet_server.cabinets.service import keys_for_cabinet
from fleet_server.outbox.queries import waiting
from fleet_server.rules.service import put_rules
from protocol import mqtt_packets as mqtt
from protocol.intervals import Uplink
from protocol.journal import JournalBatch, Position, Receipt, read_journal_batch
from protocol.presence import Presence
from protocol.rules import BlockKind, Lots, Notice, Rule, Terms
from protocol.topics import AllKind, DownKind, UpKind, broadcast, down, up
from protocol.wire import decode, encode
from simulators.load.cabinet import LoadCabinet
from simulators.load.mix import MIXES, PLANOGRAM
from simulators.load.orders import Member, Orders, Roll

NOW = "2026-03-02T08:00:00.000+00:00"


@pytest.fixture
def orders(server: FleetServer) -> Orders:
    keys, _ = keys_for_cabinet(server.signing)
    return Orders("fleet", Roll("fleet", keys, []).keyring(), "run", Chance.from_seed(1))


@pytest.fixture
def cabinet(orders: Orders) -> LoadCabinet:
    member = Member("L1", "secret", "s1", "east")
    return LoadCabinet(member, orders, MIXES["vending"], lambda: NOW, 10, Uplink.WIRED)


def messages(data: bytes) -> list[mqtt.Publish]:
    """What the cabinet published, as the broker would hand it on."""
    return [one for one in mqtt.Reader(10**6).feed(data) if isinstance(one, mqtt.Publish)]


def batch_in(data: bytes | None) -> JournalBatch:
    assert data is not None
    (found,) = [one for one in messages(data) if one.topic == up("fleet", "L1", UpKind.JOURNAL)]
    return read_journal_batch(found.payload)


def receive(cabinet: LoadCabinet, committed: int, elapsed: float = 1.0) -> bytes:
    receipt = Receipt(1, "server", datetime.fromisoformat(NOW), Position(cabinet.epoch, committed))
    topic = down("fleet", "L1", DownKind.RECEIPT)
    packet = mqtt.Publish(topic, encode(receipt), 0, 0, retain=False, dup=False)
    return cabinet.hear(packet, elapsed, lambda _: None)


def test_a_birth_says_what_it_holds_and_sends_what_waits(cabinet: LoadCabinet) -> None:
    cabinet.connect()
    cabinet.live(3, 0.0)
    first, second = messages(cabinet.birth(0.0))
    presence = decode(first.payload, Presence)
    assert (presence.session, presence.journal.head, presence.journal.floor) == (1, 3, 1)
    assert read_journal_batch(second.payload).last == 3


def test_one_batch_is_under_way_and_the_next_follows_its_receipt(cabinet: LoadCabinet) -> None:
    cabinet.live(25, 0.0)
    assert (batch := batch_in(cabinet.next_batch(0.0))).first == 1
    assert batch.last == 10
    assert cabinet.next_batch(0.0) is None
    assert batch_in(receive(cabinet, 10)).first == 11
    assert cabinet.backlog == 15


def test_without_a_receipt_the_same_batch_goes_again_and_the_time_doubles(
    cabinet: LoadCabinet,
) -> None:
    cabinet.live(5, 0.0)
    cabinet.next_batch(0.0)
    assert cabinet.resend(9.9) is None
    assert batch_in(cabinet.resend(10.0)).first == 1
    assert cabinet.resend(29.9) is None
    assert batch_in(cabinet.resend(30.0)).first == 1
    assert cabinet.resent == 2


def test_a_receipt_that_falls_back_is_followed(cabinet: LoadCabinet) -> None:
    cabinet.live(30, 0.0)
    for committed in (10, 20, 30):
        cabinet.next_batch(0.0)
        receive(cabinet, committed)
    assert cabinet.backlog == 0
    again = batch_in(receive(cabinet, 12))
    assert (again.first, again.last, cabinet.backlog) == (13, 22, 18)


def test_the_digest_is_over_all_it_wrote(cabinet: LoadCabinet) -> None:
    cabinet.live(12, 0.0)
    batch = batch_in(cabinet.next_batch(0.0))
    expected = hashlib.sha256()
    for event in batch.events:
        expected.update(f"{event.seq}:{bytes(event.body).decode()}\n".encode())
    assert cabinet.digest.hexdigest() != expected.hexdigest()  # two more were written
    receive(cabinet, 10)
    for event in batch_in(cabinet.resend(99.0) or cabinet.next_batch(99.0)).events:
        expected.update(f"{event.seq}:{bytes(event.body).decode()}\n".encode())
    assert cabinet.digest.hexdigest() == expected.hexdigest()


def bundles(server: FleetServer) -> list[bytes]:
    with server.transactions.read() as tx:
        rows = waiting(tx.session, 100)
        return [row.payload for row in rows if row.topic == broadcast("fleet", AllKind.RULES)]


def hear_rules(cabinet: LoadCabinet, payload: bytes) -> None:
    topic = broadcast("fleet", AllKind.RULES)
    cabinet.hear(mqtt.Publish(topic, payload, 1, 1, retain=False, dup=False), 1.0, lambda _: None)


def test_p16_a_bundle_blocks_its_slots_and_is_acknowledged_once(
    server: FleetServer, cabinet: LoadCabinet, orders: Orders
) -> None:
    slot = PLANOGRAM[0]
    terms = Terms(gtins=[slot.gtin], lots=Lots(exact=[slot.lot]))
    rule = Rule("r1", 1, BlockKind.RECALL, terms, Notice("召回", "recalled"))
    with server.transactions.write("user:1") as tx:
        put_rules(tx, server.signing, "r1", 1, [rule])
    for _ in range(2):
        hear_rules(cabinet, bundles(server)[-1])
    assert cabinet.shelf.blocked == {slot.name: "r1"}
    assert cabinet.head == 1  # one rules.applied
    cabinet.live(400, 1.0)
    # The acknowledgement is under way; each receipt brings the next batch.
    data = [batch_in(receive(cabinet, committed)) for committed in range(1, 401, 10)]
    written = [event for batch in data for event in batch.events]
    sold = [bytes(one.body) for one in written if one.type == "sale.completed"]
    assert sold
    assert not [body for body in sold if f'"slot":"{slot.name}"'.encode() in body]
    assert [one for one in written if one.type == "sale.refused"]
    assert orders.refused == 0


def test_p12_a_forged_bundle_changes_nothing_and_is_counted(
    server: FleetServer, cabinet: LoadCabinet, orders: Orders
) -> None:
    forged = bundles(server)[-1].replace(b'"sig":"', b'"sig":"AAAA')
    hear_rules(cabinet, forged)
    assert (cabinet.head, cabinet.shelf.rules_version, orders.refused) == (0, 0, 1)
