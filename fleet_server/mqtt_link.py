"""The only MQTT importer of the server: one connection, callbacks only store (P-0).

Every session is clean and nothing is handed to the client while it is disconnected, so a message
is either with the broker or still a row of ours. The inbound queue is bounded: what does not fit
is dropped and counted, because every cabinet sends again until it has its receipt (P-2).
"""

import queue
import threading
from dataclasses import dataclass
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from fleet_server.errors import ConfigurationError
from fleet_server.logs import get_logger
from protocol.identity import SERVER_USER

log = get_logger("mqtt_link")

INBOUND_MAX = 20_000
"""Messages waiting for ingest: 2 s at 10,000 a second, at most about 100 MB."""
RECONNECT_SECONDS_MAX = 2
"""The server itself comes back at once; only cabinets spread out (P-11)."""
KEEP_ALIVE_SECONDS = 15
PUBLISH_WAIT_SECONDS = 10.0
"""A broker that does not acknowledge within this is as good as gone; the row stays."""


@dataclass(frozen=True)
class Inbound:
    """One message as it came."""

    topic: str
    payload: bytes


class MqttLink:
    """Connection of one server process to the broker."""

    def __init__(
        self, url: str, client_id: str, secret: str, filters: tuple[str, ...], qos_max: int = 1
    ) -> None:
        """`url`: mqtt://host:port. `filters`: what is subscribed after each connection."""
        self._qos_max = qos_max
        address = urlsplit(url)
        if address.scheme != "mqtt" or not address.hostname:
            raise ConfigurationError(f"{url!r} is no mqtt://host:port")
        self._host, self._port = address.hostname, address.port or 1883
        self._filters = filters
        self.inbound: queue.Queue[Inbound] = queue.Queue(INBOUND_MAX)
        self.dropped = 0
        self.ready = threading.Event()
        """Set while connected and subscribed."""
        self.became_ready = threading.Event()
        """Set at each new readiness; whoever waits for it clears it."""
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=True
        )
        self._client.username_pw_set(SERVER_USER, secret)
        self._client.reconnect_delay_set(1, RECONNECT_SECONDS_MAX)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    def start(self) -> None:
        """Connect in the background and stay connected."""
        self._client.connect_async(self._host, self._port, KEEP_ALIVE_SECONDS)
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect cleanly."""
        self.ready.clear()
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes, qos: int = 0) -> bool:
        """Hand one message to the broker; False when it did not take it (QoS 1: acknowledge it)."""
        if not self.ready.is_set():
            return False
        qos = min(qos, self._qos_max)
        info = self._client.publish(topic, payload, qos)
        if info.rc != paho.MQTT_ERR_SUCCESS:
            return False
        if qos == 0:
            return True
        info.wait_for_publish(PUBLISH_WAIT_SECONDS)
        return info.is_published()

    def _on_connect(
        self, client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _p: object
    ) -> None:
        if reason.is_failure:
            log.warning("mqtt.refused", reason=str(reason))
            return
        client.subscribe([(one, 1) for one in self._filters])

    def _on_subscribe(
        self, _c: object, _data: object, _mid: int, reasons: list[ReasonCode], _p: object
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            log.error("mqtt.subscription_refused", filters=self._filters)
            return
        log.info("mqtt.ready", broker=f"{self._host}:{self._port}")
        self.ready.set()
        self.became_ready.set()

    def _on_disconnect(
        self, _c: object, _data: object, _flags: object, reason: ReasonCode, _p: object
    ) -> None:
        self.ready.clear()
        log.warning("mqtt.disconnected", reason=str(reason))

    def _on_message(self, _c: object, _data: object, message: paho.MQTTMessage) -> None:
        try:
            self.inbound.put_nowait(Inbound(message.topic, bytes(message.payload)))
        except queue.Full:
            self.dropped += 1
