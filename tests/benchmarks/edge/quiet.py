"""A quiet minute: memory, CPU, time to the first report, and from a change to the message."""

import statistics
import time
from dataclasses import dataclass

from edge_agent.clock import Clock
from tests.benchmarks.edge.ours import Ear, Ours
from tests.benchmarks.edge.peer import Peer
from tests.benchmarks.edge.subject import cpu_seconds, pss_mb

SETTLE_SECONDS = 5.0
WINDOWS = 3
WINDOW_SECONDS = 20.0
"""CPU is the median of three windows; memory is looked at after their minute, as designed."""
STARTS = 3
START_SECONDS_MAX = 15.0
LOOK_SECONDS = 0.02
PERCENT = 100.0
MILLISECONDS = 1_000
PERCENTILES = 100


@dataclass(frozen=True)
class Quiet:
    """What one poller needs when nothing happens."""

    pss_mb: float
    cpu_percent: float
    start_seconds: float
    latency_p99_ms: float


def started(clock: Clock, subject: Ours | Peer, ear: Ear | None) -> float:
    """Seconds from the start of the process to its first report; median of several starts."""
    times = []
    for _ in range(STARTS):
        subject.process.kill()
        began = clock.elapsed()
        if ear is not None:
            ear.first_at = None
        subject.process.start()
        times.append(_first_report(clock, subject, ear, began) - began)
    return statistics.median(times)


def _first_report(clock: Clock, subject: Ours | Peer, ear: Ear | None, began: float) -> float:
    while clock.elapsed() - began < START_SECONDS_MAX:
        if ear is not None and ear.first_at is not None:
            return ear.first_at
        if isinstance(subject, Peer) and (at := subject.server.first_after(began)) is not None:
            return at
        time.sleep(LOOK_SECONDS)
    raise TimeoutError(f"{subject.name}: no report within {START_SECONDS_MAX} s")


def measured(clock: Clock, subjects: tuple[Ours, Peer], ear: Ear) -> dict[str, Quiet]:
    """Measure both in the same minute."""
    starts = {
        subject.name: started(clock, subject, ear if isinstance(subject, Ours) else None)
        for subject in subjects
    }
    time.sleep(SETTLE_SECONDS)
    began = clock.elapsed()
    percents = [_cpu_percents(clock, subjects) for _ in range(WINDOWS)]
    heard = {subjects[0].name: ear.heard, subjects[1].name: subjects[1].server.heard}
    return {
        subject.name: Quiet(
            pss_mb=pss_mb(subject.process.pid),
            cpu_percent=statistics.median(one[subject.name] for one in percents),
            start_seconds=starts[subject.name],
            latency_p99_ms=_latency_p99_ms(subject, heard[subject.name], began),
        )
        for subject in subjects
    }


def _cpu_percents(clock: Clock, subjects: tuple[Ours, Peer]) -> dict[str, float]:
    """CPU of both in the same window."""
    began = clock.elapsed()
    before = {subject.name: cpu_seconds(subject.process.pid) for subject in subjects}
    time.sleep(WINDOW_SECONDS)
    seconds = clock.elapsed() - began
    return {
        subject.name: PERCENT * (cpu_seconds(subject.process.pid) - before[subject.name]) / seconds
        for subject in subjects
    }


def _latency_p99_ms(subject: Ours | Peer, heard: dict[int, float], since: float) -> float:
    """From the answer that carried a new value to its message at a subscriber."""
    delays = [
        heard[one.value] - one.at
        for one in subject.probe.served()
        if one.at >= since and one.value in heard
    ]
    return statistics.quantiles(delays, n=PERCENTILES)[-1] * MILLISECONDS
