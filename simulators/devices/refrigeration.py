"""The cooling behind a simulated controller: compressor, defrost cycle, door, and their faults.

A controller's simulator shows this on its own registers. Defrost comes by the cabinet's own clock,
which `curve.speed` makes run faster; people open the door and break things.
"""

import threading
from dataclasses import dataclass, field

from simulators.devices.modbus_slave import SlaveFaults
from simulators.devices.thermal import ThermalCurve

PIECE_SECONDS = 30.0  # of the cabinet's time; short against every defrost
PIECES_MAX = 5_000  # a jump of a day and a half is played piece by piece, a longer one coarsely
TENTHS = 10


@dataclass(slots=True)
class RefrigerationFaults(SlaveFaults):
    """Faults of the controller and of what it controls."""

    probe_open: bool = False
    condenser_hot: bool = False
    defrost_never_ends: bool = False


@dataclass(slots=True)
class Defrost:
    """When the controller defrosts, in the cabinet's seconds."""

    every_seconds: float = 6 * 3_600.0
    lasts_seconds: float = 20 * 60.0
    timeout_seconds: float = 30 * 60.0
    door_alarm_seconds: float = 180.0


@dataclass(slots=True)
class Refrigeration:
    """One compartment; `lock` is the slave's, so that people and bus do not meet half-way."""

    lock: threading.RLock
    faults: RefrigerationFaults
    curve: ThermalCurve = field(default_factory=ThermalCurve)
    plan: Defrost = field(default_factory=Defrost)
    defrost_timed_out: bool = False
    _elapsed: float | None = None
    _since_defrost: float = 0.0
    _door_open_for: float = 0.0

    @property
    def door_open(self) -> bool:
        """Whether the door stands open."""
        return self.curve.door_open

    @property
    def door_open_too_long(self) -> bool:
        """Whether the controller's own door alarm is due."""
        return self._door_open_for >= self.plan.door_alarm_seconds

    @property
    def tenths(self) -> int:
        """Air temperature as controllers count it."""
        return round(self.curve.inside_celsius * TENTHS)

    @property
    def set_point_tenths(self) -> int:
        """Set point as controllers count it."""
        return round(self.curve.set_point_celsius * TENTHS)

    def open_door(self) -> None:
        """Open the door: the air warms faster."""
        with self.lock:
            self.curve.door_open = True

    def close_door(self) -> None:
        """Shut the door."""
        with self.lock:
            self.curve.door_open = False
            self._door_open_for = 0.0

    def set_compressor(self, *, alive: bool) -> None:
        """Kill or repair the compressor; its relay goes on switching."""
        with self.lock:
            self.curve.compressor_alive = alive

    def start_defrost(self) -> None:
        """Defrost now, as from the controller's keys."""
        with self.lock:
            self._since_defrost = 0.0
            self.curve.defrosting = True

    def tick(self, elapsed: float) -> None:
        """Let time come to `elapsed`."""
        with self.lock:
            before, self._elapsed = self._elapsed, elapsed
            left = 0.0 if before is None else (elapsed - before) * self.curve.speed
            piece = max(PIECE_SECONDS, left / PIECES_MAX)
            while left > 0:
                self._advance(min(piece, left))
                left -= piece

    def _advance(self, seconds: float) -> None:
        self.curve.advance(seconds / self.curve.speed)
        self._since_defrost += seconds
        if self.curve.door_open:
            self._door_open_for += seconds
        if not self.curve.defrosting:
            if self._since_defrost >= self.plan.every_seconds:
                self.start_defrost()
            return
        is_over = self._since_defrost >= self.plan.lasts_seconds
        is_late = self._since_defrost >= self.plan.timeout_seconds
        if is_late or (is_over and not self.faults.defrost_never_ends):
            self.curve.defrosting = False
            self.defrost_timed_out = is_late
