"""The link on a real socket: a broker of 100 lines that speaks MQTT 3.1.1 and can be rude."""

import queue
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from edge_agent import mqtt_link
from edge_agent.clock import SystemClock
from edge_agent.mqtt_link import (
    QUEUE_MAX,
    BrokerAddressError,
    LinkClosed,
    LinkEvent,
    LinkMessage,
    LinkOpened,
    Message,
    MqttLink,
    NoBrokerError,
    broker_at,
)
from protocol.enrolment import EnrolmentAnswer
from tests.edge_agent.model_server import ModelServer

WILL = Message("fleet/v1/00/up/cab-1/presence", b"will", 1)
WAIT_SECONDS_MAX = 10.0
CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, DISCONNECT = 1, 2, 3, 4, 8, 9, 14
"""Packet types (MQTT 3.1.1, 2.2.1)."""


class RudeBroker:
    """Accepts one connection after the other; records what it hears."""

    def __init__(self) -> None:
        self.refusing = False
        self.silent = False
        self.heard: queue.Queue[tuple[int, bytes]] = queue.Queue()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._client: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def packet(self, wanted: int) -> bytes:
        """Body of the next packet of a type."""
        while True:
            kind, body = self.heard.get(timeout=WAIT_SECONDS_MAX)
            if kind == wanted:
                return body

    def send(self, topic: str, payload: bytes, *, retained: bool = False) -> None:
        name = topic.encode()
        body = len(name).to_bytes(2) + name + payload
        assert self._client is not None
        self._client.sendall(bytes([0x30 | retained]) + _length(len(body)) + body)

    def hang_up(self) -> None:
        assert self._client is not None
        self._client.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(WAIT_SECONDS_MAX)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                self._client = client
                self._talk(client)

    def _talk(self, client: socket.socket) -> None:
        with client.makefile("rb") as stream:
            while head := stream.read(1):
                body = stream.read(_read_length(stream.read))
                kind = head[0] >> 4
                self.heard.put((kind, body))
                if self.silent:
                    continue
                if kind == CONNECT:
                    client.sendall(bytes([0x20, 2, 0, 5 if self.refusing else 0]))
                elif kind == SUBSCRIBE:
                    client.sendall(bytes([0x90, 4]) + body[:2] + b"\x01\x01")
                elif kind == PUBLISH and head[0] & 0x06:
                    size = int.from_bytes(body[:2])
                    client.sendall(b"\x40\x02" + body[2 + size : 4 + size])


def _length(size: int) -> bytes:
    digits = bytearray()
    while True:
        size, digit = divmod(size, 128)
        digits.append(digit | (128 if size else 0))
        if not size:
            return bytes(digits)


def _read_length(read: Callable[[int], bytes]) -> int:
    size = shift = 0
    while True:
        (digit,) = read(1)
        size |= (digit & 127) << shift
        if digit < 128:
            return size
        shift += 7


class Wired:
    """A link to the broker, and a way to wait for what it tells."""

    def __init__(self, broker: RudeBroker) -> None:
        self.woken = threading.Event()
        address = broker_at(
            f"mqtt://127.0.0.1:{broker.port}",
            cabinet="cab-1",
            credential="secret",
            ca="",
            keep_alive_seconds=22,
        )
        self.link = MqttLink([address], self.woken.set)

    def open(self) -> None:
        self.link.open(WILL, ["a/+", "b/+"])

    def next(self) -> LinkEvent:
        deadline = SystemClock().elapsed() + WAIT_SECONDS_MAX
        while SystemClock().elapsed() < deadline:
            self.woken.clear()
            if found := self.link.take(1):
                return found[0]
            self.woken.wait(0.1)
        raise AssertionError("the link told nothing")


@pytest.fixture
def broker() -> Iterator[RudeBroker]:
    made = RudeBroker()
    yield made
    made.stop()


@pytest.fixture
def wired(broker: RudeBroker) -> Iterator[Wired]:
    made = Wired(broker)
    yield made
    made.link.close(None)


def test_p00_a_connection_is_clean_with_our_name_will_and_keep_alive(
    broker: RudeBroker, wired: Wired
) -> None:
    wired.open()
    assert wired.next() == LinkOpened()
    connect = broker.packet(CONNECT)
    flags, keep_alive = connect[7], int.from_bytes(connect[8:10])
    # User, password, will of QoS 1 that is not retained, clean session (MQTT 3.1.1, 3.1.2).
    assert flags == 0b11001110
    assert keep_alive == 22
    assert connect.count(b"cab-1") == 3  # client id, will topic, user
    assert connect.endswith(b"secret")
    assert broker.packet(SUBSCRIBE)[2:] == b"\x00\x03a/+\x01\x00\x03b/+\x01"


def test_p00_the_subscriptions_have_the_qos_that_enrolment_told(
    broker: RudeBroker, wired: Wired
) -> None:
    told = EnrolmentAnswer(
        cabinet="cab-1",
        fleet="fleet",
        shard=1,
        brokers=[f"mqtt://127.0.0.1:{broker.port}"],
        credential="secret",
        signing_keys=[],
        sealing_key="",
        downlink_qos=0,
    )
    wired.link = MqttLink.of(told, [], wired.woken.set)
    wired.open()
    assert wired.next() == LinkOpened()
    assert broker.packet(SUBSCRIBE)[2:] == b"\x00\x03a/+\x00\x00\x03b/+\x00"


def test_messages_travel_both_ways(broker: RudeBroker, wired: Wired) -> None:
    wired.open()
    assert wired.next() == LinkOpened()
    assert wired.link.publish(Message("up/x", b"hello", 1))
    published = broker.packet(PUBLISH)
    assert published.startswith(b"\x00\x04up/x")
    assert published.endswith(b"hello")
    broker.send("a/receipt", b"answer")
    assert wired.next() == LinkMessage("a/receipt", b"answer")


def test_p00_nothing_is_handed_over_while_not_connected(broker: RudeBroker, wired: Wired) -> None:
    assert not wired.link.publish(Message("up/x", b"lost", 1))
    wired.open()
    assert wired.next() == LinkOpened()
    broker.hang_up()
    closed = wired.next()
    assert isinstance(closed, LinkClosed)
    assert closed.reached
    assert not wired.link.publish(Message("up/x", b"lost", 1))
    wired.link.close(None)
    wired.open()
    assert wired.next() == LinkOpened()
    kinds = {broker.heard.get(timeout=WAIT_SECONDS_MAX)[0] for _ in range(broker.heard.qsize())}
    assert PUBLISH not in kinds


def test_p00_it_does_not_connect_again_by_itself(broker: RudeBroker, wired: Wired) -> None:
    wired.open()
    assert wired.next() == LinkOpened()
    broker.packet(CONNECT)
    broker.hang_up()
    assert isinstance(wired.next(), LinkClosed)
    assert wired.link.take(1) == []
    wired.woken.wait(2.0)
    kinds = [broker.heard.get_nowait()[0] for _ in range(broker.heard.qsize())]
    assert CONNECT not in kinds


def test_a_refusal_is_told_with_its_reason(broker: RudeBroker, wired: Wired) -> None:
    broker.refusing = True
    wired.open()
    closed = wired.next()
    assert isinstance(closed, LinkClosed)
    assert "refused" in closed.reason
    assert closed.reached


def test_a_broker_that_never_answers_is_given_up(
    broker: RudeBroker, wired: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt_link, "HANDSHAKE_SECONDS_MAX", 0.3)
    broker.silent = True
    wired.open()
    closed = wired.next()
    assert isinstance(closed, LinkClosed)
    assert "no subscription" in closed.reason


def test_a_broker_that_is_not_there_is_told_as_never_reached(wired: Wired) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    address = broker_at(
        f"mqtt://127.0.0.1:{port}", cabinet="c", credential="", ca="", keep_alive_seconds=22
    )
    link = wired.link = MqttLink([address], wired.woken.set)
    link.open(WILL, ["a/+"])
    closed = wired.next()
    assert isinstance(closed, LinkClosed)
    assert not closed.reached


def test_retained_messages_are_not_ours(broker: RudeBroker, wired: Wired) -> None:
    wired.open()
    assert wired.next() == LinkOpened()
    broker.send("a/x", b"old", retained=True)
    broker.send("a/x", b"new")
    assert wired.next() == LinkMessage("a/x", b"new")


def test_a_flood_is_bounded_and_counted(broker: RudeBroker, wired: Wired) -> None:
    wired.open()
    assert wired.next() == LinkOpened()
    for _ in range(QUEUE_MAX + 50):
        broker.send("a/x", b"flood")
    deadline = SystemClock().elapsed() + WAIT_SECONDS_MAX
    while wired.link.dropped < 50:
        assert SystemClock().elapsed() < deadline
        wired.woken.wait(0.01)
    assert len(wired.link.take(10_000)) == QUEUE_MAX


def test_a_farewell_is_sent_before_the_end(broker: RudeBroker, wired: Wired) -> None:
    wired.open()
    assert wired.next() == LinkOpened()
    wired.link.close(Message("up/presence", b"bye", 1))
    assert broker.packet(PUBLISH).endswith(b"bye")
    broker.packet(DISCONNECT)


@pytest.mark.parametrize("address", ["", "localhost", "http://x:1", "mqtt://", "mqtt://x:port"])
def test_a_broker_address_that_is_none_is_a_clear_error(address: str) -> None:
    with pytest.raises(BrokerAddressError):
        broker_at(address, cabinet="c", credential="", ca="", keep_alive_seconds=22)


def test_a_cabinet_that_knows_no_broker_is_told_so_at_its_start() -> None:
    identity = ModelServer().identity(brokers=[])
    with pytest.raises(NoBrokerError):
        MqttLink.of(identity, [], lambda: None)
    MqttLink.of(identity, ["mqtt://127.0.0.1:1"], lambda: None)
