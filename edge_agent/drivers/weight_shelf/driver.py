"""Shelves on scales as a device of a bus: one load a shelf, in grams, and zeroing.

The transmitter's word is handed on as it is: `stable` stays None where it has no motion bit, for
whoever sees successive readings judges better. A weight that cannot be true is None, never a
guess.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from edge_agent.clock import Clock
from edge_agent.drivers.errors import NotWritableError, UnknownShelfError, ZeroNotTakenError
from edge_agent.drivers.modbus.driver import ModbusDevice
from edge_agent.drivers.polled import ReadOnlyDevice
from edge_agent.drivers.readings import WeightReading
from edge_agent.drivers.weight_shelf.transmitters import (
    GROSS,
    MOTION,
    OVER_CAPACITY,
    RAW_ADC,
    STORE,
    TARE,
    WEIGHT,
    WEIGHT_GOOD,
    row_name,
)

OVER_CAPACITY_SHARE = 9 / 3_000
"""A scale shows nothing more than nine divisions above its capacity (OIML R 76-1); of 3,000."""
ZERO_SHARE_MAX = 1e-6  # what a binary fraction of four bytes may lose on its way out and back


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the settings know of the scale; 0 is not known.

    `grams_per_unit`: grams of one unit as transmitted. `capacity_grams`: of one shelf.
    `adc_low`, `adc_high`: raw values at or beyond which the converter is at its rail.
    """

    grams_per_unit: float = 1.0
    capacity_grams: float = 0.0
    adc_low: int = 0
    adc_high: int = 0

    def is_rail(self, raw: float) -> bool:
        """Say whether the converter is at its end: a dead or torn-off cell."""
        return self.adc_low < self.adc_high and not self.adc_low < raw < self.adc_high

    def is_over(self, grams: float) -> bool:
        """Say whether more lies on the shelf than its scale can weigh."""
        most = self.capacity_grams * (1 + OVER_CAPACITY_SHARE)
        return self.capacity_grams > 0 and grams > most


class PolledScale(ReadOnlyDevice):
    """A transmitter and its shelves (name -> channel from 1). Methods run in the bus thread."""

    kind = "scale"

    def __init__(
        self,
        *,
        name: str,
        device: ModbusDevice,
        shelves: Mapping[str, int],
        calibration: Calibration,
        clock: Clock,
        zeroing: Mapping[str, ModbusDevice] | None = None,
    ) -> None:
        """`zeroing`: shelf -> the device by its `zero_profile`, if the table has one."""
        self.name = name
        self.parts = tuple(shelves)
        self._device = device
        self._shelves = dict(shelves)
        self._calibration = calibration
        self._clock = clock
        self._zeroing = dict(zeroing or {})

    @property
    def can_zero(self) -> bool:
        """Whether the transmitter's table says how to zero a shelf."""
        return bool(self._zeroing)

    def poll(self) -> tuple[WeightReading, ...]:
        """Read all shelves once; all or nothing. Raises as ModbusDevice.read."""
        values = self._device.read()
        at = self._clock.elapsed()
        return tuple(
            self._reading(shelf, channel, values, at) for shelf, channel in self._shelves.items()
        )

    def zero(self, shelf: str) -> None:
        """Make the net weight of a shelf zero with what lies on it now, and keep that.

        The tare is written once, read back and stored; on an error a person asks again.
        Raises UnknownShelfError, NotWritableError (see `can_zero`), ZeroNotTakenError (no weight
        shown, or another tare stands there after the write), and as ModbusDevice.read.
        """
        if shelf not in self._shelves:
            raise UnknownShelfError(device=self.name, shelf=shelf)
        if shelf not in self._zeroing:
            raise NotWritableError(device=self.name, value=TARE)
        device = self._zeroing[shelf]
        gross = device.read()[GROSS]
        if not math.isfinite(gross):
            raise self._not_zeroed(device, f"{shelf} shows no weight")
        device.write(TARE, gross)
        tare = device.read()[TARE]
        if not math.isclose(tare, gross, rel_tol=ZERO_SHARE_MAX, abs_tol=ZERO_SHARE_MAX):
            raise self._not_zeroed(device, f"tare of {shelf} is {tare}, not {gross}")
        if STORE in device.writable:
            device.write(STORE, 1)

    def _not_zeroed(self, device: ModbusDevice, reason: str) -> ZeroNotTakenError:
        return ZeroNotTakenError(reason, port=device.port, device=self.name, command="zero")

    def _reading(
        self, shelf: str, channel: int, values: Mapping[str, float], at: float
    ) -> WeightReading:
        def told(name: str) -> float | None:
            return values.get(row_name(name, channel))

        grams = values[row_name(WEIGHT, channel)] * self._calibration.grams_per_unit
        raw, motion = told(RAW_ADC), told(MOTION)
        over = bool(told(OVER_CAPACITY)) or self._calibration.is_over(grams)
        at_rail = not math.isfinite(grams) or told(WEIGHT_GOOD) == 0
        at_rail = at_rail or (raw is not None and self._calibration.is_rail(raw))
        return WeightReading(
            self.name,
            shelf,
            grams=None if over or at_rail else grams,
            stable=None if motion is None else not motion,
            over_capacity=over,
            at_rail=at_rail,
            at_elapsed=at,
        )
