"""The journal in the store: bounds, epochs, what is kept and for how long (P-1, P-5, P-7, P-8)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_agent.agent import SCHEMA_STEPS
from edge_agent.clock import ManualClock
from edge_agent.errors import MisuseError
from edge_agent.outbox.lanes import JournalLane, TelemetryLane
from edge_agent.outbox.store import DELETED_AT_ONCE_MAX, EventTooLargeError, Outbox
from edge_agent.outbox.telemetry import Telemetry
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.seed import Chance
from edge_agent.store import STORE_FILE, Store, TransactionError
from protocol.events import AuditRead, DoorCause, DoorMoved
from protocol.journal import Lane, read_journal_batch, read_telemetry_batch
from protocol.wire import UP_LIMIT_BYTES
from tests.edge_agent.model_server import START
from tests.edge_agent.workbench import Bench, ready

DAY = 86_400.0
OPENED = DoorMoved("A1", DoorCause.UNKNOWN)
WRONG = AuditRead("p", "ok", {})


class Journal:
    """Store, clock and outbox."""

    def __init__(self, directory: Path, seed: int = 1) -> None:
        self.clock = ManualClock(START)
        self.store = Store.open(directory, SCHEMA_STEPS, now=START)
        self.time = Timekeeper(self.store, self.clock, trusted=True)
        self.outbox = Outbox(self.store, self.time, Chance.from_seed(seed), "boot")

    def append(self, count: int) -> None:
        with self.store.transaction():
            for _ in range(count):
                self.outbox.append("door.opened", OPENED)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path)
    yield made
    made.store.close()


def test_p01_an_event_of_a_transaction_that_failed_never_was(journal: Journal) -> None:
    journal.append(2)

    def fail_halfway() -> None:
        with journal.store.transaction():
            journal.outbox.append("door.opened", OPENED)
            journal.outbox.append("door.opened", WRONG)

    with pytest.raises(MisuseError):
        fail_halfway()
    journal.append(1)
    assert [event.seq for event in journal.outbox.events(0, 10)] == [1, 2, 3]


def test_p01_an_event_outside_of_a_transaction_is_a_defect(journal: Journal) -> None:
    with pytest.raises(TransactionError):
        journal.outbox.append("door.opened", OPENED)
    assert journal.outbox.position(Lane.JOURNAL).head == 0


def test_a_body_of_another_type_is_a_defect(journal: Journal) -> None:
    with pytest.raises(MisuseError), journal.store.transaction():
        journal.outbox.append("sale.refused", OPENED)


def test_an_event_that_would_not_fit_on_the_wire_is_refused(journal: Journal) -> None:
    with pytest.raises(EventTooLargeError), journal.store.transaction():
        journal.outbox.append("audit.read", AuditRead("p", "ok", {"text": "x" * 60_000}))


def test_a_batch_shrinks_until_it_fits_on_the_wire(journal: Journal) -> None:
    chance = Chance.from_seed(2)
    with journal.store.transaction():
        for _ in range(20):
            report = {"text": chance.token_bytes(9_000).hex()}
            journal.outbox.append("audit.read", AuditRead("p", "ok", report))
    packed = JournalLane(journal.outbox, journal.time).pack(1, 20)
    batch = read_journal_batch(packed.payload)
    assert len(packed.payload) <= UP_LIMIT_BYTES
    assert 1 <= len(batch.events) < 20
    assert packed.last == batch.last


def test_p05_a_lost_store_begins_a_new_epoch_at_one(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    first.append(3)
    epoch = first.outbox.position(Lane.JOURNAL).epoch
    first.store.close()
    (tmp_path / STORE_FILE).write_bytes(b"rubbish" * 1000)
    second = Journal(tmp_path, seed=2)
    second.append(1)
    position = second.outbox.position(Lane.JOURNAL)
    assert second.store.set_aside is not None
    assert second.store.set_aside.read_bytes() == b"rubbish" * 1000
    assert position.head == 1
    second.store.close()
    assert position.epoch != epoch


def test_p07_nothing_is_deleted_before_its_receipt(journal: Journal) -> None:
    journal.append(10)
    journal.clock.advance(400 * DAY)
    assert journal.outbox.tidy() == 0
    assert len(journal.outbox.events(0, 100)) == 10


def test_p07_acknowledged_events_stay_seven_days_and_go_in_portions(journal: Journal) -> None:
    journal.append(DELETED_AT_ONCE_MAX + 20)
    journal.outbox.committed = DELETED_AT_ONCE_MAX + 10
    journal.outbox.tidy()
    journal.clock.advance(6.9 * DAY)
    assert journal.outbox.tidy() == 0
    journal.clock.advance(0.2 * DAY)
    assert journal.outbox.tidy() == DELETED_AT_ONCE_MAX
    assert journal.outbox.tidy() == 10
    assert journal.outbox.tidy() == 0
    assert [event.seq for event in journal.outbox.events(0, 100)] == list(
        range(DELETED_AT_ONCE_MAX + 11, DELETED_AT_ONCE_MAX + 21)
    )
    assert journal.outbox.position(Lane.JOURNAL).floor == DELETED_AT_ONCE_MAX + 11


def test_p07_what_a_server_forgot_is_not_deleted_by_its_old_receipts(journal: Journal) -> None:
    journal.append(20)
    journal.outbox.committed = 20
    journal.outbox.tidy()
    journal.outbox.committed = 5
    journal.outbox.fall_back(5)
    journal.clock.advance(30 * DAY)
    journal.outbox.tidy()
    assert [event.seq for event in journal.outbox.events(0, 100)][-15:] == list(range(6, 21))


def test_p08_telemetry_drops_the_oldest_and_declares_it(journal: Journal) -> None:
    telemetry = Telemetry(
        journal.store, journal.outbox, journal.time, commit_seconds=1.0, samples_max=1_500
    )
    for number in range(1_600):
        telemetry.measure("cabinet", "temperature_celsius", float(number))
    with journal.store.transaction():
        telemetry.write()
    telemetry.written()
    lane = TelemetryLane(journal.outbox, telemetry, journal.time)
    position = lane.position()
    assert (position.floor, position.head) == (1_001, 1_600)
    (event,) = journal.outbox.events(0, 10)
    assert (event.type, bytes(event.body)) == (
        "telemetry.dropped",
        b'{"from":1,"to":1000,"count":1000}',
    )
    batch = read_telemetry_batch(lane.pack(position.floor, position.head).payload)
    assert (batch.first, batch.floor) == (1_001, 1_001)
    assert batch.samples[0].value == 1_000.0


def test_p08_samples_reach_the_server_and_are_then_forgotten(
    make_bench: Callable[..., Bench],
) -> None:
    bench = ready(make_bench())
    bench.celsius = 4.0
    bench.steps(10)
    bench.celsius = 5.0
    bench.steps(6)  # what the server has goes with the next write
    values = [row for row in bench.server.telemetry.entries.values() if b"celsius" in row]
    assert len(values) == 3
    here = bench.agent.outbox.position(Lane.TELEMETRY)
    assert (here.head, here.floor) == (bench.server.telemetry.committed, 4)
