"""Stop and wait (P-2, P-3, P-7): a lossy wire and a server that may be restored lose nothing."""

import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.agent import SCHEMA_STEPS
from edge_agent.clock import ManualClock
from edge_agent.outbox.lanes import JournalLane
from edge_agent.outbox.sender import Packed, RolledBackError, Sender
from edge_agent.outbox.store import Outbox
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.seed import Chance
from edge_agent.store import Store
from protocol.events import DoorCause, DoorMoved
from protocol.intervals import RECEIPT_TIMEOUT_MAX_SECONDS, RECEIPT_TIMEOUT_SECONDS
from protocol.journal import Position, read_journal_batch
from protocol.presence import LanePosition
from tests.edge_agent.model_server import START, LaneModel

JITTER = 1.25


class FakeLane:
    """A lane of numbered entries without bodies."""

    def __init__(self, head: int, floor: int = 1) -> None:
        self.head = head
        self.floor = floor

    def position(self) -> LanePosition:
        return LanePosition("epoch", self.head, self.floor)

    def pack(self, first: int, last: int) -> Packed:
        return Packed(first, min(first + 99, last), b"")


def sender(lane: FakeLane, committed: int = 0) -> Sender:
    made = Sender(
        lane, Chance.from_seed(1), committed=committed, timeout_seconds=RECEIPT_TIMEOUT_SECONDS
    )
    made.born()
    return made


def receipt(committed: int) -> Position:
    return Position("epoch", committed)


def test_p02_one_batch_is_under_way_until_its_receipt() -> None:
    sending = sender(FakeLane(head=250))
    first = sending.step(0.0)
    assert first is not None
    assert (first.first, first.last) == (1, 100)
    assert sending.step(1.0) is None
    sending.receipt(receipt(100))
    second = sending.step(1.0)
    assert second is not None
    assert second.first == 101


def test_p02_without_a_receipt_it_is_sent_again_later_and_later_up_to_five_minutes() -> None:
    sending = sender(FakeLane(head=1))
    sent_at: list[float] = []
    elapsed = 0.0
    while len(sent_at) < 10:
        if sending.step(elapsed) is not None:
            sent_at.append(elapsed)
        elapsed += 0.5
    gaps = [after - before for before, after in itertools.pairwise(sent_at)]
    assert RECEIPT_TIMEOUT_SECONDS / JITTER <= gaps[0] <= RECEIPT_TIMEOUT_SECONDS * JITTER + 1
    assert gaps[2] > gaps[0] * 2
    assert max(gaps) <= RECEIPT_TIMEOUT_MAX_SECONDS * JITTER + 1
    assert gaps[-1] >= RECEIPT_TIMEOUT_MAX_SECONDS * 0.7


def test_p02_after_a_birth_it_sends_at_once() -> None:
    sending = sender(FakeLane(head=1))
    assert sending.step(0.0) is not None
    assert sending.step(0.1) is None
    sending.lost()
    assert sending.step(0.2) is None
    sending.born()
    assert sending.step(0.3) is not None


def test_p03_it_goes_on_from_where_the_server_says_even_backwards() -> None:
    sending = sender(FakeLane(head=50), committed=40)
    sending.receipt(receipt(10))
    packed = sending.step(0.0)
    assert packed is not None
    assert packed.first == 11


def test_p03_what_is_no_longer_held_begins_at_the_floor() -> None:
    sending = sender(FakeLane(head=50, floor=30), committed=40)
    sending.receipt(receipt(10))
    packed = sending.step(0.0)
    assert packed is not None
    assert packed.first == 30


def test_p03_a_receipt_of_another_epoch_changes_nothing() -> None:
    sending = sender(FakeLane(head=50), committed=20)
    assert not sending.receipt(Position("other", 5))
    assert sending.committed == 20


def test_p05_a_receipt_past_all_that_was_ever_sent_tells_of_a_rolled_back_store() -> None:
    lane = FakeLane(head=50)
    sending = sender(lane, committed=20)
    assert sending.receipt(receipt(50))  # an earlier process sent it
    lane.head = 60
    with pytest.raises(RolledBackError):
        sending.receipt(receipt(51))  # written by this process, and not yet sent
    assert sending.committed == 50
    assert sending.step(0.0) is not None
    assert sending.receipt(receipt(60))


WIRE = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 130)),
        st.tuples(st.just("send"), st.integers(0, 2)),
        st.tuples(st.just("receipt"), st.integers(0, 3)),
        st.tuples(st.just("cut"), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 400)),
    ),
    max_size=40,
)


class Wire:
    """Journal, sender, a wire that loses, doubles and delays, and the model server."""

    def __init__(self, directory: str) -> None:
        self.clock = ManualClock(START)
        self.store = Store.open(Path(directory), SCHEMA_STEPS, now=START)
        chance = Chance.from_seed(7)
        time = Timekeeper(self.store, self.clock, trusted=True)
        self.outbox = Outbox(self.store, time, chance, "boot")
        self.sender = Sender(
            JournalLane(self.outbox, time), chance, committed=0, timeout_seconds=10.0
        )
        self.sender.born()
        self.server = LaneModel()
        self.receipts: list[Position] = []

    def append(self, count: int) -> None:
        with self.store.transaction():
            for _ in range(count):
                self.outbox.append("door.opened", DoorMoved("A1", DoorCause.UNKNOWN))

    def send(self, copies: int) -> None:
        packed = self.sender.step(self.clock.elapsed())
        for _ in range(copies if packed is not None else 0):
            assert packed is not None
            batch = read_journal_batch(packed.payload)
            self.server.accept(batch, batch.events)
            self.receipts.append(self.server.position)

    def receipt(self, age: int) -> None:
        """Deliver a receipt, perhaps an old one again."""
        if self.receipts:
            self.sender.receipt(self.receipts[-1 - min(age, len(self.receipts) - 1)])

    def cut(self, _: int) -> None:
        self.sender.lost()
        self.sender.born()

    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    def drain(self) -> None:
        self.cut(0)
        for _ in range(200):
            self.send(1)
            self.receipt(0)
            self.clock.advance(400)


@settings(max_examples=60, deadline=None)
@given(WIRE)
def test_p03_on_a_lossy_wire_nothing_is_lost_and_nothing_doubled(
    happenings: list[tuple[str, int]],
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        wire = Wire(directory)
        for what, how_much in happenings:
            getattr(wire, what)(how_much)
        wire.drain()
        held = [event.seq for event in wire.outbox.events(0, 100_000)]
        wire.store.close()
    assert [seq for _, seq in wire.server.entries] == held
    assert wire.server.doubled == []


@settings(max_examples=30, deadline=None)
@given(WIRE, st.integers(0, 200), WIRE)
def test_p07_a_server_restored_from_a_backup_gets_everything_again(
    before: list[tuple[str, int]], restored_to: int, after: list[tuple[str, int]]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        wire = Wire(directory)
        for what, how_much in before:
            getattr(wire, what)(how_much)
        server = wire.server
        server.committed = min(restored_to, server.committed)
        server.entries = {
            key: row for key, row in server.entries.items() if key[1] <= server.committed
        }
        wire.receipts = [server.position] if server.epoch else []
        wire.receipt(0)
        for what, how_much in after:
            getattr(wire, what)(how_much)
        wire.drain()
        held = [event.seq for event in wire.outbox.events(0, 100_000)]
        wire.store.close()
    assert [seq for _, seq in server.entries] == held
