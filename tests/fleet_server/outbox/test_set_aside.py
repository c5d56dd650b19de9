"""A message the broker never takes holds up nobody for ever, and people are told."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from fleet_server.clock import ManualClock
from fleet_server.outbox.models import OutboundMessage
from fleet_server.outbox.publisher import ATTEMPTS_MAX, TOPICS_STUCK_MAX, OutboxPublisher
from fleet_server.outbox.service import SET_ASIDE_KEPT_FOR, forget_set_aside, send
from protocol.topics import DownKind
from tests.web_client import WebClient


class PickyBroker:
    """Takes every message but those of some bodies."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.disliked: set[bytes] = set()
        self.there = True

    def publish(self, _topic: str, payload: bytes, _qos: int) -> bool:
        if payload in self.disliked or not self.there:
            return False
        self.taken.append(payload)
        return True


@pytest.fixture
def broker() -> PickyBroker:
    return PickyBroker()


@pytest.fixture
def publisher(server: FleetServer, broker: PickyBroker) -> OutboxPublisher:
    with server.transactions.write("system:test") as tx:
        tx.session.execute(delete(OutboundMessage))
    wake = threading.Event()
    return OutboxPublisher(server.transactions, broker.publish, wake, lambda: broker.there)


@pytest.fixture
def queue(server: FleetServer) -> Callable[[str, bytes], None]:
    def put(cabinet: str, body: bytes) -> None:
        with server.transactions.write("system:test") as tx:
            send(tx, "fleet", cabinet, DownKind.DESIRED, body)

    return put


Queue = Callable[[str, bytes], None]


def left(server: FleetServer) -> list[tuple[bytes, bool]]:
    """What is still in the table, and whether it was set aside."""
    with server.transactions.read() as tx:
        rows = tx.session.scalars(select(OutboundMessage).order_by(OutboundMessage.seq))
        return [(row.payload, row.set_aside_at is not None) for row in rows]


def test_a_message_nobody_takes_holds_up_its_own_topic_only_and_not_for_ever(
    server: FleetServer, publisher: OutboxPublisher, broker: PickyBroker, queue: Queue
) -> None:
    queue("C1", b"bad")
    queue("C1", b"behind it")
    queue("C2", b"of another")
    broker.disliked = {b"bad"}
    for _ in range(ATTEMPTS_MAX - 1):
        publisher.publish_waiting()
    assert broker.taken == [b"of another"]
    assert left(server) == [(b"bad", False), (b"behind it", False)]
    publisher.publish_waiting()
    publisher.publish_waiting()
    assert broker.taken == [b"of another", b"behind it"]
    assert left(server) == [(b"bad", True)]


def test_operators_are_told_and_it_is_counted(
    server: FleetServer,
    publisher: OutboxPublisher,
    broker: PickyBroker,
    queue: Queue,
    api: WebClient,
) -> None:
    queue("C1", b"bad")
    broker.disliked = {b"bad"}
    for _ in range(ATTEMPTS_MAX + 1):
        publisher.publish_waiting()
    notices = api.as_(Role.OPERATOR).get("/notices")["items"]
    assert [one["about_kind"] for one in notices] == ["outbox"]
    figures = api.anonymous.get("/metrics").text
    assert "fleet_outbox_set_aside 1.0" in figures
    assert "fleet_outbox_waiting 0.0" in figures
    assert left(server) == [(b"bad", True)]


def test_a_broker_that_is_away_is_no_fault_of_a_message(
    server: FleetServer, publisher: OutboxPublisher, broker: PickyBroker, queue: Queue
) -> None:
    queue("C1", b"1")
    broker.there = False
    for _ in range(2 * ATTEMPTS_MAX):
        publisher.publish_waiting()
    assert left(server) == [(b"1", False)]
    broker.there = True
    publisher.publish_waiting()
    assert broker.taken == [b"1"]


def test_a_portion_tries_few_topics_in_vain(
    publisher: OutboxPublisher, broker: PickyBroker, queue: Queue
) -> None:
    """Each failure may take as long as a broker that does not acknowledge is waited for."""
    broker.disliked = {b"bad"}
    for number in range(TOPICS_STUCK_MAX):
        queue(f"C{number}", b"bad")
    queue("C9", b"good")
    assert publisher.publish_waiting() == 0
    for _ in range(ATTEMPTS_MAX):
        publisher.publish_waiting()
    assert broker.taken == [b"good"]


def test_what_was_set_aside_is_dropped_after_its_time(
    server: FleetServer,
    publisher: OutboxPublisher,
    broker: PickyBroker,
    queue: Queue,
    clock: ManualClock,
) -> None:
    queue("C1", b"bad")
    broker.disliked = {b"bad"}
    for _ in range(ATTEMPTS_MAX):
        publisher.publish_waiting()
    for wait, kept in ((SET_ASIDE_KEPT_FOR, 1), (timedelta(seconds=1), 0)):
        clock.advance(wait.total_seconds())
        with server.transactions.write("system:test") as tx:
            forget_set_aside(tx)
        assert len(left(server)) == kept
