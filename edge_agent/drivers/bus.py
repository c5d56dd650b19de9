"""One serial bus, one worker thread that only asks and listens.

Orders go ahead of polls. A pulse that could not be sent in time fails for good: a door must not
open long after its payment. Every byte heard is handed to every device, and where one of them
speaks unasked the pauses are spent listening. A port is closed and opened again when a device
failed five polls in a row and nothing else on the bus answered meanwhile (then it is the device,
not the adapter).
`step` is one bounded turn with no thread in it, which is what the tests drive.
"""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from edge_agent.clock import Clock
from edge_agent.drivers.errors import (
    DriverError,
    OrdersFullError,
    PortGoneError,
    UnknownTargetError,
)
from edge_agent.drivers.line import ListenedPort, Port
from edge_agent.drivers.polled import Order, PolledDevice, SetUnits
from edge_agent.drivers.reading_queue import ReadingQueue
from edge_agent.drivers.readings import BusReading, DeviceFailure, PulseFailed, Reading

POLL_SECONDS_DEFAULT = 1.0
FAILED_POLLS_BEFORE_REOPEN = 5  # edge-agent.md, Drivers: silent after 5 polls
ORDERS_MAX = 16  # one per lock of a board; a cabinet serves one buyer at a time
ORDER_SECONDS_MAX = 5.0  # later than this the buyer has left the door
JOIN_SECONDS_MAX = 10.0  # longer than any turn: two devices, two tries each, and a frozen write
LISTEN_SECONDS = 0.05  # an order waits at most so long; a controller's poll is answered in 100 ms
RETRY_SECONDS = 60.0  # a device asked rarely (a report twice a day) is asked again so soon
COUNTS_EVERY_SECONDS = 10.0  # how often the bus tells of its frames; the rule looks at minutes

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Given:
    """An order on its way to a device."""

    device: PolledDevice
    order: Order | SetUnits
    given_at: float


@dataclass(slots=True)
class _Turn:
    """What the bus remembers of one device."""

    device: PolledDevice
    due_at: float
    failures: int = 0
    failing_since: float = 0.0


class Bus:
    """A port, its devices, and the thread that talks to them."""

    def __init__(
        self,
        port: Port,
        devices: Sequence[PolledDevice],
        readings: ReadingQueue,
        clock: Clock,
        *,
        poll_seconds: float = POLL_SECONDS_DEFAULT,
    ) -> None:
        self._port = port
        self._ears = port if isinstance(port, ListenedPort) else None
        self._readings = readings
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._turns = [_Turn(device, clock.elapsed()) for device in devices]
        self._targets = {target: device for device in devices for target in device.targets}
        self._listens = any(device.speaks_unasked for device in devices)
        self._orders: deque[_Given] = deque()
        self._orders_lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._answered_at = clock.elapsed()
        self._reopened = 0
        self._counted_at = clock.elapsed()
        self._counted = (0, 0)
        self._crash: Exception | None = None
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        """The name of its port."""
        return self._port.name

    @property
    def targets(self) -> tuple[str, ...]:
        """Every door and slot that can be ordered on this bus."""
        return tuple(self._targets)

    @property
    def devices(self) -> tuple[str, ...]:
        """Names of its devices."""
        return tuple(turn.device.name for turn in self._turns)

    @property
    def crash(self) -> Exception | None:
        """The defect of ours that stopped the thread, if one did; the core must not go on."""
        return self._crash

    @property
    def reopened(self) -> int:
        """How often the port was closed because a device was silent, since the start."""
        return self._reopened

    def order(self, target: str, order_id: str) -> None:
        """Queue an order for a door or slot; its outcome follows as a reading.

        Raises UnknownTargetError, OrdersFullError; then nothing was queued.
        """
        self._queue(target, Order(target, order_id))

    def set_units(self, target: str, units: int) -> None:
        """Queue a word on what lies in a slot; a board that does not take it is only logged.

        Raises UnknownTargetError, OrdersFullError; then nothing was queued.
        """
        self._queue(target, SetUnits(target, units))

    def poll_soon(self, name: str) -> None:
        """Ask a device as soon as the bus is free; its reading or failure follows."""
        for turn in self._turns:
            if turn.device.name == name:
                turn.due_at = self._clock.elapsed()
        self._wake.set()

    def open(self) -> None:
        """Open the port now, to see whether it can be. Raises PortGoneError."""
        self._port.open()

    def start(self) -> None:
        """Start the worker thread."""
        self._thread = threading.Thread(target=self._run, name=f"bus {self.name}", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Have the thread end after its turn, and wait for nothing; `stop` follows."""
        self._stopping = True
        if self._ears is not None:
            self._ears.end()  # a session of minutes must not hold up the end
        self._wake.set()

    def stop(self) -> None:
        """Stop the thread, fail the orders left, close the port. Bounded by JOIN_SECONDS_MAX."""
        self.end()
        if self._thread is not None:
            self._thread.join(JOIN_SECONDS_MAX)
            if self._thread.is_alive():
                log.error("bus.stuck", extra={"port": self.name})
                return  # the port stays the thread's; closing it underneath would hide the cause
            self._thread = None
        while (given := self._next_order()) is not None:
            self._fail(given, "Stopped", "the bus was stopped")
        self._port.close()

    def step(self) -> float:
        """Carry out all orders, or poll one due device; return seconds until the next turn."""
        while (given := self._next_order()) is not None:
            self._carry_out(given)
        turn = min(self._turns, key=lambda turn: turn.due_at, default=None)
        if turn is None:
            return self._poll_seconds
        if turn.due_at <= self._clock.elapsed():
            self._poll(turn)
        self._hand_on()
        self._tell_counts()
        soonest = min(turn.due_at for turn in self._turns)
        return max(0.0, soonest - self._clock.elapsed())

    def listen(self, seconds: float) -> None:
        """Hear what comes unasked, for at most LISTEN_SECONDS; nothing can be heard while gone."""
        bound = min(seconds, LISTEN_SECONDS)
        try:
            self._port.open()
            self._port.read(bound)
            self._hand_on()
        except DriverError as error:
            self._close_if_gone(error)
            self._wake.wait(bound)

    def _run(self) -> None:
        try:
            while not self._stopping:
                pause = self.step()
                if self._listens:
                    self.listen(pause)
                else:
                    self._wake.wait(pause)
                self._wake.clear()
        except Exception as error:  # the core learns of it by `crash` and stops for systemd
            self._crash = error
            log.exception("bus.crashed", extra={"port": self.name})

    def _queue(self, target: str, order: Order | SetUnits) -> None:
        if target not in self._targets:
            raise UnknownTargetError(bus=self.name, target=target)
        with self._orders_lock:
            if len(self._orders) >= ORDERS_MAX:
                reason = f"{ORDERS_MAX} orders wait already"
                raise OrdersFullError(reason, port=self.name, command=f"move {target}")
            self._orders.append(_Given(self._targets[target], order, self._clock.elapsed()))
        self._wake.set()

    def _next_order(self) -> _Given | None:
        with self._orders_lock:
            return self._orders.popleft() if self._orders else None

    def _carry_out(self, given: _Given) -> None:
        if self._clock.elapsed() - given.given_at > ORDER_SECONDS_MAX:
            self._fail(given, "TooLate", f"not sent within {ORDER_SECONDS_MAX} s")
            return
        try:
            self._port.open()
            readings = _done(given)
        except DriverError as error:
            self._close_if_gone(error)
            self._fail(given, type(error).__name__, str(error))
            return
        for reading in readings:
            self._readings.put(reading)
        self._poll_at_once(given.device)

    def _fail(self, given: _Given, error: str, detail: str) -> None:
        at = self._clock.elapsed()
        name, order = given.device.name, given.order
        if isinstance(order, SetUnits):
            log.warning("bus.units_not_set", extra={"slot": order.target, "reason": detail})
            return
        self._readings.put(PulseFailed(name, order.target, order.order_id, error, detail, at))

    def _poll_at_once(self, device: PolledDevice) -> None:
        """Look at the doors right after a pulse: the opening is the proof of the vend."""
        for turn in self._turns:
            if turn.device is device:
                turn.due_at = self._clock.elapsed()

    def _hand_on(self) -> None:
        heard = self._ears.take_heard() if self._ears is not None else b""
        if not heard:
            return
        for turn in self._turns:
            try:
                readings = turn.device.hear(heard)
            except DriverError as error:
                self._close_if_gone(error)  # its poll will fail and say so
                continue
            for reading in readings:
                self._readings.put(reading)

    def _tell_counts(self) -> None:
        at = self._clock.elapsed()
        if at - self._counted_at < COUNTS_EVERY_SECONDS:
            return
        asked, broken = self._port.counts.asked, self._port.counts.broken
        before, self._counted, self._counted_at = self._counted, (asked, broken), at
        self._readings.put(BusReading(self.name, asked - before[0], broken - before[1], at))

    def _poll(self, turn: _Turn) -> None:
        every = turn.device.poll_seconds or self._poll_seconds
        turn.due_at = self._clock.elapsed() + every
        try:
            self._port.open()
            readings = turn.device.poll()
        except DriverError as error:
            turn.due_at = self._clock.elapsed() + min(every, max(RETRY_SECONDS, self._poll_seconds))
            self._close_if_gone(error)
            self._note_failure(turn, error)
            return
        turn.failures = 0
        self._answered_at = self._clock.elapsed()
        for reading in readings:
            self._readings.put(reading)

    def _note_failure(self, turn: _Turn, error: DriverError) -> None:
        at = self._clock.elapsed()
        if turn.failures == 0:
            turn.failing_since = at
        turn.failures += 1
        device = turn.device
        name = type(error).__name__
        failure = DeviceFailure(
            device.name, device.kind, name, str(error), turn.failures, device.parts, at
        )
        self._readings.put(failure)
        if self._adapter_looks_dead(turn):
            log.warning("port.reopened", extra={"port": self.name, "device": device.name})
            self._reopened += 1
            self._port.close()

    def _close_if_gone(self, error: DriverError) -> None:
        """Close an unplugged port, so that the next turn opens what is plugged in then."""
        if isinstance(error, PortGoneError):
            self._port.close()

    def _adapter_looks_dead(self, turn: _Turn) -> bool:
        nothing_answered = self._answered_at <= turn.failing_since
        return turn.failures % FAILED_POLLS_BEFORE_REOPEN == 0 and nothing_answered


def _done(given: _Given) -> tuple[Reading, ...]:
    if isinstance(given.order, Order):
        return given.device.carry_out(given.order)
    given.device.set_units(given.order)
    return ()
