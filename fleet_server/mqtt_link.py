"""The only MQTT importer of the server: one connection, one thread that reads (P-0).

Every session is clean and nothing is handed over while disconnected, so a message is either with
the broker or still a row of ours. The inbox is bounded: what does not fit is dropped and counted,
because every cabinet sends again until it has its receipt (P-2). The packets are read by our own
codec, many at once: paho takes most of a core for 5,000 messages a second (ADR 0014).
"""

import select
import socket
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from fleet_server.clock import Clock
from fleet_server.errors import ConfigurationError
from fleet_server.logs import get_logger
from fleet_server.mqtt_inbox import Inbound, Inbox
from protocol import mqtt_packets as mqtt
from protocol.errors import ProtocolError
from protocol.identity import SERVER_USER
from protocol.wire import DOWN_LIMIT_BYTES

log = get_logger("mqtt_link")

RECONNECT_SECONDS = 1.0
"""The server itself comes back at once; only cabinets spread out (P-11)."""
CONNECT_SECONDS_MAX = 10.0
KEEP_ALIVE_SECONDS = 15
PING_SECONDS = KEEP_ALIVE_SECONDS / 3
SILENCE_SECONDS_MAX = 2 * KEEP_ALIVE_SECONDS
"""Nothing read for so long, though each ping is answered: the connection is dead."""
ANSWER_SECONDS_MAX = 15.0
"""From a CONNECT or SUBSCRIBE to its answer. A node may answer pings and nothing else: while its
cluster has no leader, say. Another one of the list may do better."""
LOOK_SECONDS = 0.5
WRITE_SECONDS_MAX = 10.0
"""A broker that takes no bytes for this long is as good as gone."""
ACKNOWLEDGE_SECONDS_MAX = 10.0
"""A broker that does not acknowledge within this is as good as gone; the row stays."""
READ_BYTES = 256 * 1024
PACKET_BYTES_MAX = DOWN_LIMIT_BYTES + 4096
"""Brokers have one limit for both ways, that of a bundle of rules: what is too long for a message
up is ingest's to refuse, or a cabinet could cut the server off with one message."""
PACKET_IDS = 65_535
"""MQTT 3.1.1, 2.3.1: packet identifiers are 16 bits and not 0."""


class _Lost(Exception):  # noqa: N818  # an event of the connection, not an error of a caller
    """The connection ended, with the reason."""


class Outgoing(NamedTuple):
    """One message to publish."""

    topic: str
    payload: bytes


class Qos(NamedTuple):
    """Highest QoS of each way; both are 0 on NATS (docs/brokers.md)."""

    down: int = 1
    up: int = 1


class MqttLink:
    """Connection of one server process to the broker; each attempt takes the next of its nodes."""

    def __init__(
        self, url: str, client_id: str, secret: str, clock: Clock, qos: Qos | None = None
    ) -> None:
        """`url`: mqtt://host:port, of several nodes with commas."""
        self._nodes = deque(nodes_of(url))
        self._client_id, self._secret = client_id, secret
        self._clock = clock
        self._qos = qos or Qos()
        self.inbox = Inbox()
        self.ready = threading.Event()
        """Set while connected and subscribed."""
        self.became_ready = threading.Event()
        """Set at each new readiness; whoever waits for it clears it."""
        self.ready_at = 0.0
        """When it last became ready; elapsed seconds."""
        self._stop = threading.Event()
        self._wanted: tuple[str, ...] = ()
        self._held: tuple[str, ...] = ()
        self._socket: socket.socket | None = None
        self._write_lock = threading.Lock()
        self._packet_id = 0
        self._waiting: dict[int, threading.Event] = {}
        self._subscribing: set[int] = set()
        self._asked: float | None = None
        """When CONNECT or SUBSCRIBE was sent that is not answered yet."""
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def start(self) -> None:
        """Connect in the background and stay connected."""
        self._thread.start()

    def stop(self) -> None:
        """Disconnect cleanly."""
        self._stop.set()
        if self._socket is not None:
            self._write(mqtt.DISCONNECT)
        if self._thread.ident is not None:
            self._thread.join()

    def listen(self, filters: Iterable[str]) -> None:
        """Subscribe to exactly these, now and after each connection."""
        self._wanted = tuple(filters)
        if self._socket is not None:
            self._subscribe()

    def publish(self, topic: str, payload: bytes, qos: int = 0) -> bool:
        """Hand one message to the broker; False when it did not take it (QoS 1: acknowledge it)."""
        return self.publish_all([Outgoing(topic, payload)], qos) == 1

    def publish_all(self, messages: Sequence[Outgoing], qos: int = 0) -> int:
        """Hand over messages in one write; how many the broker took, from the first on."""
        if not messages or not self.ready.is_set():
            return 0
        if min(qos, self._qos.down) == 0:
            data = [mqtt.publish(one.topic, one.payload) for one in messages]
            return len(messages) if self._write(b"".join(data)) else 0
        numbers = [self._next_id() for _ in messages]
        events = [self._waiting.setdefault(number, threading.Event()) for number in numbers]
        data = [
            mqtt.publish(one.topic, one.payload, 1, number)
            for one, number in zip(messages, numbers, strict=True)
        ]
        try:
            if not self._write(b"".join(data)):
                return 0
            return self._acknowledged(events)
        finally:
            for number in numbers:
                self._waiting.pop(number, None)

    def _acknowledged(self, events: Sequence[threading.Event]) -> int:
        end = self._clock.elapsed() + ACKNOWLEDGE_SECONDS_MAX
        for count, event in enumerate(events):
            while not event.wait(LOOK_SECONDS):
                if not self.ready.is_set() or self._clock.elapsed() > end:
                    return count
        return len(events)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._session()
            except (_Lost, OSError, ProtocolError) as error:
                log.warning("mqtt.disconnected", reason=str(error))
            self.ready.clear()
            self._close()
            self._stop.wait(RECONNECT_SECONDS)

    def _session(self) -> None:
        """Serve one connection until it ends. Raises _Lost, OSError or ProtocolError."""
        self._held = ()
        self._subscribing.clear()
        self._nodes.rotate(-1)  # the one that is last now is tried; the next time the next
        connection = socket.create_connection(self._nodes[-1], CONNECT_SECONDS_MAX)
        connection.settimeout(WRITE_SECONDS_MAX)  # reads wait in `poll`, never here
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        heard = pinged = self._asked = self._clock.elapsed()
        self._write(
            mqtt.connect(
                self._client_id,
                user=SERVER_USER,
                password=self._secret.encode(),
                keep_alive_seconds=KEEP_ALIVE_SECONDS,
            )
        )
        reader = mqtt.Reader(PACKET_BYTES_MAX)
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        while not self._stop.is_set():
            readable = poll.poll(LOOK_SECONDS * 1000)
            now = self._clock.elapsed()
            if readable:
                data = connection.recv(READ_BYTES)
                if not data:
                    raise _Lost("the broker closed the connection")
                heard = now
                self._take(reader.feed(data))
            if now - heard > SILENCE_SECONDS_MAX:
                raise _Lost("nothing is heard from the broker")
            if self._is_unanswered(now):
                raise _Lost("the broker answers no CONNECT or SUBSCRIBE")
            if now - pinged > PING_SECONDS:
                pinged = now
                self._write(mqtt.PINGREQ)

    def _is_unanswered(self, now: float) -> bool:
        asked = self._asked  # written by whoever subscribes, too
        return asked is not None and now - asked > ANSWER_SECONDS_MAX

    def _take(self, packets: Sequence[mqtt.Packet]) -> None:
        """Handle what came in one read: messages are acknowledged together."""
        acknowledgements: list[bytes] = []
        inbound: list[Inbound] = []
        arrived = self._clock.elapsed()
        for packet in packets:
            if type(packet) is mqtt.Publish:
                if packet.qos:
                    acknowledgements.append(mqtt.puback(packet.packet_id))
                # Retained: what a broker kept although told not to (P-0) is nobody's word of now.
                if not packet.retain:
                    inbound.append(Inbound(packet.topic, packet.payload, arrived))
            else:
                self._control(packet)
        self.inbox.put(inbound)
        if acknowledgements:
            self._write(b"".join(acknowledgements))

    def _control(self, packet: mqtt.Packet) -> None:
        if isinstance(packet, mqtt.Puback):
            event = self._waiting.get(packet.packet_id)
            if event is not None:
                event.set()
        elif isinstance(packet, mqtt.Connack):
            if packet.code != 0:
                raise _Lost(f"the broker refused the connection with {packet.code}")
            self._subscribe()
            if not self._wanted:
                self._asked = None
                self._become_ready()
        elif isinstance(packet, mqtt.Suback):
            self._subscribed(packet)

    def _subscribe(self) -> None:
        """Ask for what is wanted and not held, let go of the rest."""
        new = [one for one in self._wanted if one not in self._held]
        old = [one for one in self._held if one not in self._wanted]
        self._held = self._wanted
        if new:
            number = self._next_id()
            self._subscribing.add(number)
            self._asked = self._clock.elapsed()
            self._write(mqtt.subscribe(number, [(one, self._qos.up) for one in new]))
        if old:
            self._write(mqtt.unsubscribe(self._next_id(), old))

    def _subscribed(self, packet: mqtt.Suback) -> None:
        self._subscribing.discard(packet.packet_id)
        if mqtt.SUBSCRIPTION_REFUSED in packet.codes:
            raise _Lost("the broker refused a subscription")
        if self._subscribing:
            return
        self._asked = None
        if not self.ready.is_set():
            self._become_ready()

    def _become_ready(self) -> None:
        log.info("mqtt.ready", broker=":".join(map(str, self._nodes[-1])))
        self.ready_at = self._clock.elapsed()
        self.ready.set()
        self.became_ready.set()

    def _next_id(self) -> int:
        with self._write_lock:
            self._packet_id = self._packet_id % PACKET_IDS + 1
            return self._packet_id

    def _write(self, data: bytes) -> bool:
        """Send bytes; False when there is no connection. One writer at a time."""
        with self._write_lock:
            if self._socket is None:
                return False
            try:
                self._socket.sendall(data)
            except OSError as error:
                log.warning("mqtt.not_written", reason=str(error))
                self._break()
                return False
        return True

    def _break(self) -> None:
        """End a connection of which half a packet was written; the reader finds it closed."""
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                log.debug("mqtt.closed_already")

    def _close(self) -> None:
        with self._write_lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None


def nodes_of(urls: str) -> list[tuple[str, int]]:
    """Host and port of each node of a list with commas. Raises ConfigurationError."""
    return [_address(url.strip()) for url in urls.split(",")]


def _address(url: str) -> tuple[str, int]:
    address = urlsplit(url)
    if address.scheme != "mqtt" or not address.hostname:
        raise ConfigurationError(f"{url!r} is no mqtt://host:port")
    return address.hostname, address.port or 1883
