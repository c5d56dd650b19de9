"""One simulated cabinet, without a socket: what it writes, sends and makes of what it hears."""

import hashlib
import zlib
from collections import deque
from collections.abc import Callable, Iterator

import msgspec

from protocol import mqtt_packets as mqtt
from protocol.commands import Command
from protocol.errors import ProtocolError
from protocol.intervals import (
    PRESENCE,
    RECEIPT_TIMEOUT_MAX_SECONDS,
    RECEIPT_TIMEOUT_SECONDS,
    Uplink,
)
from protocol.journal import ClockQuality, Receipt
from protocol.presence import Heartbeat, LanePosition, Presence, PresenceCause, PresenceState
from protocol.topics import AllKind, DownKind, UpKind, cabinet_subscriptions, kind_of_down, up
from protocol.wire import COMPRESS_ABOVE_BYTES, decode, encode
from simulators.load.mix import Event, Mix, Shelf
from simulators.load.orders import Member, Orders

KEPT_EVENTS = 2_000
"""Committed events kept for a receipt that falls back (P-7); a real cabinet keeps 7 days."""
UNCOMMITTED_EVENTS_MAX = 20_000
"""Events written and not committed: then the cabinet writes no more until receipts come."""
GZIP_WINDOW = 31
"""zlib window bits 15 plus 16: with a gzip header (zlib manual, deflateInit2)."""
PACKET_IDS = 65_535


class LoadCabinet:
    """A cabinet as the server sees it."""

    __slots__ = (
        "_batch_max",
        "_body",
        "_events",
        "_head",
        "_ids",
        "_in_flight",
        "_instants",
        "_keep",
        "_mix",
        "_orders",
        "_sent_at",
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
        "heartbeat_at",
        "member",
        "resent",
        "session",
        "shelf",
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
        self._head = self.committed = self.session = 0
        self.command_counter = self.desired_version = 0
        self._in_flight = 0
        self._sent_at = 0.0
        self._timeout = RECEIPT_TIMEOUT_SECONDS
        self._ids = self.resent = 0
        self.heartbeat_at = 0.0
        self.birth_at: float | None = None
        self.digest = hashlib.sha256()
        self._topics = {kind: up(orders.fleet, member.cabinet, kind) for kind in UpKind}

    @property
    def head(self) -> int:
        """Newest sequence written."""
        return self._head

    @property
    def backlog(self) -> int:
        """Events written and not committed."""
        return self._head - self.committed

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
        return mqtt.subscribe(self._next_id(), [(one, 1) for one in filters])

    def birth(self, elapsed: float) -> bytes:
        """Presence, and at once what was under way before (P-2)."""
        self.heartbeat_at = elapsed + PRESENCE[self.uplink].heartbeat_seconds
        self.birth_at = None
        self._in_flight = 0
        self._timeout = RECEIPT_TIMEOUT_SECONDS
        body = self._presence(PresenceState.ONLINE, PresenceCause.BIRTH)
        return self._publish(UpKind.PRESENCE, body) + (self.next_batch(elapsed) or b"")

    def goodbye(self) -> bytes:
        """A clean stop."""
        body = self._presence(PresenceState.OFFLINE, PresenceCause.STOP)
        return self._publish(UpKind.PRESENCE, body) + mqtt.DISCONNECT

    def heartbeat(self, elapsed: float) -> bytes:
        """What it holds, in short (P-10)."""
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
        count = min(count, UNCOMMITTED_EVENTS_MAX - self.backlog)
        for _ in range(count):
            kind, body = next(self._stream)
            self.write(kind, body, elapsed)
        return max(count, 0)

    def write(self, kind: str, body: str, elapsed: float) -> None:
        """Write one event."""
        self._head += 1
        self.digest.update(f"{self._head}:{body}\n".encode())
        event = (
            f'{{"seq":{self._head},"at":"{self._world_now()}","mono_ms":{int(elapsed * 1000)},'
            f'"boot":"{self.epoch}","type":"{kind}","body":{body}}}'
        )
        self._events.append(event.encode())
        self._instants.append(elapsed)
        while len(self._events) > KEPT_EVENTS and self._floor <= self.committed:
            self._events.popleft()

    def next_batch(self, elapsed: float) -> bytes | None:
        """Packet of the next batch; None while one is under way or nothing waits (P-2)."""
        if self._in_flight or self._head == self.committed:
            return None
        first, floor = self.committed + 1, self._floor
        last = min(self._head, self.committed + self._batch_max)
        events = [self._events[seq - floor] for seq in range(first, last + 1)]
        head = (
            f'{{"v":1,"epoch":"{self.epoch}","floor":{floor},"first":{first},"last":{last},'
            f'"sent_at":"{self._world_now()}","clock":"synced","events":['
        )
        body = head.encode() + b",".join(events) + b"]}"
        if len(body) > COMPRESS_ABOVE_BYTES:
            pack = zlib.compressobj(1, zlib.DEFLATED, GZIP_WINDOW)
            body = pack.compress(body) + pack.flush()
        self._in_flight, self._sent_at = last, elapsed
        return self._publish(UpKind.JOURNAL, body)

    def resend(self, elapsed: float) -> bytes | None:
        """Packet of the same batch again once its time is over; the time doubles (P-2)."""
        if not self._in_flight or elapsed - self._sent_at < self._timeout:
            return None
        self._timeout = min(2 * self._timeout, RECEIPT_TIMEOUT_MAX_SECONDS)
        self._in_flight = 0
        self.resent += 1
        return self.next_batch(elapsed)

    def hear(
        self, packet: mqtt.Publish, elapsed: float, latencies: Callable[[float], None]
    ) -> bytes:
        """Obey one message; returns what it answers. `latencies` is told of each commit."""
        kind = kind_of_down(packet.topic)
        if kind == DownKind.RECEIPT:
            self._receipt(decode(packet.payload, Receipt), elapsed, latencies)
        elif kind == AllKind.SERVER:
            self.birth_at = elapsed + self._orders.spread(self.member)
        else:
            self._order(kind, packet, elapsed)
        return self.next_batch(elapsed) or b""

    def _receipt(
        self, receipt: Receipt, elapsed: float, latencies: Callable[[float], None]
    ) -> None:
        position = receipt.journal
        if position is None or position.epoch != self.epoch:
            return
        if position.committed > self.committed:
            for _ in range(min(position.committed - self.committed, len(self._instants))):
                latencies(elapsed - self._instants.popleft())
        elif position.committed < self.committed:
            # What the server lost is not measured again: its instants are those of the first time.
            self._instants.extendleft([elapsed] * (self.committed - position.committed))
        if position.committed >= self._in_flight or position.committed < self.committed:
            self._in_flight = 0
            self._timeout = RECEIPT_TIMEOUT_SECONDS
        self.committed = position.committed

    def _order(self, kind: str, packet: mqtt.Publish, elapsed: float) -> None:
        try:
            if kind == DownKind.RULES:
                self._rules(packet, elapsed)
            elif kind == DownKind.DESIRED:
                version = self._orders.desired(packet.payload, self.member)
                if version > self.desired_version:
                    self.desired_version = version
                    self.write("desired.applied", f'{{"version":{version}}}', elapsed)
            elif kind == DownKind.COMMAND:
                self._command(self._orders.command(packet.payload, self.member), elapsed)
        except ProtocolError:
            self._orders.refused += 1

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
        if command.counter <= self.command_counter:
            return
        self.command_counter = command.counter
        body = f'{{"command":"{command.id}","outcome":"succeeded"}}'
        self.write("command.finished", body, elapsed)

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
        self._ids = self._ids % PACKET_IDS + 1
        return self._ids
