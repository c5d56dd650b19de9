"""P-12 to P-16, P-18, P-21 over every broker: what the server says arrives."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from fleet_server.cabinets.models import Cabinet, CabinetCommand
from fleet_server.cabinets.orders import order
from fleet_server.rules.service import put_rules
from fleet_server.sales.models import Sale
from protocol.commands import Command, CommandName, read_command
from protocol.presence import TimeRequest
from protocol.rules import BlockKind, Lots, Notice, Rule, Terms, read_rule_bundle
from protocol.sealing import seal
from protocol.signatures import Keyring, SignedKind, read_envelope
from protocol.time_reply import TimeReply
from protocol.topics import DownKind, UpKind, cabinet_subscriptions, down
from protocol.wire import DOWN_LIMIT_BYTES, decode_json, encode, unpack
from simulators.waiting import wait_until
from tests.brokers.place import Place, WireCabinet
from tests.brokers.wire import WAIT_SECONDS

GOLDEN_SALE = Path(__file__).parents[1] / "golden/event.sale.completed.json"
CONTACT = "+86 138 0000 0000"
GTIN = "06901234567892"


def born(place: Place) -> WireCabinet:
    cabinet = place.speaking()
    cabinet.birth()
    return cabinet


def give(cabinet: WireCabinet, name: CommandName, args: dict[str, Any] | None = None) -> str:
    with cabinet.server.transactions.write("user:test") as tx:
        row = tx.session.get_one(Cabinet, cabinet.cabinet_id)
        signing = cabinet.server.signing
        return order(tx, signing, row, name, args or {}, timedelta(minutes=5)).id


def opened(cabinet: WireCabinet, payload: bytes, kind: SignedKind, whose: str = "") -> Any:
    keys = Keyring(cabinet.server.signing.public_keys)
    envelope = read_envelope(unpack(payload, DOWN_LIMIT_BYTES))
    return keys.open(envelope, kind, "fleet", whose or cabinet.cabinet_id)


def next_order(cabinet: WireCabinet) -> Command:
    payload = cabinet.wire.hears_on("command").payload
    return read_command(opened(cabinet, payload, SignedKind.COMMAND))


def finish(cabinet: WireCabinet, command: Command) -> None:
    cabinet.held_counter = command.counter
    cabinet.tell("command.finished", {"command": command.id, "outcome": "succeeded"})


def state_of(cabinet: WireCabinet, command_id: str) -> str:
    with cabinet.server.transactions.read() as tx:
        return tx.session.get_one(CabinetCommand, command_id).state


def test_p12_an_order_arrives_with_a_signature_that_names_its_cabinet(place: Place) -> None:
    cabinet = born(place)
    given = give(cabinet, CommandName.SYNC)
    command = next_order(cabinet)
    assert (command.id, command.cabinet) == (given, cabinet.cabinet_id)


def test_p13_one_order_at_a_time_and_each_once(place: Place) -> None:
    cabinet = born(place)
    first, second = give(cabinet, CommandName.SYNC), give(cabinet, CommandName.IDENTIFY)
    command = next_order(cabinet)
    assert command.id == first
    finish(cabinet, command)
    command = next_order(cabinet)
    assert command.id == second
    finish(cabinet, command)
    assert [state_of(cabinet, one) for one in (first, second)] == ["succeeded", "succeeded"]
    assert not cabinet.wire.hears_within("command", 0.3)


def test_p13_a_physical_order_of_a_past_session_never_arrives(place: Place) -> None:
    cabinet = WireCabinet(place.server, place.new_name(), place=place)
    cabinet.connect(wills=False)
    cabinet.birth()
    cabinet.wire.break_off()
    late = give(cabinet, CommandName.UNLOCK, {"door": "A1"})
    cabinet.connect()
    cabinet.birth()
    after = give(cabinet, CommandName.SYNC)
    assert next_order(cabinet).id == after
    assert state_of(cabinet, late) == "expired"


def test_p14_an_order_given_while_a_cabinet_was_away_arrives_after_its_birth(
    place: Place,
) -> None:
    cabinet = born(place)
    cabinet.wire.leave()
    given = give(cabinet, CommandName.SYNC)
    cabinet.connect()
    cabinet.birth()
    assert next_order(cabinet).id == given


def test_p14_an_order_the_broker_lost_is_sent_again_at_the_next_heartbeat(place: Place) -> None:
    cabinet = born(place)
    given = give(cabinet, CommandName.SYNC)
    assert next_order(cabinet).id == given  # and the cabinet died before it kept it
    cabinet.beat()
    assert next_order(cabinet).id == given


def test_p15_desired_state_arrives_until_the_cabinet_holds_it(place: Place) -> None:
    cabinet = born(place)
    payload = cabinet.wire.hears_on("desired").payload
    told = json.loads(opened(cabinet, payload, SignedKind.DESIRED))
    cabinet.held_desired = told["version"]
    cabinet.birth()
    assert not cabinet.wire.hears_within("desired", 0.3)


def test_p16_one_broadcast_reaches_the_fleet_with_the_same_bytes(place: Place) -> None:
    fleet = [born(place) for _ in range(3)]
    for cabinet in fleet:
        cabinet.wire.heard()
    rule = Rule(
        f"r-{place.name}",
        1,
        BlockKind.HOLD,
        Terms(gtins=[GTIN], lots=Lots(exact=["L1"])),
        Notice("停", "stop"),
    )
    with place.server.transactions.write("user:test") as tx:
        version = put_rules(tx, place.server.signing, rule.recall, 1, [rule]).version

    def newest(cabinet: WireCabinet) -> bytes:
        while True:
            message = cabinet.wire.hears_on("rules")
            document = opened(cabinet, message.payload, SignedKind.RULES)
            if "/all/" in message.topic and read_rule_bundle(document).version == version:
                return message.payload

    assert len({newest(cabinet) for cabinet in fleet}) == 1


def test_p16_the_largest_bundle_arrives(place: Place) -> None:
    name = place.new_name()
    topic = down("fleet", name, DownKind.RULES)
    with place.listener() as server, place.cabinet(name) as ear:
        assert ear.subscribes(cabinet_subscriptions("fleet", name)[0])
        server.publish(topic, bytes(DOWN_LIMIT_BYTES), 1)
        assert server.is_acknowledged()
        assert len(ear.hears_on("rules").payload) == DOWN_LIMIT_BYTES


def test_p18_the_time_is_answered_signed_with_the_nonce(place: Place) -> None:
    cabinet = born(place)
    cabinet.put(UpKind.REQUEST, encode(TimeRequest(1, "time", "nonce-1")))
    payload = cabinet.wire.hears_on("reply").payload
    reply = decode_json(opened(cabinet, payload, SignedKind.REPLY), TimeReply)
    assert (reply.cabinet, reply.nonce) == (cabinet.cabinet_id, "nonce-1")


def test_p21_a_contact_passes_the_broker_sealed_and_only_the_server_opens_it(
    place: Place,
) -> None:
    cabinet = born(place)
    signing = place.server.signing
    body = json.loads(GOLDEN_SALE.read_text())["body"]
    body |= {
        "sale": f"sale-{cabinet.cabinet_id}",
        "sealed_contact": seal(CONTACT, signing.sealing_public_key),
    }
    cabinet.record("sale.completed", body)
    batch = encode(cabinet.batch(1, 1))
    with place.listener() as spy:
        cabinet.put(UpKind.JOURNAL, batch)
        assert CONTACT.encode() not in unpack(spy.hears_on("journal").payload)

    def kept() -> str | None:
        with place.server.transactions.read() as tx:
            found = select(Sale.sealed_contact).where(Sale.cabinet_id == cabinet.cabinet_id)
            return tx.session.scalar(found)

    sealed = wait_until("the sale is stored", kept, WAIT_SECONDS)
    assert signing.unsealed(sealed) == CONTACT
