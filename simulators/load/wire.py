"""Sockets of thousands of cabinets under one epoll: connect, read, write, come back."""

import select
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from protocol import mqtt_packets as mqtt
from protocol.errors import ProtocolError
from protocol.intervals import PRESENCE
from protocol.wire import DOWN_LIMIT_BYTES
from simulators.load.cabinet import LoadCabinet

READ_BYTES = 65_536
PACKET_BYTES_MAX = DOWN_LIMIT_BYTES + 4_096
UNSENT_BYTES_MAX = 4 * 1024 * 1024
"""A broker that reads nothing for so long has lost this cabinet."""
HANDSHAKE_SECONDS_MAX = 30.0
"""From the first packet to the subscription; then the cabinet tries anew."""


class Stage(Enum):
    """How far a connection has come."""

    AWAY = auto()
    CONNECTING = auto()
    GREETING = auto()
    SUBSCRIBING = auto()
    ONLINE = auto()
    SILENCED = auto()


HANDSHAKE = frozenset({Stage.CONNECTING, Stage.GREETING, Stage.SUBSCRIBING})


class Silence(Enum):
    """How a cabinet stops speaking, for good and without a goodbye."""

    DEAD_LINK = auto()
    """Nothing passes either way, and nothing is closed: a modem that lost its network."""
    HUNG = auto()
    """Its MQTT client pings on and takes what comes; the agent says nothing: no will will tell."""
    CLOSED = auto()
    """Its connection ends without DISCONNECT: the broker publishes the will at once."""


@dataclass
class Counts:
    """What happened on all connections."""

    connected: int = 0
    lost: int = 0
    refused: int = 0
    messages_in: int = 0


@dataclass(eq=False)
class Wire:
    """One cabinet's connection."""

    cabinet: LoadCabinet
    stage: Stage = Stage.AWAY
    connect_at: float = 0.0
    node: int = 0
    """Which of the brokers it goes to next."""
    connection: socket.socket | None = None
    reader: mqtt.Reader = field(default_factory=lambda: mqtt.Reader(PACKET_BYTES_MAX))
    unsent: bytearray = field(default_factory=bytearray)
    waits_to_write: bool = False
    silence: Silence | None = None
    ping_at: float = 0.0


class Exchange:
    """All connections of this process."""

    def __init__(
        self,
        nodes: Sequence[tuple[str, int]],
        latencies: Callable[[float], None],
        reconnect_in: Callable[[], float],
    ) -> None:
        """`nodes`: where the brokers listen; each attempt of a cabinet goes to its next.

        `reconnect_in` says after how many seconds a lost cabinet comes back (P-11).
        """
        self._nodes = nodes
        self._latencies = latencies
        self._reconnect_in = reconnect_in
        self._epoll = select.epoll()
        self._wires: dict[int, Wire] = {}
        self.counts = Counts()

    def close(self) -> None:
        """Close everything, without a word."""
        for wire in list(self._wires.values()):
            self._drop(wire)
        self._epoll.close()

    def connect(self, wire: Wire) -> None:
        """Begin to connect; the rest follows as answers come."""
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connection.settimeout(0)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire.connection, wire.stage = connection, Stage.CONNECTING
        wire.reader = mqtt.Reader(PACKET_BYTES_MAX)
        wire.unsent.clear()
        self._wires[connection.fileno()] = wire
        self._epoll.register(connection, select.EPOLLOUT)
        connection.connect_ex(self._nodes[wire.node % len(self._nodes)])
        wire.node += 1

    def look(self, seconds: float, elapsed: Callable[[], float]) -> None:
        """Serve whatever is ready, waiting at most so long for it."""
        for number, events in self._epoll.poll(seconds):
            wire = self._wires.get(number)
            if wire is None:
                continue
            try:
                self._serve(wire, events, elapsed())
            except (OSError, ProtocolError):
                self._lose(wire, elapsed())

    def send(self, wire: Wire, data: bytes, elapsed: float) -> None:
        """Write what can be written now, keep the rest."""
        try:
            self._write(wire, data)
        except OSError:
            self._lose(wire, elapsed)

    def leave(self, wire: Wire) -> None:
        """Say goodbye, as far as the broker takes it at once, and close."""
        if wire.stage is Stage.ONLINE:
            try:
                self._write(wire, wire.cabinet.goodbye())
            except OSError:
                self.counts.lost += 1
        self._drop(wire)

    def give_up_dead(self, wire: Wire, elapsed: float) -> None:
        """Cut a connection that never came to be, or over which nothing is heard any more."""
        if wire.stage is Stage.ONLINE:
            if wire.cabinet.hearing.deaf(elapsed):
                self._lose(wire, elapsed)
                wire.cabinet.hearing.give_up()
        elif wire.stage in HANDSHAKE and elapsed > wire.connect_at + HANDSHAKE_SECONDS_MAX:
            self._lose(wire, elapsed)

    def cut(self, wire: Wire, elapsed: float) -> None:
        """Cut one connection as a dead modem does; it comes back."""
        self._lose(wire, elapsed)

    def silence(self, wire: Wire, how: Silence, elapsed: float) -> None:
        """Let a cabinet fall silent: it never speaks or comes back in this run."""
        was_online = wire.stage is Stage.ONLINE
        if how is Silence.CLOSED or not was_online:
            self._drop(wire)
        elif how is Silence.DEAD_LINK and wire.connection is not None:
            self._epoll.unregister(wire.connection)
        self.counts.connected -= was_online
        wire.stage, wire.silence = Stage.SILENCED, how
        wire.ping_at = elapsed

    def ping(self, wire: Wire, elapsed: float) -> None:
        """Keep the connection of a hung cabinet alive, as its MQTT client would."""
        if wire.silence is not Silence.HUNG or elapsed < wire.ping_at:
            return
        wire.ping_at = elapsed + PRESENCE[wire.cabinet.uplink].heartbeat_seconds
        try:
            self._write(wire, mqtt.PINGREQ)
        except OSError:
            self._end_silenced(wire)

    def _end_silenced(self, wire: Wire) -> None:
        """The broker closed on a silenced cabinet: it does not come back."""
        self._drop(wire)
        wire.stage = Stage.SILENCED

    def _serve(self, wire: Wire, events: int, elapsed: float) -> None:
        assert wire.connection is not None  # noqa: S101  # it is registered
        if wire.stage is Stage.SILENCED:
            if not wire.connection.recv(READ_BYTES):
                raise OSError("the broker closed the connection")
            return
        if wire.stage is Stage.CONNECTING:
            problem = wire.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if problem:
                raise OSError(problem, "no connection")
            wire.stage = Stage.GREETING
            self._epoll.modify(wire.connection, select.EPOLLIN)
            self._write(wire, wire.cabinet.connect())
            return
        if events & select.EPOLLOUT:
            self._write(wire, b"")
        if events & ~select.EPOLLOUT:
            data = wire.connection.recv(READ_BYTES)
            if not data:
                raise OSError("the broker closed the connection")
            self._take(wire, wire.reader.feed(data), elapsed)

    def _take(self, wire: Wire, packets: list[mqtt.Packet], elapsed: float) -> None:
        answers: list[bytes] = []
        for packet in packets:
            if type(packet) is mqtt.Publish:
                self.counts.messages_in += 1
                if packet.qos:
                    answers.append(mqtt.puback(packet.packet_id))
                answers.append(wire.cabinet.hear(packet, elapsed, self._latencies))
            elif type(packet) is not mqtt.Puback:  # the receipt counts, not the broker's word
                answers.append(self._control(wire, packet, elapsed))
        data = b"".join(answers)
        if data:
            self._write(wire, data)

    def _control(self, wire: Wire, packet: mqtt.Packet, elapsed: float) -> bytes:
        if isinstance(packet, mqtt.Connack):
            if packet.code != 0:
                self.counts.refused += 1
                raise OSError(f"refused with {packet.code}")
            wire.stage = Stage.SUBSCRIBING
            return wire.cabinet.subscribe()
        if isinstance(packet, mqtt.Suback) and wire.stage is Stage.SUBSCRIBING:
            if mqtt.SUBSCRIPTION_REFUSED in packet.codes:  # a NATS cluster without leader does
                self.counts.refused += 1
                raise OSError("a subscription was refused")
            wire.stage = Stage.ONLINE
            self.counts.connected += 1
            return wire.cabinet.birth(elapsed)
        return b""

    def _write(self, wire: Wire, data: bytes) -> None:
        connection = wire.connection
        if connection is None:
            return
        if wire.unsent:
            wire.unsent += data
            data = bytes(wire.unsent)
        try:
            sent = connection.send(data) if data else 0
        except BlockingIOError:
            sent = 0
        if sent == len(data):
            wire.unsent.clear()
        else:
            wire.unsent[:] = data[sent:]
        if len(wire.unsent) > UNSENT_BYTES_MAX:
            raise OSError("the broker takes nothing")
        waits = bool(wire.unsent)
        if waits != wire.waits_to_write:
            wire.waits_to_write = waits
            self._epoll.modify(connection, select.EPOLLIN | (select.EPOLLOUT if waits else 0))

    def _lose(self, wire: Wire, elapsed: float) -> None:
        if wire.stage is Stage.SILENCED:
            self._end_silenced(wire)
            return
        if wire.stage is Stage.ONLINE:
            self.counts.connected -= 1
        self.counts.lost += 1
        self._drop(wire)
        wire.cabinet.hearing.lost()
        wire.connect_at = elapsed + self._reconnect_in()

    def _drop(self, wire: Wire) -> None:
        if wire.connection is not None:
            self._wires.pop(wire.connection.fileno(), None)
            if wire.silence is not Silence.DEAD_LINK:
                self._epoll.unregister(wire.connection)
            wire.connection.close()
        wire.connection, wire.stage, wire.waits_to_write = None, Stage.AWAY, False
        wire.unsent.clear()
