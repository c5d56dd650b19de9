"""One MQTT connection, packet by packet, on our own codec: no thread, nothing sent unasked.

What a broker does is seen as it is: an acknowledgement that did not come, a retained flag, a
connection that was closed instead of refused.
"""

import socket
from collections import deque
from typing import Self, TypeVar

from protocol import mqtt_packets as mqtt
from protocol.wire import DOWN_LIMIT_BYTES
from simulators.hosts.link import RESET_AT_CLOSE

P = TypeVar("P", bound=mqtt.Packet)

WAIT_SECONDS = 10.0
"""Bound of every wait; what is expected comes within milliseconds."""
KEEP_ALIVE_SECONDS = 60
RETAIN = 0x01
"""Flag of PUBLISH (MQTT 3.1.1, 3.3.1.3)."""
RETAIN_WILL = 0x20
CLEAN_SESSION = 0x02
"""Flags of CONNECT (3.1.2.3)."""
READ_BYTES = 65_536


class Wire:
    """A connection to the broker on `port` of loopback."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), WAIT_SECONDS)
        self._reader = mqtt.Reader(DOWN_LIMIT_BYTES * 2)
        self._packets: deque[mqtt.Packet] = deque()
        self._packet_id = 0
        self.acknowledges = True
        """Whether what comes at QoS 1 is acknowledged."""
        self.is_indifferent = False
        """Whether what a broker flags as retained is left out, as the server does."""

    def send_bytes(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def connects(
        self,
        user: str,
        password: str,
        client_id: str | None = None,
        will: mqtt.Will | None = None,
        flags: int = 0,
    ) -> bool:
        """Whether the broker lets it in. `flags` are flipped in a CONNECT of a clean session."""
        packet = mqtt.connect(
            client_id or user,
            user=user,
            password=password.encode(),
            keep_alive_seconds=KEEP_ALIVE_SECONDS,
            will=will,
        )
        at = packet.index(mqtt.PROTOCOL) + len(mqtt.PROTOCOL)
        self.send_bytes(packet[:at] + bytes((packet[at] ^ flags,)) + packet[at + 1 :])
        answer = self._next(mqtt.Connack)
        return answer is not None and answer.code == 0

    def subscribes(self, topic_filter: str, qos: int = 1) -> bool:
        """Whether the broker says yes; what counts is what is delivered."""
        self._packet_id += 1
        self.send_bytes(mqtt.subscribe(self._packet_id, [(topic_filter, qos)]))
        answer = self._next(mqtt.Suback)
        return answer is not None and mqtt.SUBSCRIPTION_REFUSED not in answer.codes

    def publish(self, topic: str, payload: bytes, qos: int = 0, *, retain: bool = False) -> None:
        """Publish without waiting for anything."""
        self._packet_id += 1
        packet = mqtt.publish(topic, payload, qos, self._packet_id)
        self.send_bytes(bytes((packet[0] | (RETAIN if retain else 0),)) + packet[1:])

    def is_acknowledged(self) -> bool:
        """Whether the last message of QoS 1 is acknowledged before the connection ends."""
        while (answer := self._next(mqtt.Puback)) is not None:
            if answer.packet_id == self._packet_id:
                return True
        return False

    def hears(self) -> mqtt.Publish:
        """The next message that is delivered; the server's own greetings are left out."""
        while is_greeting(message := self._message()):
            pass
        return message

    def hears_on(self, kind: str) -> mqtt.Publish:
        """The next message on a topic that ends in `kind`; what comes before it is left out."""
        while True:
            message = self._message()
            if message.topic.endswith(f"/{kind}"):
                return message

    def hears_within(self, kind: str, seconds: float) -> bool:
        """Whether something comes on such a topic in time."""
        self._socket.settimeout(seconds)
        try:
            while (message := self._next(mqtt.Publish)) is not None:
                if message.topic.endswith(f"/{kind}"):
                    return True
            return False
        finally:
            self._socket.settimeout(WAIT_SECONDS)

    def heard(self) -> list[mqtt.Publish]:
        """What was delivered and not yet asked for."""
        found = [one for one in self._packets if isinstance(one, mqtt.Publish)]
        self._packets.clear()
        return [one for one in found if not is_greeting(one)]

    def is_alive(self) -> bool:
        """Whether the broker answers a ping."""
        try:
            self.send_bytes(mqtt.PINGREQ)
            return self._next(mqtt.Pingresp) is not None
        except OSError:
            return False

    def ends(self) -> bool:
        """Whether the broker ends the connection."""
        try:
            while self._socket.recv(READ_BYTES):
                pass
        except TimeoutError:
            return False
        except OSError:
            return True
        return True

    def break_off(self) -> None:
        """Go without a word, so that the broker publishes the will."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
        self._socket.close()

    def leave(self) -> None:
        """Disconnect cleanly: no will."""
        if self._socket.fileno() >= 0:
            try:
                self._socket.sendall(mqtt.DISCONNECT)
            except OSError:
                self._socket.close()  # the broker was faster
            self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def _message(self) -> mqtt.Publish:
        message = self._next(mqtt.Publish)
        assert message is not None, "the connection ended, or nothing came"
        return message

    def _next(self, kind: type[P]) -> P | None:
        """The first packet of this kind, what comes before it stays; None when none comes."""
        while True:
            for packet in self._packets:
                if isinstance(packet, kind):
                    self._packets.remove(packet)
                    return packet
            if not self._read():
                return None

    def _read(self) -> bool:
        try:
            data = self._socket.recv(READ_BYTES)
        except OSError:
            return False
        if not data:
            return False
        for packet in self._reader.feed(data):
            is_message = isinstance(packet, mqtt.Publish)
            if is_message and packet.qos and self.acknowledges:
                self.send_bytes(mqtt.puback(packet.packet_id))
            if not (is_message and packet.retain and self.is_indifferent):
                self._packets.append(packet)
        return True


def is_greeting(message: mqtt.Publish) -> bool:
    """Whether it is the real server's, which says hello to all whenever it found its broker."""
    return message.topic.endswith("/all/server") and b"server_epoch" in message.payload
