"""The only importer of paho: one connection at a time, no cleverness of the library used (P-0).

Each connection is a new client with a clean session and its own will, run by one thread that ends
with it; paho's own reconnecting and queueing are off. Callbacks only put into a bounded queue. What
does not fit is dropped and counted: everything on the wire is repaired by positions and versions.
"""

import logging
import ssl
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent.errors import OutsideError
from protocol.enrolment import EnrolmentAnswer
from protocol.intervals import PRESENCE
from protocol.wire import DOWN_LIMIT_BYTES

QUEUE_MAX = 256
"""Messages from the server waiting for the core: a bundle, a receipt and some orders at a time."""
CONNECT_SECONDS_MAX = 10.0
"""A TCP or TLS connection over a poor mobile link takes some seconds."""
HANDSHAKE_SECONDS_MAX = 20.0
"""From the call to the acknowledged subscriptions; later than this the broker is no use."""
LAST_WORDS_SECONDS_MAX = 2.0
"""Time for the farewell of a clean stop; after it the will says the same."""
JOIN_SECONDS_MAX = CONNECT_SECONDS_MAX + LAST_WORDS_SECONDS_MAX
PORTS = {"mqtt": 1883, "mqtts": 8883}
"""IANA service names mqtt and secure-mqtt."""

log = logging.getLogger(__name__)


class NoBrokerError(OutsideError):
    """Neither the identity nor the settings name a broker."""

    def __init__(self) -> None:
        super().__init__("no broker: name one in `brokers`, or enrol again")


class BrokerAddressError(OutsideError):
    """A broker is not given as mqtt://host:port or mqtts://host:port."""

    def __init__(self, address: str) -> None:
        super().__init__(f"{address!r} is not mqtt://host:port or mqtts://host:port")
        self.address = address


@dataclass(frozen=True)
class Message:
    """One message to publish."""

    topic: str
    payload: bytes
    qos: int


@dataclass(frozen=True)
class LinkOpened:
    """Connected, and both subscriptions acknowledged."""


@dataclass(frozen=True)
class LinkClosed:
    """The connection ended or never came; `reached` says whether the broker may know of it."""

    reason: str
    reached: bool


@dataclass(frozen=True)
class LinkMessage:
    """A message of the server."""

    topic: str
    payload: bytes


LinkEvent = LinkOpened | LinkClosed | LinkMessage


class Link(Protocol):
    """What the uplink needs of a broker; tests give one that behaves."""

    def open(self, will: Message, subscriptions: Sequence[str]) -> None:
        """Begin a connection; LinkOpened or LinkClosed follows."""
        ...

    def publish(self, message: Message) -> bool:
        """Hand a message over, and say whether it was: never while not connected."""
        ...

    def take(self, maximum: int) -> list[LinkEvent]:
        """Take what happened, oldest first."""
        ...

    def close(self, farewell: Message | None) -> None:
        """End the connection, with a last message if it can still be sent. Bounded."""
        ...


@dataclass(frozen=True)
class Broker:
    """Where and as whom to connect."""

    host: str
    port: int
    tls: bool
    cabinet: str
    credential: str
    ca: str
    keep_alive_seconds: int
    downlink_qos: int = 1
    """Of the subscriptions (P-0)."""


def broker_at(
    address: str, *, cabinet: str, credential: str, ca: str, keep_alive_seconds: int
) -> Broker:
    """`mqtt://host:port` -> broker. Raises BrokerAddressError."""
    try:
        parts = urlsplit(address)
        port = parts.port or PORTS[parts.scheme]
    except (KeyError, ValueError) as error:
        raise BrokerAddressError(address) from error
    if not parts.hostname or parts.scheme not in PORTS:
        raise BrokerAddressError(address)
    tls = parts.scheme == "mqtts"
    return Broker(parts.hostname, port, tls, cabinet, credential, ca, keep_alive_seconds)


class MqttLink:
    """Link over paho. Each `open` takes the next broker of the list."""

    def __init__(self, brokers: Sequence[Broker], wake: Callable[[], None]) -> None:
        """`wake` is called whenever something waits to be taken; it must only wake someone."""
        self._wake = wake
        self._brokers = deque(brokers)
        self._events: deque[LinkEvent] = deque()
        self._lock = threading.Lock()
        self._session: _Session | None = None
        self.dropped = 0
        """Messages that found the queue full, since the start."""

    @classmethod
    def of(
        cls, identity: EnrolmentAnswer, brokers: Sequence[str], wake: Callable[[], None]
    ) -> "MqttLink":
        """Link of a cabinet; `brokers` replaces those it joined with.

        Raises BrokerAddressError, NoBrokerError.
        """
        known = [
            broker_at(
                address,
                cabinet=identity.cabinet,
                credential=identity.credential,
                ca=identity.ca,
                keep_alive_seconds=PRESENCE[identity.uplink].keep_alive_seconds,
            )
            for address in brokers or identity.brokers
        ]
        if not known:
            raise NoBrokerError
        qos = identity.downlink_qos
        return cls([replace(broker, downlink_qos=qos) for broker in known], wake)

    def open(self, will: Message, subscriptions: Sequence[str]) -> None:
        """Begin a connection to the next broker."""
        broker = self._brokers[0]
        self._brokers.rotate(-1)
        self._session = _Session(self, broker, will, subscriptions)
        self._session.start()

    def publish(self, message: Message) -> bool:
        """Hand a message to the open connection."""
        return self._session is not None and self._session.publish(message)

    def take(self, maximum: int) -> list[LinkEvent]:
        """Take what happened, oldest first."""
        with self._lock:
            return [self._events.popleft() for _ in range(min(maximum, len(self._events)))]

    def close(self, farewell: Message | None) -> None:
        """End the connection and its thread."""
        session, self._session = self._session, None
        if session is not None:
            session.end(farewell)

    def put(self, session: "_Session", event: LinkEvent) -> None:
        """Store what a callback saw; one of a connection before this one is stale."""
        with self._lock:
            if session is not self._session:
                return
            if isinstance(event, LinkMessage) and len(self._events) >= QUEUE_MAX:
                self.dropped += 1
                return
            self._events.append(event)
        self._wake()


class _Session:
    """One connection: a client and the thread that runs it."""

    def __init__(
        self, link: MqttLink, broker: Broker, will: Message, subscriptions: Sequence[str]
    ) -> None:
        self._link = link
        self._broker = broker
        self._subscriptions = [(topic, broker.downlink_qos) for topic in subscriptions]
        self._client = _client(broker, will)
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._message
        self._open = False
        self._reached = False
        self._refusal = ""
        self._watch = threading.Timer(HANDSHAKE_SECONDS_MAX, self._give_up)
        self._watch.daemon = True
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)

    def start(self) -> None:
        self._watch.start()
        self._thread.start()

    def publish(self, message: Message) -> bool:
        if not self._open:
            return False
        info = self._client.publish(message.topic, message.payload, message.qos)
        return info.rc == mqtt.MQTT_ERR_SUCCESS

    def end(self, farewell: Message | None) -> None:
        if self._open and farewell is not None:
            info = self._client.publish(farewell.topic, farewell.payload, farewell.qos)
            if info.rc == mqtt.MQTT_ERR_SUCCESS:
                info.wait_for_publish(LAST_WORDS_SECONDS_MAX)
        self._open = False
        self._watch.cancel()
        self._client.disconnect()
        self._thread.join(JOIN_SECONDS_MAX)
        if self._thread.is_alive():
            log.error("mqtt.stuck", extra={"broker": self._broker.host})

    def _run(self) -> None:
        reason = "connection lost"
        try:
            host, port = self._broker.host, self._broker.port
            self._client.connect(host, port, self._broker.keep_alive_seconds)
            self._reached = True
            self._client.loop_forever(retry_first_connection=False)
        except (OSError, ValueError, mqtt.WebsocketConnectionError) as error:
            reason = str(error)
        finally:
            self._open = False
            self._watch.cancel()
            self._link.put(self, LinkClosed(self._refusal or reason, self._reached))

    def _give_up(self) -> None:
        if not self._open:
            self._refusal = f"no subscription within {HANDSHAKE_SECONDS_MAX} s"
            self._client.disconnect()

    def _connected(
        self, client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, _: Any
    ) -> None:
        if code.is_failure:
            self._refusal = f"refused: {code}"
            client.disconnect()
            return
        client.subscribe(self._subscriptions)

    def _subscribed(
        self, client: mqtt.Client, _data: Any, _mid: int, codes: list[ReasonCode], _: Any
    ) -> None:
        if any(code.is_failure for code in codes):
            self._refusal = "a subscription was refused"
            client.disconnect()
            return
        self._watch.cancel()
        self._open = True
        self._link.put(self, LinkOpened())

    def _message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        if message.retain or len(message.payload) > DOWN_LIMIT_BYTES:
            return  # P-0: nothing is retained; a message past the bound is none of ours
        self._link.put(self, LinkMessage(message.topic, bytes(message.payload)))


def _client(broker: Broker, will: Message) -> mqtt.Client:
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=broker.cabinet,
        clean_session=True,
        reconnect_on_failure=False,
    )
    client.connect_timeout = CONNECT_SECONDS_MAX
    client.username_pw_set(broker.cabinet, broker.credential)
    client.will_set(will.topic, will.payload, will.qos, retain=False)
    if broker.tls:
        client.tls_set_context(ssl.create_default_context(cadata=broker.ca or None))
    return client
