"""One simulated cabinet, without a socket: what it writes, sends and makes of what it hears."""

import hashlib
import zlib
from collections import deque
from collections.abc import Callable, Iterator

import msgspec

from edge_agent.outbox.hearing import Hearing
from protocol import mqtt_packets as mqtt
from protocol.commands import PHYSICAL, Command, CommandOutcome
from protocol.errors import MalformedMessageError, ProtocolError
from protocol.intervals import (
    PRESENCE,
    RECEIPT_TIMEOUT_MAX_SECONDS,
    RECEIPT_TIMEOUT_SECONDS,
    Uplink,
)
from protocol.journal import ClockQuality, Receipt
from protocol.presence import (
    Heartbeat,
    LanePosition,
    Presence,
    PresenceCause,
    PresenceState,
    ServerState,
)
from protocol.topics import AllKind, DownKind, UpKind, cabinet_subscriptions, kind_of_down, up
from protocol.wire import COMPRESS_ABOVE_BYTES, decode, encode
from simulators.load.mix import Event, Mix, Shelf
from simulators.load.orders import Member, Orders

GZIP_WINDOW = 31
"""zlib window bits 15 plus 16: with a gzip header (zlib manual, deflateInit2)."""


class LoadCabinet:
    """A cabinet as the server sees it."""

    __slots__ = (
        "_again_at",
        "_awaits_answer",
        "_batch_max",
        "_events",
        "_finished",
        "_head",
        "_ids",
        "_in_flight",
        "_instants",
        "_orders",
        "_reached",
        "_server_epoch",
        "_stream",
        "_timeout",
        "_topics",
        "_world_now",
        "birth_at",
        "command_counter",
        "committed",
        "desired_version",
        "digest",
        "epoch",
        "fell_back",
        "hashes",
        "hearing",
        "heartbeat_at",
        "keeps_ready",
        "member",
        "resent",
        "session",
        "shelf",
        "spoke_at",
        "uplink",
    )

    def __init__(
        self,
        member: Member,
        orders: Orders,
        mix: Mix,
        now: Callable[[], str],
        batch_max: int,
        uplink: Uplink,
    ) -> None:
        """`now` tells the time as text (ISO 8601, UTC)."""
        self.member, self.uplink = member, uplink
        self._orders, self._world_now, self._batch_max = orders, now, batch_max
        self.epoch = f"{orders.run}-{member.cabinet}"
        self.shelf = Shelf(member.cabinet, self.epoch)
        self._stream: Iterator[Event] = mix(self.shelf, now)
        self._events: deque[bytes] = deque()
        self._instants: deque[float] = deque()
        self._head = self._reached = self.committed = 0
        self.session = orders.sessions_from
        self.command_counter = self.desired_version = 0
        self._in_flight = 0
        self._again_at = 0.0
        self._timeout = RECEIPT_TIMEOUT_SECONDS
        self._ids = self.resent = 0
        self.heartbeat_at = 0.0
        self.spoke_at = 0.0
        """When it last sent a birth or heartbeat; elapsed seconds."""
        self.fell_back = 0
        """Receipts below an earlier one: the server told more than its database kept."""
        self.birth_at: float | None = None
        self.hearing = Hearing()
        self._server_epoch = ""
        self._awaits_answer = False
        self._finished: tuple[str, CommandOutcome] | None = None
        self.keeps_ready = 0
        """Closed loop: so many events are written whenever fewer wait."""
        self.digest = hashlib.sha256()
        self.hashes: list[bytes] | None = [] if orders.keep_hashes else None
        self._topics = {kind: up(orders.fleet, member.cabinet, kind) for kind in UpKind}

    @property
    def head(self) -> int:
        """Newest sequence written."""
        return self._head

    @property
    def backlog(self) -> int:
        """Events written and not committed."""
        return self._head - self.committed

    @property
    def is_answered(self) -> bool:
        """Whether a receipt came since its last birth."""
        return bool(self._server_epoch) and not self._awaits_answer

    def connect(self) -> bytes:
        """CONNECT of the next session, with its will (P-9)."""
        self.session += 1
        self._in_flight = 0
        will = self._presence(PresenceState.OFFLINE, PresenceCause.WILL)
        return mqtt.connect(
            self.member.cabinet,
            user=self.member.cabinet,
            password=self.member.credential.encode(),
            keep_alive_seconds=PRESENCE[self.uplink].keep_alive_seconds,
            will=mqtt.Will(self._topics[UpKind.PRESENCE], will),
        )

    def subscribe(self) -> bytes:
        """The two subscriptions of a cabinet (P-0)."""
        filters = cabinet_subscriptions(self._orders.fleet, self.member.cabinet)
        qos = self._orders.downlink_qos
        return mqtt.subscribe(self._next_id(), [(one, qos) for one in filters])

    def birth(self, elapsed: float) -> bytes:
        """Presence, and at once what was under way before (P-2)."""
        self.heartbeat_at = elapsed + PRESENCE[self.uplink].heartbeat_seconds
        self.birth_at = None
        self.spoke_at = elapsed
        self._awaits_answer = True
        self._in_flight = 0
        self.hearing.sent(elapsed)
        self._timeout = RECEIPT_TIMEOUT_SECONDS
        body = self._presence(PresenceState.ONLINE, PresenceCause.BIRTH)
        return self._publish(UpKind.PRESENCE, body) + (self.next_batch(elapsed) or b"")

    def goodbye(self) -> bytes:
        """A clean stop."""
        body = self._presence(PresenceState.OFFLINE, PresenceCause.STOP)
        return self._publish(UpKind.PRESENCE, body) + mqtt.DISCONNECT

    def heartbeat(self, elapsed: float) -> bytes:
        """What it holds, in short (P-10)."""
        self.spoke_at = elapsed
        self.heartbeat_at = elapsed + PRESENCE[self.uplink].heartbeat_seconds
        beat = Heartbeat(
            v=1,
            session=self.session,
            boot=self.epoch,
            uptime_seconds=int(elapsed),
            clock=ClockQuality.SYNCED,
            free_storage_bytes=10**9,
            rules_version=self.shelf.rules_version,
            desired_version=self.desired_version,
            command_counter=self.command_counter,
            journal=self._lane(),
            telemetry=LanePosition(self.epoch, 0, 1),
        )
        return mqtt.publish(self._topics[UpKind.HEARTBEAT], encode(beat))

    def live(self, count: int, elapsed: float) -> int:
        """Write the next `count` events of its life; fewer when its outbox is full."""
        count = min(count, self._orders.uncommitted_events_max - self.backlog)
        for _ in range(count):
            kind, body = next(self._stream)
            self.write(kind, body, elapsed)
        return max(count, 0)

    def write(self, kind: str, body: str, elapsed: float) -> None:
        """Write one event."""
        self._head += 1
        self.digest.update(f"{self._head}:{body}\n".encode())
        if self.hashes is not None:
            self.hashes.append(hashlib.sha256(body.encode()).digest())
        event = (
            f'{{"seq":{self._head},"at":"{self._world_now()}","mono_ms":{int(elapsed * 1000)},'
            f'"boot":"{self.epoch}","type":"{kind}","body":{body}}}'
        )
        self._events.append(event.encode())
        self._instants.append(elapsed)
        while len(self._events) > self._orders.kept_events and self._floor <= self.committed:
            self._events.popleft()

    def next_batch(self, elapsed: float) -> bytes | None:
        """Packet of the next batch; None while one is under way or nothing waits (P-2)."""
        if self._in_flight or self._head == self.committed:
            return None
        floor = self._floor
        first = max(self.committed + 1, floor)
        last = min(self._head, first + self._batch_max - 1)
        events = [self._events[seq - floor] for seq in range(first, last + 1)]
        head = (
            f'{{"v":1,"epoch":"{self.epoch}","floor":{floor},"first":{first},"last":{last},'
            f'"sent_at":"{self._world_now()}","clock":"synced","events":['
        )
        body = head.encode() + b",".join(events) + b"]}"
        if len(body) > COMPRESS_ABOVE_BYTES:
            pack = zlib.compressobj(1, zlib.DEFLATED, GZIP_WINDOW)
            body = pack.compress(body) + pack.flush()
        self._in_flight = last
        self._reached = max(self._reached, last)
        self._again_at = elapsed + self._orders.chance.jitter(self._timeout)
        self.hearing.sent(elapsed)
        return self._publish(UpKind.JOURNAL, body)

    def resend(self, elapsed: float) -> bytes | None:
        """Packet of the same batch again once its time is over; the time doubles (P-2)."""
        if not self._in_flight or elapsed < self._again_at:
            return None
        self._timeout = min(2 * self._timeout, RECEIPT_TIMEOUT_MAX_SECONDS)
        self._in_flight = 0
        self.resent += 1
        return self.next_batch(elapsed)

    def hear(
        self, packet: mqtt.Publish, elapsed: float, latencies: Callable[[float], None]
    ) -> bytes:
        """Obey one message; returns what it answers. `latencies` is told of each commit."""
        self.hearing.heard()
        kind = kind_of_down(packet.topic)
        try:
            if kind == DownKind.RECEIPT:
                self._receipt(decode(packet.payload, Receipt), elapsed, latencies)
            elif kind == AllKind.SERVER:
                if decode(packet.payload, ServerState).state is PresenceState.ONLINE:
                    self._birth_later(elapsed)
            elif kind == DownKind.RULES:
                self._rules(packet, elapsed)
            elif kind == DownKind.DESIRED:
                self._desired(packet, elapsed)
            elif kind == DownKind.COMMAND:
                self._command(self._orders.command(packet.payload, self.member), elapsed)
        except ProtocolError:
            self._orders.refused += 1
        if self.keeps_ready > self.backlog:
            self.live(self.keeps_ready - self.backlog, elapsed)
        return self.next_batch(elapsed) or b""

    def _receipt(
        self, receipt: Receipt, elapsed: float, latencies: Callable[[float], None]
    ) -> None:
        self._meet(receipt.server_epoch, elapsed)
        position = receipt.journal
        if position is None or position.epoch != self.epoch or position.committed == self.committed:
            return
        if position.committed > self._reached:
            raise MalformedMessageError(f"{position.committed} was never sent")
        held_from = self._floor - 1
        if position.committed > self.committed:
            for _ in range(position.committed - max(self.committed, held_from)):
                latencies(elapsed - self._instants.popleft())
        else:
            # What the server lost is measured from now on: it was committed once before.
            self.fell_back += 1
            again = max(self.committed, held_from) - max(position.committed, held_from)
            self._instants.extendleft([elapsed] * again)
        self.committed = position.committed
        self._in_flight = 0
        self._timeout = RECEIPT_TIMEOUT_SECONDS

    def _meet(self, server_epoch: str, elapsed: float) -> None:
        """Answer another server epoch with a birth, unless this is the answer to one (P-0)."""
        if server_epoch != self._server_epoch:
            if self._server_epoch and not self._awaits_answer:
                self._birth_later(elapsed)
            self._server_epoch = server_epoch
        self._awaits_answer = False

    def _birth_later(self, elapsed: float) -> None:
        if self.birth_at is None:
            self.birth_at = elapsed + self._orders.spread(self.member)

    def _desired(self, packet: mqtt.Publish, elapsed: float) -> None:
        version = self._orders.desired(packet.payload, self.member)
        if version > self.desired_version:
            self.desired_version = version
            self.write("desired.applied", f'{{"version":{version}}}', elapsed)

    def _rules(self, packet: mqtt.Publish, elapsed: float) -> None:
        held = self._orders.rules(packet.payload, self.member)
        if held.version <= self.shelf.rules_version:
            return
        blocked = held.blocked_in(self.member)
        self.shelf.rules_version = held.version
        self.shelf.blocked = {one.slot: one.recall for one in blocked}
        told = msgspec.json.encode(blocked).decode()
        body = f'{{"version":{held.version},"digest":"{held.digest}","blocked":{told}}}'
        self.write("rules.applied", body, elapsed)

    def _command(self, command: Command, elapsed: float) -> None:
        """Carry an order out once; a repeated one is answered as before (P-13)."""
        if self._finished is not None and self._finished[0] == command.id:
            self._tell_finished(elapsed)
        elif command.counter > self.command_counter:
            self.command_counter = command.counter
            stale = command.name in PHYSICAL and command.session != self.session
            outcome = CommandOutcome.REJECTED if stale else CommandOutcome.SUCCEEDED
            self._finished = command.id, outcome
            self._tell_finished(elapsed)

    def _tell_finished(self, elapsed: float) -> None:
        assert self._finished is not None  # noqa: S101  # set by the only callers
        command, outcome = self._finished
        self.write("command.finished", f'{{"command":"{command}","outcome":"{outcome}"}}', elapsed)

    def _presence(self, state: PresenceState, why: PresenceCause) -> bytes:
        return encode(
            Presence(
                v=1,
                state=state,
                session=self.session,
                boot=self.epoch,
                why=why,
                uplink=self.uplink,
                rules_version=self.shelf.rules_version,
                desired_version=self.desired_version,
                command_counter=self.command_counter,
                journal=self._lane(),
                telemetry=LanePosition(self.epoch, 0, 1),
            )
        )

    def _lane(self) -> LanePosition:
        return LanePosition(self.epoch, self._head, max(1, self._floor))

    @property
    def _floor(self) -> int:
        return self._head - len(self._events) + 1

    def _publish(self, kind: UpKind, body: bytes) -> bytes:
        return mqtt.publish(self._topics[kind], body, 1, self._next_id())

    def _next_id(self) -> int:
        self._ids = self._ids % mqtt.PACKET_ID_MAX + 1
        return self._ids
