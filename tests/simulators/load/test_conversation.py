"""A load cabinet keeps protocol v1 as the agent does, told by the server's own ingest."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from fleet_server.ingest.models import DeadLetter, JournalEvent
from fleet_server.mqtt_link import Outgoing
from protocol import mqtt_packets as mqtt
from protocol.commands import Command, CommandName
from protocol.events import read_body
from protocol.journal import Event
from protocol.presence import PresenceState, ServerState
from protocol.rules import BlockKind, Notice, Rule, RuleBundle, Terms, Where
from protocol.signatures import WHOLE_FLEET, SignedKind, Signer, read_envelope
from protocol.topics import AllKind, DownKind, broadcast
from protocol.wire import encode, unpack
from simulators.load.mix import MIXES, PLANOGRAM, Shelf
from tests.server_fixtures import MONDAY_MORNING
from tests.simulators.load.conversation import PACKET_BYTES_MAX, Conversation, Talk

FLEET = "fleet"
COMMITTED = 40
TIMEOUT_MAX_SECONDS = 12.5
"""P-2: ten seconds, and a quarter of jitter."""


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """SQLite only: what the server does with messages is tested on both elsewhere."""
    copy = tmp_path / "fleet.sqlite"
    shutil.copyfile(sqlite_template, copy)
    return f"sqlite:///{copy}"


def bundle(version: int, *rules: Rule) -> RuleBundle:
    return RuleBundle(SignedKind.RULES, FLEET, WHOLE_FLEET, version, MONDAY_MORNING, list(rules))


def rule(gtin: str, where: Where | None = None) -> Rule:
    notice = Notice("停售", "Not sold")
    return Rule("R1", 1, BlockKind.RECALL, Terms(gtins=[gtin]), notice, where=where or Where())


def command(one: Conversation, counter: int, *, session: int | None = None) -> Command:
    return Command(
        SignedKind.COMMAND,
        FLEET,
        one.cabinet.member.cabinet,
        f"order-{counter}",
        CommandName.IDENTIFY if session is None else CommandName.UNLOCK,
        {"seconds": 5} if session is None else {"door": "1"},
        one.server.clock.now(),
        30,
        counter,
        session,
    )


def mqtt_messages(packets: bytes) -> list[dict[str, Any]]:
    """Bodies of the messages in these packets."""
    heard = mqtt.Reader(PACKET_BYTES_MAX).feed(packets)
    return [msgspec.json.decode(unpack(one.payload)) for one in heard if type(one) is mqtt.Publish]


def journal(one: Conversation) -> list[tuple[int, str, str]]:
    with one.server.transactions.read() as tx:
        rows = tx.session.execute(
            select(JournalEvent.seq, JournalEvent.type, JournalEvent.body)
            .where(JournalEvent.epoch == one.cabinet.epoch)
            .order_by(JournalEvent.seq)
        )
        return [(seq, kind, body) for seq, kind, body in rows]


def told(one: Conversation, kind: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(body) for _, name, body in journal(one) if name == kind]


@pytest.mark.parametrize("name", MIXES)
def test_every_body_of_a_mix_is_one_a_real_cabinet_writes(name: str) -> None:
    stream = MIXES[name](Shelf("C1", "boot"), MONDAY_MORNING.isoformat)
    for seq in range(1, 900):
        kind, body = next(stream)
        event = Event(
            seq=seq,
            at=MONDAY_MORNING,
            mono_ms=1,
            boot="boot",
            type=kind,
            body=msgspec.Raw(body.encode()),
        )
        assert read_body(event) is not None, kind


@pytest.mark.parametrize("name", MIXES)
def test_what_it_writes_is_what_the_server_keeps(talk: Talk, name: str) -> None:
    """P-2, P-4: batch after batch, each body byte for byte, no dead letter."""
    one = talk(name, keep_hashes=True)
    one.cabinet.live(57, one.elapsed)
    one.cabinet.connect()
    assert one.say(one.cabinet.birth(one.elapsed)) == 7  # the birth and six batches
    rows = journal(one)
    assert (one.cabinet.committed, one.cabinet.backlog, len(rows)) == (57, 0, 57)
    text = "".join(f"{seq}:{body}\n" for seq, _, body in rows)
    assert hashlib.sha256(text.encode()).hexdigest() == one.cabinet.digest.hexdigest()
    assert [hashlib.sha256(body.encode()).digest() for _, _, body in rows] == one.cabinet.hashes
    with one.server.transactions.read() as tx:
        assert tx.session.scalar(select(DeadLetter)) is None
    assert len(one.latencies) == 57


def test_an_unanswered_batch_is_sent_again_later_and_later(talk: Talk) -> None:
    """P-2: after 10 s, then 20 s, each with jitter; never a second batch beside it."""
    one = talk()
    one.cabinet.live(30, 0.0)
    first = one.cabinet.next_batch(0.0)
    assert first is not None
    assert one.cabinet.next_batch(1.0) is None
    assert one.cabinet.resend(7.0) is None
    again = one.cabinet.resend(TIMEOUT_MAX_SECONDS + 0.1)
    assert again is not None
    assert one.cabinet.resend(TIMEOUT_MAX_SECONDS + 14.0) is None
    assert one.cabinet.resend(3.1 * TIMEOUT_MAX_SECONDS) is not None
    assert one.cabinet.resent == 2
    one.say(again)
    assert len(journal(one)) == 30


def test_a_receipt_that_falls_back_is_obeyed(talk: Talk) -> None:
    """P-7: what the server lost is sent again from there."""
    one = talk()
    one.cabinet.live(COMMITTED, 0.0)
    one.say(one.cabinet.birth(0.0))
    assert one.cabinet.committed == COMMITTED
    packets = one.receipt(COMMITTED - 25)
    (batch,) = mqtt_messages(packets)
    assert (batch["first"], batch["last"]) == (16, 25)
    assert one.say(packets) == 1  # the server has them: its receipt leads past all of it
    assert one.cabinet.committed == COMMITTED
    one.cabinet.live(5, 0.0)
    one.say(one.cabinet.next_batch(0.0) or b"")
    assert [seq for seq, _, _ in journal(one)] == list(range(1, COMMITTED + 6))


def test_a_receipt_below_its_floor_is_answered_from_the_floor(talk: Talk) -> None:
    """P-3: what it no longer holds it cannot send; it never sends other events for them."""
    one = talk(kept_events=20)
    one.cabinet.live(20, 0.0)
    one.say(one.cabinet.birth(0.0))
    one.cabinet.live(20, 0.0)
    one.say(one.cabinet.next_batch(0.0) or b"")
    (batch,) = mqtt_messages(one.receipt(3))
    assert (batch["floor"], batch["first"], batch["last"]) == (21, 21, 30)
    assert [event["seq"] for event in batch["events"]] == list(range(21, 31))
    one.receipt(40)
    assert one.cabinet.backlog == 0
    one.cabinet.live(1, 0.0)
    one.say(one.cabinet.next_batch(0.0) or b"")
    assert len(journal(one)) == 41


def test_a_receipt_for_what_was_never_sent_is_refused(talk: Talk) -> None:
    one = talk()
    one.cabinet.live(3, 0.0)
    one.receipt(3)
    assert (one.cabinet.committed, one.orders.refused) == (0, 1)


def test_a_bundle_blocks_what_it_means_and_is_acknowledged(talk: Talk) -> None:
    """P-16: by the one matcher, for this cabinet; a blocked slot refuses, an older one is not."""
    one = talk()
    gtin = PLANOGRAM[0].gtin
    held = one.server.signing.signed(bundle(8, rule(gtin)))
    payload = read_envelope(held).payload
    one.cabinet.live(4, 0.0)
    one.say(one.cabinet.birth(0.0))
    one.say(one.order(DownKind.RULES, held))
    (applied,) = told(one, "rules.applied")
    assert applied["version"] == 8
    assert applied["digest"] == hashlib.sha256(payload.encode()).hexdigest()
    assert applied["blocked"] == [
        {"slot": slot.name, "recall": "R1", "match": "yes"}
        for slot in PLANOGRAM
        if slot.gtin == gtin
    ]
    one.cabinet.live(40, 0.0)
    one.say(one.cabinet.next_batch(0.0) or b"")
    assert {sale["gtin"] for sale in told(one, "sale.refused")} == {gtin}
    sold = {line["gtin"] for sale in told(one, "sale.completed") for line in sale["lines"]}
    assert sold == {slot.gtin for slot in PLANOGRAM} - {gtin}
    one.say(one.order(DownKind.RULES, one.server.signing.signed(bundle(7))))
    assert len(told(one, "rules.applied")) == 1


def test_a_rule_for_another_cabinet_blocks_nothing_here(talk: Talk) -> None:
    one = talk()
    elsewhere = rule(PLANOGRAM[0].gtin, Where(cabinets=["another"]))
    one.say(one.order(DownKind.RULES, one.server.signing.signed(bundle(8, elsewhere))))
    (applied,) = told(one, "rules.applied")
    assert applied["blocked"] == []


def test_a_forged_bundle_changes_nothing(talk: Talk) -> None:
    """P-12."""
    one = talk()
    one.order(DownKind.RULES, encode(Signer(bytes(32)).sign(bundle(9))))
    assert (one.cabinet.shelf.rules_version, one.cabinet.head, one.orders.refused) == (0, 0, 1)


def test_an_order_is_carried_out_once_and_answered_as_often_as_asked(talk: Talk) -> None:
    """P-13."""
    one = talk("doors")
    signed = one.server.signing.signed(command(one, 3))
    one.say(one.order(DownKind.COMMAND, signed) + one.order(DownKind.COMMAND, signed))
    one.say(one.order(DownKind.COMMAND, one.server.signing.signed(command(one, 2))))
    assert one.cabinet.command_counter == 3
    assert told(one, "command.finished") == [{"command": "order-3", "outcome": "succeeded"}] * 2


def test_a_physical_order_of_an_older_session_is_rejected(talk: Talk) -> None:
    """P-13: it must not fire after a reconnect."""
    one = talk("doors")
    one.cabinet.connect()
    signed = one.server.signing.signed(command(one, 1, session=one.cabinet.session))
    one.cabinet.connect()
    one.say(one.order(DownKind.COMMAND, signed))
    assert told(one, "command.finished") == [{"command": "order-1", "outcome": "rejected"}]


def test_a_server_that_comes_back_gets_one_birth_within_the_spread(talk: Talk) -> None:
    """P-11; a server that says it goes gets none."""
    one = talk()

    def announce(state: PresenceState) -> None:
        topic = broadcast(FLEET, AllKind.SERVER)
        one.hear(Outgoing(topic, encode(ServerState(1, "s2", state))))

    announce(PresenceState.OFFLINE)
    assert one.cabinet.birth_at is None
    announce(PresenceState.ONLINE)
    due = one.cabinet.birth_at
    assert due is not None
    assert 0.0 <= due <= one.orders.spread_seconds
    announce(PresenceState.ONLINE)
    assert one.cabinet.birth_at == due


def test_another_server_epoch_in_a_receipt_asks_for_a_birth(talk: Talk) -> None:
    """P-0: it may not know what we hold; the receipt that answers a birth asks for none."""
    one = talk()
    one.cabinet.birth(0.0)
    one.receipt(0, "first")
    assert one.cabinet.birth_at is None
    one.receipt(0, "second")
    assert one.cabinet.birth_at is not None


def test_rubbish_is_counted_and_changes_nothing(talk: Talk) -> None:
    one = talk()
    topic = f"{FLEET}/v1/00/down/{one.cabinet.member.cabinet}/receipt"
    one.hear(Outgoing(topic, b"{"))
    assert (one.orders.refused, one.cabinet.committed) == (1, 0)


def test_a_full_outbox_writes_no_more_until_receipts_come(talk: Talk) -> None:
    one = talk(uncommitted_events_max=25)
    assert one.cabinet.live(40, 0.0) == 25
    assert one.cabinet.live(40, 0.0) == 0
    one.say(one.cabinet.birth(0.0))
    assert one.cabinet.live(40, 0.0) == 25
