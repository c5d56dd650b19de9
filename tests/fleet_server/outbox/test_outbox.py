"""P-0, P-4: messages are rows of the transaction that caused them, sent in order, at least once."""

import threading

import pytest
from sqlalchemy import delete, select

from fleet_server.app import FleetServer
from fleet_server.clock import ManualClock
from fleet_server.outbox.models import OutboundMessage
from fleet_server.outbox.publisher import PORTION_MESSAGES, OutboxPublisher
from fleet_server.outbox.service import send, send_to_all
from protocol.errors import MessageTooLargeError
from protocol.topics import AllKind, DownKind, broadcast, down

DESIRED = down("fleet", "C1", DownKind.DESIRED)


class FakeBroker:
    """Takes messages until it is told to be away."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes, int]] = []
        self.room = 10**6

    def publish(self, topic: str, payload: bytes, qos: int) -> bool:
        if self.room == 0:
            return False
        self.room -= 1
        self.taken.append((topic, payload, qos))
        return True


@pytest.fixture
def broker() -> FakeBroker:
    return FakeBroker()


@pytest.fixture
def publisher(server: FleetServer, broker: FakeBroker) -> OutboxPublisher:
    with server.transactions.write("system:test") as tx:
        tx.session.execute(delete(OutboundMessage))
    return OutboxPublisher(server.transactions, broker.publish, threading.Event())


def queue(server: FleetServer, *bodies: bytes) -> None:
    with server.transactions.write("system:test") as tx:
        for body in bodies:
            send(tx, "fleet", "C1", DownKind.DESIRED, body)


def waiting(server: FleetServer) -> int:
    with server.transactions.read() as tx:
        return len(list(tx.session.scalars(select(OutboundMessage.seq))))


def test_p00_messages_leave_in_order_at_quality_one(
    server: FleetServer, publisher: OutboxPublisher, broker: FakeBroker
) -> None:
    queue(server, b"1", b"2")
    with server.transactions.write("system:test") as tx:
        send_to_all(tx, "fleet", AllKind.RULES, b"3")
    assert publisher.publish_waiting() == 3
    rules = broadcast("fleet", AllKind.RULES)
    assert broker.taken == [(DESIRED, b"1", 1), (DESIRED, b"2", 1), (rules, b"3", 1)]
    assert publisher.publish_waiting() == 0


def test_p04_a_transaction_that_fails_sends_nothing(
    server: FleetServer, publisher: OutboxPublisher, broker: FakeBroker
) -> None:
    def fail() -> None:
        with server.transactions.write("system:test") as tx:
            send(tx, "fleet", "C1", DownKind.DESIRED, b"never")
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        fail()
    publisher.publish_waiting()
    assert broker.taken == []


def test_p00_what_the_broker_does_not_take_waits_and_keeps_its_turn(
    server: FleetServer, publisher: OutboxPublisher, broker: FakeBroker
) -> None:
    queue(server, b"1", b"2", b"3")
    broker.room = 1
    assert publisher.publish_waiting() == 1
    assert waiting(server) == 2
    broker.room = 10
    publisher.publish_waiting()
    assert [payload for _, payload, _ in broker.taken] == [b"1", b"2", b"3"]
    assert waiting(server) == 0


def test_p13_what_comes_too_late_is_dropped_unsent(
    server: FleetServer, publisher: OutboxPublisher, broker: FakeBroker, clock: ManualClock
) -> None:
    with server.transactions.write("system:test") as tx:
        send(tx, "fleet", "C1", DownKind.COMMAND, b"old", clock.now())
    queue(server, b"1")
    clock.advance(1)
    publisher.publish_waiting()
    assert [payload for _, payload, _ in broker.taken] == [b"1"]
    assert waiting(server) == 0


def test_portions_are_bounded_and_together_everything(
    server: FleetServer, publisher: OutboxPublisher, broker: FakeBroker
) -> None:
    bodies = [str(number).encode() for number in range(PORTION_MESSAGES + 3)]
    queue(server, *bodies)
    assert publisher.publish_waiting() == PORTION_MESSAGES
    assert publisher.publish_waiting() == 3
    assert [payload for _, payload, _ in broker.taken] == bodies


def test_a_message_too_large_for_the_wire_fails_where_it_is_made(server: FleetServer) -> None:
    before = waiting(server)
    with pytest.raises(MessageTooLargeError):
        queue(server, b"x" * (5 * 1024 * 1024))
    assert waiting(server) == before
