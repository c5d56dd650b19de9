"""One poller under test: its process, its probes, its link, and what arrived of its readings."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from simulators.hosts.link import CuttableLink
from simulators.hosts.process import HostedProcess
from tests.benchmarks.edge.counting_probe import CountingProbe

KIB_PER_MB = 1_024
GRACE_SECONDS = 0.5
"""A reading served so shortly before a kill may die in the poller's hands; it counts for none."""


class Subject(Protocol):
    """What the phases need of a poller."""

    name: str
    process: HostedProcess
    link: CuttableLink
    probe: CountingProbe

    def arrived(self) -> list[int]:
        """Values of the counting register that arrived durably, in any order."""
        ...

    def configure(self, poll_seconds: float) -> None:
        """Have it poll so often from its next start on."""
        ...


@dataclass(frozen=True)
class Tally:
    """Readings of one phase: taken, lost on the way, and arrived more than once."""

    taken: int
    lost: int
    doubled: int


def tally(subject: Subject, first: int, last: int, kills_at: list[float]) -> Tally:
    """Compare log entries `first` to `last` of what was served with what arrived."""
    served = [
        one.value
        for one in subject.probe.served()[first:last]
        if not any(0 <= kill - one.at < GRACE_SECONDS for kill in kills_at)
    ]
    arrived = Counter(subject.arrived())
    lost = sum(1 for value in served if value not in arrived)
    doubled = sum(arrived[value] - 1 for value in served if arrived[value] > 1)
    return Tally(len(served), lost, doubled)


def pss_mb(pid: int) -> float:
    """Proportional set size of a process and its children, in MiB."""
    total = 0
    for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
        rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
        lines = rollup.splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / KIB_PER_MB


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and its children so far."""
    processes = (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))
    return sum(sum(process.cpu_times()[:2]) for process in processes)
