"""The faults both pollers go through, one after the other, at the same moments.

Each phase says from which reading on it counts, does its harm to both, gives both the same time to
catch up, and compares what their probe served with what arrived.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rich.progress import Progress

from edge_agent.clock import Clock
from tests.benchmarks.edge.subject import Subject, Tally, tally

OUTAGE_SECONDS = 30.0
KILLS = 10
BETWEEN_KILLS_SECONDS = 4.0
"""The peer takes some 2 s to start; it reads for as long before it is killed again."""
OUTAGE_KILLS = 3
FAST_POLL_SECONDS = 0.01
FAST_SECONDS = 20.0
CATCH_UP_SECONDS = 45.0
"""Longer than the keep-alive and the reconnecting of either."""
LOOK_SECONDS = 1.0


@dataclass
class Harm:
    """What a phase may do, and when it killed."""

    clock: Clock
    subjects: Sequence[Subject]
    kills_at: list[float] = field(default_factory=list)

    def kill(self) -> None:
        """SIGKILL both, and start them anew."""
        self.kills_at.append(self.clock.elapsed())
        for subject in self.subjects:
            subject.process.kill()
        for subject in self.subjects:
            subject.process.start()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)


def broker_stopped(harm: Harm) -> None:
    """No broker for 30 s."""
    for subject in harm.subjects:
        subject.link.cut()
    harm.wait(OUTAGE_SECONDS)
    for subject in harm.subjects:
        subject.link.mend()


def ten_kills(harm: Harm) -> None:
    """Ten SIGKILLs while connected."""
    for _ in range(KILLS):
        harm.wait(BETWEEN_KILLS_SECONDS)
        harm.kill()
    harm.wait(BETWEEN_KILLS_SECONDS)


def three_kills_in_an_outage(harm: Harm) -> None:
    """Three SIGKILLs while there is no broker."""
    for subject in harm.subjects:
        subject.link.cut()
    for _ in range(OUTAGE_KILLS):
        harm.wait(OUTAGE_SECONDS / (OUTAGE_KILLS + 1))
        harm.kill()
    harm.wait(OUTAGE_SECONDS / (OUTAGE_KILLS + 1))
    for subject in harm.subjects:
        subject.link.mend()


def dead_link(harm: Harm) -> None:
    """A link that goes dead without closing, and is reset after 30 s."""
    for subject in harm.subjects:
        subject.link.go_dead()
    harm.wait(OUTAGE_SECONDS)
    for subject in harm.subjects:
        subject.link.reset()


def fast_polling(harm: Harm) -> None:
    """Polling every 10 ms."""
    for subject in harm.subjects:
        subject.process.kill()
        subject.configure(FAST_POLL_SECONDS)
        subject.process.start()
    harm.wait(FAST_SECONDS)


PHASES: tuple[tuple[str, Callable[[Harm], None]], ...] = (
    ("broker_stopped", broker_stopped),
    ("ten_kills", ten_kills),
    ("three_kills_in_an_outage", three_kills_in_an_outage),
    ("dead_link", dead_link),
    ("fast_polling", fast_polling),
)


def play(
    clock: Clock, subjects: Sequence[Subject], progress: Progress
) -> dict[str, dict[str, Tally]]:
    """Play all phases; readings taken, lost and doubled by phase and subject."""
    task = progress.add_task("faults", total=len(PHASES))
    found: dict[str, dict[str, Tally]] = {}
    for name, harming in PHASES:
        progress.update(task, description=f"faults: {name}")
        first = {subject.name: len(subject.probe.served()) for subject in subjects}
        harm = Harm(clock, subjects)
        harming(harm)
        last = {subject.name: len(subject.probe.served()) for subject in subjects}
        tallies = _caught_up(clock, subjects, first, last, harm.kills_at)
        found[name] = tallies
        progress.advance(task)
    return found


def _caught_up(
    clock: Clock,
    subjects: Sequence[Subject],
    first: dict[str, int],
    last: dict[str, int],
    kills_at: list[float],
) -> dict[str, Tally]:
    """Compare when nothing is missing any more, or when the time to catch up is over."""
    ends = clock.elapsed() + CATCH_UP_SECONDS
    while True:
        tallies = {
            subject.name: tally(subject, first[subject.name], last[subject.name], kills_at)
            for subject in subjects
        }
        settled = all(one.lost == 0 for one in tallies.values())
        if settled or clock.elapsed() > ends:
            return tallies
        time.sleep(LOOK_SECONDS)
