"""Runs simulated cabinets at a rate, or as fast as receipts allow, and says what became of it."""

import array
import resource
import statistics
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edge_agent.seed import Chance
from fleet_server.clock import SystemClock
from fleet_server.errors import ConfigurationError
from fleet_server.mqtt_link import nodes_of
from protocol.intervals import RECONNECT_SPREAD_SECONDS, Uplink
from simulators.errors import SimulatorError
from simulators.load.cabinet import LoadCabinet
from simulators.load.mix import MIXES
from simulators.load.orders import KEPT_EVENTS_MAX, Orders, Roll
from simulators.load.wire import Exchange, Silence, Stage, Wire

TICK_SECONDS = 0.01
"""How often events are written: the rate is spread evenly over such ticks."""
LOOK_SECONDS = 0.5
"""How often heartbeats, births and repeats are looked at."""
PAUSE_SECONDS = 0.002
"""At a rate: what comes within it is served together, fewer wake-ups; latencies are so much off."""
DRAIN_SECONDS_MAX = 120.0
"""After the last event: longest wait for the last receipt, a few doubled repeats."""
CONNECT_SECONDS_MAX = 180.0
LATENCIES_MAX = 2_000_000
"""Latencies kept; later ones are not measured any more."""
SPARE_FILES = 200
EVENTS_KEPT_IN_ALL = 1_000_000
"""Events all cabinets of a process hold, committed or not: about 300 MB of each kind at most."""
FOREVER = float("inf")


@dataclass(frozen=True)
class LoadOrder:
    """What to play."""

    roll: Roll
    broker_url: str
    """mqtt://host:port, of several nodes with commas: cabinets are spread over them."""
    events_per_second: float | None
    """None: as fast as receipts allow. 0: heartbeats only."""
    batch: int = 10
    mix: str = "vending"
    seconds: float = FOREVER
    uplink: Uplink = Uplink.WIRED
    connect_per_second: float = 500.0
    spread_seconds: float = RECONNECT_SPREAD_SECONDS
    seed: int = 1
    warm_up_seconds: float = 0.0
    """Events of this time count as written, their speed and latency are not measured."""
    keep_hashes: bool = False
    """Whether the report has the SHA-256 of each body: 32 bytes an event in memory."""


@dataclass
class LoadReport:
    """What became of it."""

    written: int = 0
    committed: int = 0
    resent: int = 0
    fell_back: int = 0
    """Receipts below an earlier one: an honest server has none unless its database was restored."""
    lost_connections: int = 0
    refused_orders: int = 0
    seconds: float = 0.0
    """From the end of the warm-up to the last event."""
    committed_in_time: int = 0
    """Events committed between the end of the warm-up and the last event."""
    connect_seconds: float = 0.0
    cpu_seconds: float = 0.0
    """CPU of this tool, connecting and leaving included."""
    play_cpu_seconds: float = 0.0
    """CPU of this tool from the first event to the last receipt."""
    latency_p50_ms: float = 0.0
    latency_p99_ms: float = 0.0
    heads: dict[str, tuple[str, int, str]] = field(default_factory=dict)
    """Cabinet -> epoch, newest sequence, SHA-256 over `seq:body\\n` of all its events."""
    positions: dict[str, int] = field(default_factory=dict)
    """Cabinet -> committed, as its last receipt said."""
    hashes: dict[str, list[bytes]] = field(default_factory=dict)
    """Cabinet -> SHA-256 of each body, the first of sequence 1; with `keep_hashes` only."""
    latencies: Sequence[float] = field(default=(), repr=False)
    """Seconds from an event written to the receipt that covers it, in the measured time."""

    @property
    def events_per_second(self) -> float:
        """Committed events a second while the load lasted."""
        return self.committed_in_time / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Standing:
    """Where a run stands, for whoever watches it."""

    elapsed: float
    connected: int
    written: int
    committed: int
    backlog: int
    resent: int
    latency_p50_ms: float
    latency_p99_ms: float


class Load:
    """One run. `run` plays it; `stop` may be set from another thread or a signal."""

    def __init__(self, order: LoadOrder) -> None:
        self._order = order
        self._clock = SystemClock()
        self._chance = Chance.from_seed(order.seed)
        self.stop = threading.Event()
        self.abandon = threading.Event()
        """Set to leave without waiting for the last receipts."""
        kept = min(KEPT_EVENTS_MAX, max(2 * order.batch, EVENTS_KEPT_IN_ALL // count_of(order)))
        self._orders = Orders(
            order.roll.fleet,
            order.roll.keyring(),
            Chance.system().short_id(),
            self._chance,
            order.spread_seconds,
            sessions_from=int(self._clock.now().timestamp()),
            kept_events=kept,
            uncommitted_events_max=kept,
            downlink_qos=order.roll.downlink_qos,
            keep_hashes=order.keep_hashes,
        )
        self._text = ""
        self._latencies = array.array("d")
        self._measures = order.warm_up_seconds == 0
        try:
            nodes = nodes_of(order.broker_url)
        except ConfigurationError as error:
            raise SimulatorError(str(error)) from error
        self._exchange = Exchange(nodes, self._note_latency, self._reconnect_in)
        mix = MIXES[order.mix]
        self.wires = [
            Wire(
                LoadCabinet(one, self._orders, mix, self._now, order.batch, order.uplink),
                node=number,
            )
            for number, one in enumerate(order.roll.members)
        ]
        self._owed = 0.0
        self._next = 0

    def run(self, watch: Callable[[Standing], None] = lambda _: None) -> LoadReport:
        """Connect, play, wait for the last receipt, leave. `watch` is told twice a second."""
        raise_file_limit(len(self.wires) + SPARE_FILES)
        report = LoadReport()
        cpu = cpu_seconds()
        self._tick()
        try:
            began = self._clock.elapsed()
            self._connect_all(watch)
            report.connect_seconds = self._clock.elapsed() - began
            played = cpu_seconds()
            self._play(report, watch)
            self._drain(watch)
            report.play_cpu_seconds = cpu_seconds() - played
        finally:
            for wire in self.wires:
                self._exchange.leave(wire)
            self._exchange.close()
        report.cpu_seconds = cpu_seconds() - cpu
        self._sum_up(report)
        return report

    def cut(self, wire: Wire) -> None:
        """Cut a connection as a dead modem does; for `watch`."""
        self._exchange.cut(wire, self._clock.elapsed())

    def silence(self, wire: Wire, how: Silence) -> None:
        """Let a cabinet fall silent for the rest of the run; for `watch`."""
        self._exchange.silence(wire, how, self._clock.elapsed())

    def _connect_all(self, watch: Callable[[Standing], None]) -> None:
        begins = self._clock.elapsed()
        for number, wire in enumerate(self.wires):
            wire.connect_at = begins + number / self._order.connect_per_second
        end = begins + len(self.wires) / self._order.connect_per_second + CONNECT_SECONDS_MAX
        looked, begun = begins, 0
        while self._exchange.counts.connected < len(self.wires) and not self.stop.is_set():
            now = self._clock.elapsed()
            if now > end:
                raise SimulatorError(
                    f"{self._exchange.counts.connected} of {len(self.wires)} cabinets connected, "
                    f"{self._exchange.counts.refused} were refused"
                )
            self._tick()
            while begun < len(self.wires) and now >= self.wires[begun].connect_at:
                self._exchange.connect(self.wires[begun])
                begun += 1
            if now - looked > LOOK_SECONDS:
                looked = now
                self._connect_due(now)
                self._look(now)
                watch(self._standing(now - begins))
            self._exchange.look(TICK_SECONDS, self._clock.elapsed)

    def _play(self, report: LoadReport, watch: Callable[[Standing], None]) -> None:
        begins = ticked = self._clock.elapsed()
        looked = begins - LOOK_SECONDS  # a closed loop begins with the first look
        measured_from, committed_before = begins, self._committed()
        self._keep_ready(2 * self._order.batch if self._order.events_per_second is None else 0)
        while not self.stop.is_set():
            now = self._clock.elapsed()
            if now - begins >= self._order.seconds + self._order.warm_up_seconds:
                break
            if not self._measures and now - begins >= self._order.warm_up_seconds:
                self._measures = True
                measured_from, committed_before = now, self._committed()
            self._tick()
            self._write(now, now - ticked)
            ticked = now
            if now - looked >= LOOK_SECONDS:
                looked = now
                self._connect_due(now)
                self._look(now)
                watch(self._standing(now - begins))
            self._exchange.look(TICK_SECONDS, self._clock.elapsed)
            if self._order.events_per_second is not None:
                self.stop.wait(PAUSE_SECONDS)
        self._keep_ready(0)
        report.seconds = self._clock.elapsed() - measured_from
        report.committed_in_time = self._committed() - committed_before

    def _drain(self, watch: Callable[[Standing], None]) -> None:
        begins = looked = self._clock.elapsed()
        while not self.abandon.is_set() and any(wire.cabinet.backlog for wire in self.wires):
            now = self._clock.elapsed()
            if now - begins > DRAIN_SECONDS_MAX:
                return
            self._tick()
            if now - looked > LOOK_SECONDS:
                looked = now
                self._connect_due(now)
                self._look(now)
                watch(self._standing(now - begins))
            self._exchange.look(TICK_SECONDS, self._clock.elapsed)

    def _keep_ready(self, events: int) -> None:
        """Closed loop: each receipt is answered by new events and the next batch."""
        for wire in self.wires:
            wire.cabinet.keeps_ready = events

    def _write(self, now: float, seconds: float) -> None:
        """Let cabinets live at the rate, a batch each in turn, online or not."""
        rate, batch = self._order.events_per_second, self._order.batch
        if rate is None:
            return
        self._owed = min(self._owed + rate * seconds, max(rate, batch))
        while self._owed >= batch:
            self._owed -= batch
            self._live(self.wires[self._next], batch, now)
            self._next = (self._next + 1) % len(self.wires)

    def _live(self, wire: Wire, count: int, now: float) -> None:
        wire.cabinet.live(count, now)
        if wire.stage is Stage.ONLINE:
            data = wire.cabinet.next_batch(now)
            if data is not None:
                self._exchange.send(wire, data, now)

    def _look(self, now: float) -> None:
        """Heartbeats, repeats and births that are due; connections that are dead."""
        for wire in self.wires:
            self._exchange.give_up_dead(wire, now)
            self._exchange.ping(wire, now)
            if wire.stage is not Stage.ONLINE:
                continue
            cabinet = wire.cabinet
            if cabinet.keeps_ready > cabinet.backlog:
                cabinet.live(cabinet.keeps_ready - cabinet.backlog, now)
            if cabinet.birth_at is not None and now >= cabinet.birth_at:
                self._exchange.send(wire, cabinet.birth(now), now)
            elif now >= cabinet.heartbeat_at:
                self._exchange.send(wire, cabinet.heartbeat(now), now)
            data = cabinet.resend(now) or cabinet.next_batch(now)
            if data is not None:
                self._exchange.send(wire, data, now)

    def _connect_due(self, now: float) -> None:
        for wire in self.wires:
            if wire.stage is Stage.AWAY and now >= wire.connect_at:
                self._exchange.connect(wire)

    def _reconnect_in(self) -> float:
        return self._chance.uniform(0.0, self._order.spread_seconds)

    def _tick(self) -> None:
        self._text = self._clock.now().isoformat(timespec="milliseconds")

    def _now(self) -> str:
        return self._text

    def _note_latency(self, seconds: float) -> None:
        if self._measures and len(self._latencies) < LATENCIES_MAX:
            self._latencies.append(seconds)

    def _committed(self) -> int:
        return sum(wire.cabinet.committed for wire in self.wires)

    def _standing(self, elapsed: float) -> Standing:
        p50, p99 = percentiles(self._latencies[-20_000:])
        committed = self._committed()
        written = sum(wire.cabinet.head for wire in self.wires)
        return Standing(
            elapsed,
            self._exchange.counts.connected,
            written,
            committed,
            written - committed,
            sum(wire.cabinet.resent for wire in self.wires),
            p50,
            p99,
        )

    def _sum_up(self, report: LoadReport) -> None:
        cabinets = [wire.cabinet for wire in self.wires]
        report.written = sum(one.head for one in cabinets)
        report.committed = sum(one.committed for one in cabinets)
        report.resent = sum(one.resent for one in cabinets)
        report.fell_back = sum(one.fell_back for one in cabinets)
        report.lost_connections = self._exchange.counts.lost
        report.refused_orders = self._orders.refused
        report.latency_p50_ms, report.latency_p99_ms = percentiles(self._latencies)
        report.latencies = self._latencies
        report.positions = {one.member.cabinet: one.committed for one in cabinets}
        report.hashes = {
            one.member.cabinet: one.hashes for one in cabinets if one.hashes is not None
        }
        report.heads = {
            one.member.cabinet: (one.epoch, one.head, one.digest.hexdigest()) for one in cabinets
        }


def percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    """p50 and p99 in milliseconds; zeros of nothing."""
    if len(seconds) < 2:
        return 0.0, 0.0
    cuts = statistics.quantiles(seconds, n=100)
    return cuts[49] * 1000, cuts[98] * 1000


def count_of(order: LoadOrder) -> int:
    """How many cabinets it plays. Raises SimulatorError for none."""
    if not order.roll.members:
        raise SimulatorError("no cabinet has joined")
    return len(order.roll.members)


def cpu_seconds() -> float:
    """CPU this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def raise_file_limit(wanted: int) -> None:
    """Allow so many open files. Raises SimulatorError where the system does not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
    except (ValueError, OSError) as error:
        raise SimulatorError(
            f"{wanted} open files are needed and {hard} allowed: raise `ulimit -n`"
        ) from error
