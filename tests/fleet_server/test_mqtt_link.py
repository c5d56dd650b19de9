"""The server's one connection, against our broker and against one that misbehaves."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from fleet_server.clock import ManualClock, SystemClock
from fleet_server.errors import ConfigurationError
from fleet_server.mqtt_link import ANSWER_SECONDS_MAX, MqttLink, Outgoing, Qos
from protocol import mqtt_packets as mqtt

WAIT_SECONDS_MAX = 20.0
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def wait_for(what: Callable[[], bool]) -> None:
    for _ in range(int(WAIT_SECONDS_MAX / 0.02)):
        if what():
            return
        time.sleep(0.02)
    pytest.fail("it did not come true")


class Desk:
    """A broker of one connection that answers only what it is told to."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(WAIT_SECONDS_MAX)
        self.url = f"mqtt://127.0.0.1:{self._listener.getsockname()[1]}"

    def accept(self) -> socket.socket:
        """Take the next connection, past its CONNECT."""
        connection, _ = self._listener.accept()
        connection.settimeout(WAIT_SECONDS_MAX)
        assert connection.recv(4096).startswith(mqtt.CONNECT)
        return connection

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.close()


@pytest.fixture
def link(desk: Desk) -> Iterator[MqttLink]:
    link = MqttLink(desk.url, "server:1", "secret", SystemClock())
    link.listen(["fleet/v1/+/up/+/+"])
    link.start()
    yield link
    link.stop()


def serve_subscription(connection: socket.socket) -> None:
    """Let the link in and grant what it subscribes to."""
    connection.sendall(bytes.fromhex("20 02 00 00"))
    wanted = connection.recv(4096)
    assert wanted.startswith(mqtt.SUBSCRIBE)
    connection.sendall(b"\x90\x03" + wanted[2:4] + b"\x01")


def test_messages_come_in_and_are_acknowledged(desk: Desk, link: MqttLink) -> None:
    connection = desk.accept()
    serve_subscription(connection)
    wait_for(link.ready.is_set)
    connection.sendall(mqtt.publish("t/1", b"a", 1, 7) + mqtt.publish("t/2", b"b"))
    wait_for(lambda: len(link.inbox) == 2)
    assert [(one.topic, one.payload) for one in link.inbox.take(9)] == [
        ("t/1", b"a"),
        ("t/2", b"b"),
    ]
    assert connection.recv(100) == mqtt.puback(7)
    connection.close()


def test_what_a_broker_retained_is_nobodys_word(desk: Desk, link: MqttLink) -> None:
    connection = desk.accept()
    serve_subscription(connection)
    retained = bytearray(mqtt.publish("t/old", b"a"))
    retained[0] |= 1
    connection.sendall(bytes(retained) + mqtt.publish("t/new", b"b"))
    wait_for(lambda: len(link.inbox) > 0)
    assert [one.topic for one in link.inbox.take(9)] == ["t/new"]
    connection.close()


@pytest.mark.parametrize(
    "answer",
    [bytes.fromhex("20 02 00 05"), b"rubbish from a port that speaks something else", b""],
    ids=["refused", "rubbish", "closed"],
)
def test_a_broker_that_does_not_let_us_in_is_tried_again(
    desk: Desk, link: MqttLink, answer: bytes
) -> None:
    first = desk.accept()
    if answer:
        first.sendall(answer)
    first.close()
    second = desk.accept()
    serve_subscription(second)
    wait_for(link.ready.is_set)
    second.close()


def test_a_subscription_that_is_refused_is_no_readiness(desk: Desk, link: MqttLink) -> None:
    connection = desk.accept()
    connection.sendall(bytes.fromhex("20 02 00 00"))
    wanted = connection.recv(4096)
    connection.sendall(b"\x90\x03" + wanted[2:4] + b"\x80")
    assert connection.recv(100) == b""  # it hangs up
    connection.close()
    assert not link.ready.is_set()


def test_qos_1_counts_what_the_broker_acknowledged(desk: Desk, link: MqttLink) -> None:
    connection = desk.accept()
    serve_subscription(connection)
    wait_for(link.ready.is_set)
    counts: list[int] = []
    messages = [Outgoing(f"t/{number}", b"x") for number in range(3)]
    sender = threading.Thread(target=lambda: counts.append(link.publish_all(messages, 1)))
    sender.start()
    reader, numbers = mqtt.Reader(1000), []
    while len(numbers) < 3:
        numbers += [
            one.packet_id
            for one in reader.feed(connection.recv(4096))
            if isinstance(one, mqtt.Publish)
        ]
    connection.sendall(b"".join(mqtt.puback(number) for number in numbers[:2]))
    time.sleep(0.1)
    connection.close()  # the third is never acknowledged
    sender.join(WAIT_SECONDS_MAX)
    assert counts == [2]


def test_nothing_is_handed_over_while_disconnected() -> None:
    link = MqttLink("mqtt://127.0.0.1:1", "server:1", "secret", SystemClock())
    assert link.publish("t", b"x") is False
    assert link.publish("t", b"x", 1) is False


def test_subscriptions_follow_what_is_wanted(desk: Desk, link: MqttLink) -> None:
    connection = desk.accept()
    serve_subscription(connection)
    wait_for(link.ready.is_set)
    link.listen(["fleet/v1/01/up/+/+"])
    data = b""
    while data.count(b"fleet") < 2:
        data += connection.recv(4096)
    assert data.index(b"fleet/v1/01/up/+/+") < data.index(b"fleet/v1/+/up/+/+")
    assert data.startswith(mqtt.SUBSCRIBE)
    assert mqtt.UNSUBSCRIBE in data
    connection.close()


@pytest.mark.parametrize("qos", [0, 1])
def test_it_subscribes_at_the_qos_of_the_way_up(desk: Desk, qos: int) -> None:
    """At 0 a NATS cluster delivers whatever became of its streams (docs/brokers.md)."""
    link = MqttLink(desk.url, "server:1", "secret", SystemClock(), Qos(down=0, up=qos))
    link.listen(["a/+", "b/+"])
    link.start()
    connection = desk.accept()
    connection.sendall(bytes.fromhex("20 02 00 00"))
    wanted = connection.recv(4096)
    assert wanted[4:] == b"\x00\x03a/+" + bytes([qos]) + b"\x00\x03b/+" + bytes([qos])
    connection.close()
    link.stop()


def test_after_a_loss_it_goes_to_the_next_node_and_round_again() -> None:
    desks = [Desk(), Desk()]
    nodes = ", ".join(desk.url for desk in desks)
    link = MqttLink(nodes, "server:1", "secret", SystemClock())
    link.start()
    for desk in (*desks, *desks):
        desk.accept().close()
    link.stop()
    for desk in desks:
        desk.close()


@pytest.mark.parametrize("until", ["connect", "subscribe"])
def test_a_node_that_answers_nothing_but_pings_is_left_for_the_next(until: str) -> None:
    clock, desks = ManualClock(NOW), [Desk(), Desk()]
    link = MqttLink(",".join(desk.url for desk in desks), "server:1", "secret", clock)
    link.listen(["a/+"])
    link.start()
    silent = desks[0].accept()
    if until == "subscribe":
        silent.sendall(bytes.fromhex("20 02 00 00"))
        assert silent.recv(4096).startswith(mqtt.SUBSCRIBE)
    clock.advance(ANSWER_SECONDS_MAX + 1)
    silent.sendall(bytes.fromhex("D0 00"))  # PINGRESP
    connection = desks[1].accept()
    serve_subscription(connection)
    wait_for(link.ready.is_set)
    link.stop()
    for one in (silent, connection, *desks):
        one.close()


def test_each_node_needs_an_address() -> None:
    with pytest.raises(ConfigurationError, match="is no mqtt"):
        MqttLink("mqtt://127.0.0.1:1,", "server:1", "secret", SystemClock())
