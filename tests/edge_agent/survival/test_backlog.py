"""A week without network, then everything at once: bounded memory, bounded batches, in order.

The backlog is written by a process of its own and drained by another, so that the growth of the
second is that of draining alone. `BACKLOG` sets another number of events.
"""

import multiprocessing
import os
import resource
from multiprocessing.connection import Connection
from pathlib import Path

from edge_agent.clock import SystemClock
from edge_agent.mqtt_link import LinkMessage, Message
from protocol.events import DoorCause, DoorMoved
from protocol.intervals import BATCH_EVENTS_MAX
from protocol.journal import read_journal_batch
from protocol.topics import UpKind, parse_up
from tests.edge_agent.model_server import ModelServer
from tests.edge_agent.workbench import Bench, ready

EVENTS = int(os.environ.get("BACKLOG", "100000"))
AT_ONCE = 1_000
BATCH_BYTES_MAX = 64 * 1024
GROWTH_KIB_MAX = 8 * 1024
"""Of the whole process, the model server in it included; one batch is some kilobytes."""
STEPS_MAX = 3 * EVENTS // BATCH_EVENTS_MAX + 200


class CountingServer(ModelServer):
    """Checks that batches are bounded and contiguous, and keeps none of them."""

    def __init__(self) -> None:
        super().__init__()
        self.events_heard = 0
        self.largest = 0
        self.bytes_heard = 0

    def hear(self, message: Message) -> list[LinkMessage]:
        if parse_up(message.topic).kind is not UpKind.JOURNAL:
            return super().hear(message)
        batch = read_journal_batch(message.payload)
        if batch.epoch != self.journal.epoch:
            self.journal.epoch, self.journal.committed = batch.epoch, 0
        assert len(message.payload) <= BATCH_BYTES_MAX
        if batch.first == self.journal.committed + 1:
            self.journal.committed = batch.last
            self.events_heard += len(batch.events)
        self.largest = max(self.largest, len(batch.events))
        self.bytes_heard += len(message.payload)
        return [self.receipt()]


def collect(folder: Path) -> None:
    """A week without network leaves this behind."""
    bench = ready(Bench(folder))
    bench.link.cut()
    bench.link.reachable = False
    store, outbox = bench.agent.cabinet.parts.store, bench.agent.outbox
    for first in range(0, EVENTS, AT_ONCE):
        with store.transaction():
            for number in range(first, min(first + AT_ONCE, EVENTS)):
                outbox.append("door.opened", DoorMoved(f"A{number}", DoorCause.SALE))
    bench.crash()


def drain(folder: Path, answer: Connection) -> None:
    """The network is back."""
    server, clock = CountingServer(), SystemClock()
    bench = Bench(folder, server, seed=2)
    bench.steps(2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, steps = clock.elapsed(), 0
    while server.journal.committed < bench.agent.uplink.standing().journal.head:
        bench.step(0.25)
        steps += 1
        assert steps < STEPS_MAX, f"{server.journal.committed} after {steps} steps"
    answer.send(
        {
            "events": server.events_heard,
            "largest batch": server.largest,
            "steps": steps,
            "seconds": round(clock.elapsed() - began, 2),
            "growth KiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before,
            "bytes an event": round(server.bytes_heard / server.events_heard, 1),
        }
    )
    bench.crash()


def test_a_long_backlog_is_drained_in_bounded_memory_and_batches(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    collecting = context.Process(target=collect, args=(tmp_path / "cabinet",))
    collecting.start()
    collecting.join()
    assert collecting.exitcode == 0
    ours, theirs = context.Pipe()
    draining = context.Process(target=drain, args=(tmp_path / "cabinet", theirs))
    draining.start()
    theirs.close()
    told = ours.recv()
    draining.join()
    print(told)
    assert told["events"] >= EVENTS
    assert told["largest batch"] <= BATCH_EVENTS_MAX
    assert told["growth KiB"] <= GROWTH_KIB_MAX
