"""A server that behaves (P-3, P-4) and a link to it that can lose, double and cut; no broker."""

import base64
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec
from nacl.public import PrivateKey

from edge_agent.mqtt_link import LinkClosed, LinkEvent, LinkMessage, LinkOpened, Message
from protocol.commands import PHYSICAL, Command, CommandName
from protocol.desired import Desired, PlannedSlot
from protocol.enrolment import EnrolmentAnswer
from protocol.journal import (
    Event,
    JournalBatch,
    Position,
    Receipt,
    Sample,
    TelemetryBatch,
    read_journal_batch,
    read_telemetry_batch,
)
from protocol.presence import Heartbeat, Presence, PresenceState, ServerState, TimeRequest
from protocol.rules import Rule, RuleBundle
from protocol.signatures import Envelope, SignedKind, Signer
from protocol.time_reply import TimeReply
from protocol.topics import AllKind, DownKind, UpKind, broadcast, down, parse_up
from protocol.wire import decode, encode

FLEET, CABINET = "fleet", "cab-1"
START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
GTIN_A, GTIN_B = "06901234567892", "06909876543212"


class LaneModel:
    """One lane of one cabinet, as P-3 wants it; entries of an epoch by sequence."""

    def __init__(self) -> None:
        self.epoch = ""
        self.committed = 0
        self.entries: dict[tuple[str, int], bytes] = {}
        self.doubled: list[int] = []

    def accept(
        self, batch: JournalBatch | TelemetryBatch, entries: Sequence[Event | Sample]
    ) -> None:
        if batch.epoch != self.epoch:
            self.epoch, self.committed = batch.epoch, 0
        if self.committed + 1 < batch.floor:
            self.committed = batch.floor - 1
        if batch.first > self.committed + 1:
            return
        for entry in entries:
            if entry.seq <= self.committed:
                continue
            if (self.epoch, entry.seq) in self.entries:
                self.doubled.append(entry.seq)
            self.entries[self.epoch, entry.seq] = msgspec.json.encode(entry)
            self.committed = entry.seq

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.committed)


class ModelServer:
    """Commits what is sent and answers with receipts; signs documents."""

    def __init__(self) -> None:
        self.signer = Signer(b"s" * 32)
        self.sealing = PrivateKey(b"p" * 32)
        self.epoch = "server-1"
        self.journal = LaneModel()
        self.telemetry = LaneModel()
        self.presences: list[Presence] = []
        self.heartbeats: list[Heartbeat] = []
        self.rules_version = 0
        self.desired_version = 0
        self.counter = 0
        self.answers = True
        self.tells_time = True
        self.now: Callable[[], datetime] = lambda: START
        self.requests: list[TimeRequest] = []
        self.replies: list[LinkMessage] = []

    def identity(self, **changes: object) -> EnrolmentAnswer:
        answer = EnrolmentAnswer(
            cabinet=CABINET,
            fleet=FLEET,
            shard=0,
            brokers=["mqtt://localhost:1883"],
            credential="secret",
            signing_keys=[base64.b64encode(self.signer.public_key).decode()],
            sealing_key=base64.b64encode(bytes(self.sealing.public_key)).decode(),
        )
        return msgspec.structs.replace(answer, **changes)

    def hear(self, message: Message) -> list[LinkMessage]:
        kind = parse_up(message.topic).kind
        if kind is UpKind.PRESENCE:
            self.presences.append(decode(message.payload, Presence))
            if self.presences[-1].state is PresenceState.OFFLINE:
                return []
        elif kind is UpKind.HEARTBEAT:
            self.heartbeats.append(decode(message.payload, Heartbeat))
            return []
        elif kind is UpKind.REQUEST:
            self.requests.append(decode(message.payload, TimeRequest))
            return [self.reply(self.requests[-1])] if self.tells_time else []
        elif kind is UpKind.JOURNAL:
            batch = read_journal_batch(message.payload)
            self.journal.accept(batch, batch.events)
        elif kind is UpKind.TELEMETRY:
            samples = read_telemetry_batch(message.payload)
            self.telemetry.accept(samples, samples.samples)
        return [self.receipt()] if self.answers else []

    def reply(self, request: TimeRequest, signer: Signer | None = None) -> LinkMessage:
        told = TimeReply(
            SignedKind.REPLY, FLEET, CABINET, request.request, request.nonce, self.now()
        )
        data = encode((signer or self.signer).sign(told))
        self.replies.append(LinkMessage(down(FLEET, CABINET, DownKind.REPLY), data))
        return self.replies[-1]

    def receipt(self) -> LinkMessage:
        receipt = Receipt(
            v=1,
            server_epoch=self.epoch,
            server_time=START,
            journal=self.journal.position if self.journal.epoch else None,
            telemetry=self.telemetry.position if self.telemetry.epoch else None,
            rules_version=self.rules_version,
            desired_version=self.desired_version,
        )
        return LinkMessage(down(FLEET, CABINET, DownKind.RECEIPT), encode(receipt))

    def online(self) -> LinkMessage:
        state = ServerState(1, self.epoch, PresenceState.ONLINE)
        return LinkMessage(broadcast(FLEET, AllKind.SERVER), encode(state))

    def rules(self, version: int, rules: list[Rule], signer: Signer | None = None) -> bytes:
        bundle = RuleBundle(SignedKind.RULES, FLEET, "*", version, START, rules)
        return encode((signer or self.signer).sign(bundle))

    def desired(self, version: int, planogram: list[PlannedSlot], **changes: object) -> bytes:
        desired = Desired(
            SignedKind.DESIRED, FLEET, CABINET, version, "site-1", "region-1", planogram=planogram
        )
        return encode(self.signer.sign(msgspec.structs.replace(desired, **changes)))

    def command(self, name: CommandName, now: datetime, **changes: object) -> Envelope:
        self.counter += 1
        command = Command(
            kind=SignedKind.COMMAND,
            fleet=FLEET,
            cabinet=CABINET,
            id=f"order-{self.counter}",
            name=name,
            args={},
            issued_at=now,
            ttl_s=60,
            counter=self.counter,
            session=self.presences[-1].session if name in PHYSICAL else None,
        )
        return self.signer.sign(msgspec.structs.replace(command, **changes))

    def events(self, kind: str = "") -> list[Event]:
        found = [msgspec.json.decode(row, type=Event) for row in self.journal.entries.values()]
        return [event for event in found if kind in ("", event.type)]


class FakeLink:
    """Carries messages between agent and model server as `deliver` decides.

    `deliver` gets the way ("up" or "down") and says how many copies arrive.
    """

    def __init__(self, server: ModelServer, deliver: Callable[[str], int] = lambda _way: 1) -> None:
        self.server = server
        self.deliver = deliver
        self.reachable = True
        self.connected = False
        self.will: Message | None = None
        self.opened = 0
        self.published: list[Message] = []
        self._events: list[LinkEvent] = []

    def open(self, will: Message, subscriptions: Sequence[str]) -> None:
        assert len(subscriptions) == 2
        assert not self.connected
        self.will = will
        self.opened += 1
        if self.reachable:
            self.connected = True
            self._events.append(LinkOpened())
        else:
            self._events.append(LinkClosed("unreachable", reached=False))

    def publish(self, message: Message) -> bool:
        if not self.connected:
            return False
        self.published.append(message)
        for _ in range(self.deliver("up")):
            for answer in self.server.hear(message):
                self.send(answer)
        return True

    def send(self, message: LinkMessage) -> None:
        if self.connected:
            self._events.extend([message] * self.deliver("down"))

    def send_rules(self, data: bytes) -> None:
        self.send(LinkMessage(broadcast(FLEET, AllKind.RULES), data))

    def send_desired(self, data: bytes) -> None:
        self.send(LinkMessage(down(FLEET, CABINET, DownKind.DESIRED), data))

    def send_command(self, envelope: Envelope) -> None:
        self.send(LinkMessage(down(FLEET, CABINET, DownKind.COMMAND), encode(envelope)))

    def cut(self) -> None:
        if self.connected:
            self.connected = False
            self._events.append(LinkClosed("cut", reached=True))
            assert self.will is not None
            self.server.hear(self.will)

    def take(self, maximum: int) -> list[LinkEvent]:
        taken, self._events = self._events[:maximum], self._events[maximum:]
        return taken

    def close(self, farewell: Message | None) -> None:
        if farewell is not None and self.connected:
            self.server.hear(farewell)
        self.connected = False
