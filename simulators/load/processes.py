"""One load played by several processes: the roll, the rate and the connects are shared out.

For machines with cores to spare: one process is enough for what two cores can take in.
"""

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event

from simulators.errors import SimulatorError
from simulators.load.runner import Load, LoadOrder, LoadReport, Standing, percentiles

LOOK_SECONDS = 0.5
END_SECONDS_MAX = 30.0
"""A process that told its report ends within this, or is killed."""


class LoadProcesses:
    """One run by many processes; the same doors as `Load`."""

    def __init__(self, order: LoadOrder, processes: int) -> None:
        """Raises SimulatorError when there are fewer cabinets than processes."""
        self._orders = shared_out(order, processes)
        self.stop = threading.Event()
        self.abandon = threading.Event()

    def run(self, watch: Callable[[Standing], None] = lambda _: None) -> LoadReport:
        """Play it. Raises SimulatorError when a process fails."""
        spawn = multiprocessing.get_context("spawn")
        stop, abandon = spawn.Event(), spawn.Event()
        pipes: list[Connection] = []
        children: list[SpawnProcess] = []
        try:
            for order in self._orders:
                ours, theirs = spawn.Pipe(duplex=False)
                child = spawn.Process(target=_play, args=(order, theirs, stop, abandon))
                child.start()
                theirs.close()
                pipes.append(ours)
                children.append(child)
            return self._follow(pipes, (stop, abandon), watch)
        finally:
            abandon.set()
            stop.set()
            for child in children:
                child.join(END_SECONDS_MAX)
                child.kill()
                child.join()

    def _follow(
        self,
        pipes: Sequence[Connection],
        ends: tuple[Event, Event],
        watch: Callable[[Standing], None],
    ) -> LoadReport:
        standings: dict[Connection, Standing] = {}
        reports: dict[Connection, LoadReport] = {}
        while len(reports) < len(pipes):
            for theirs, ours in zip(ends, (self.stop, self.abandon), strict=True):
                if ours.is_set():
                    theirs.set()
            for pipe in wait([one for one in pipes if one not in reports], LOOK_SECONDS):
                assert isinstance(pipe, Connection)  # noqa: S101  # nothing else was waited for
                told = _told(pipe)
                if isinstance(told, LoadReport):
                    reports[pipe] = told
                else:
                    standings[pipe] = told
            if len(standings) == len(pipes):
                watch(standing_of_all(standings.values()))
        return report_of_all([reports[pipe] for pipe in pipes])


def shared_out(order: LoadOrder, processes: int) -> list[LoadOrder]:
    """Orders of the processes; together they are `order`."""
    members, rate = order.roll.members, order.events_per_second
    if not 1 <= processes <= len(members):
        raise SimulatorError(f"{len(members)} cabinets are not shared out to {processes} processes")
    return [
        replace(
            order,
            roll=order.roll.part(members[number::processes]),
            events_per_second=None if rate is None else rate / processes,
            connect_per_second=order.connect_per_second / processes,
            seed=order.seed * processes + number,
        )
        for number in range(processes)
    ]


def standing_of_all(standings: Iterable[Standing]) -> Standing:
    """Sums; of latencies the worst, since they cannot be added."""
    found = list(standings)
    return Standing(
        elapsed=max(one.elapsed for one in found),
        connected=sum(one.connected for one in found),
        written=sum(one.written for one in found),
        committed=sum(one.committed for one in found),
        backlog=sum(one.backlog for one in found),
        resent=sum(one.resent for one in found),
        latency_p50_ms=max(one.latency_p50_ms for one in found),
        latency_p99_ms=max(one.latency_p99_ms for one in found),
    )


def report_of_all(reports: Sequence[LoadReport]) -> LoadReport:
    """Sums of counts and CPU, the longest times, latencies of all events together."""
    latencies = [one for report in reports for one in report.latencies]
    p50, p99 = percentiles(latencies)
    return LoadReport(
        written=sum(one.written for one in reports),
        committed=sum(one.committed for one in reports),
        resent=sum(one.resent for one in reports),
        lost_connections=sum(one.lost_connections for one in reports),
        refused_orders=sum(one.refused_orders for one in reports),
        seconds=max(one.seconds for one in reports),
        committed_in_time=sum(one.committed_in_time for one in reports),
        connect_seconds=max(one.connect_seconds for one in reports),
        cpu_seconds=sum(one.cpu_seconds for one in reports),
        play_cpu_seconds=sum(one.play_cpu_seconds for one in reports),
        latency_p50_ms=p50,
        latency_p99_ms=p99,
        heads={name: head for one in reports for name, head in one.heads.items()},
        positions={name: at for one in reports for name, at in one.positions.items()},
        hashes={name: found for one in reports for name, found in one.hashes.items()},
        latencies=latencies,
    )


def _told(pipe: Connection) -> Standing | LoadReport:
    try:
        told = pipe.recv()
    except EOFError as error:
        raise SimulatorError("a process of the load died") from error
    if isinstance(told, SimulatorError):
        raise told
    assert isinstance(told, Standing | LoadReport)  # noqa: S101  # `_play` sends nothing else
    return told


def _play(order: LoadOrder, pipe: Connection, stop: Event, abandon: Event) -> None:
    """Body of a process. The terminal's Ctrl-C is the parent's: it stops all, in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch(standing: Standing) -> None:
        if stop.is_set():
            load.stop.set()
        if abandon.is_set():
            load.abandon.set()
        pipe.send(standing)

    try:
        load = Load(order)
        pipe.send(load.run(watch))
    except SimulatorError as error:
        pipe.send(SimulatorError(str(error)))
    except BrokenPipeError:
        return  # the parent is gone, nobody wants the report
