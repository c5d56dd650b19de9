"""Load-cell transmitters with shelves on them, byte for byte: CAS CI-600D and Eagle EI.

Goods are put on and taken off in grams. The weight swings in and settles, with noise in the last
digit and drift if told; a dead cell goes to the rail of the converter.
"""

import math
import struct
from dataclasses import dataclass, field

from edge_agent.drivers.modbus.frames import ExceptionCode, Function
from edge_agent.drivers.weight_shelf.transmitters import FIRST_HOLDING
from edge_agent.seed import Chance
from simulators.devices.modbus_slave import (
    ModbusSlave,
    RefusedError,
    SlaveFaults,
    Table,
    refuse_write,
)

SETTLES_SECONDS = 0.8  # time constant of a shelf that was touched
SWING_GRAMS = 40.0
SWING_HERTZ = 3.0
ADC_ZERO, ADC_PER_GRAM = 8_000, 50
ADC_RAIL = 8_388_607  # a 24-bit converter at its end
WORD, HALF = 0xFFFF, 16


@dataclass(slots=True)
class ScaleFaults(SlaveFaults):
    """Faults by channel from 1; drift in grams an hour."""

    dead_cells: set[int] = field(default_factory=set)
    never_settles: set[int] = field(default_factory=set)
    drift_grams_per_hour: dict[int, float] = field(default_factory=dict)
    loses_writes: bool = False


class Shelves:
    """What lies on the channels of a transmitter, and what its cells feel of it."""

    def __init__(self, chance: Chance, faults: ScaleFaults, noise_grams: float) -> None:
        self._chance = chance
        self._faults = faults
        self._noise_grams = noise_grams
        self._loads: dict[int, float] = {}
        self._touched_at: dict[int, float] = {}
        self.elapsed = 0.0

    def change(self, channel: int, grams: float) -> None:
        """Put on goods, or take them off (negative)."""
        self._loads[channel] = self._loads.get(channel, 0.0) + grams
        self._touched_at[channel] = self.elapsed

    def is_dead(self, channel: int) -> bool:
        """Whether the cell is torn off."""
        return channel in self._faults.dead_cells

    def felt_grams(self, channel: int) -> float:
        """Gross weight as the cell feels it now."""
        drift = self._faults.drift_grams_per_hour.get(channel, 0.0) * self.elapsed / 3_600
        noise = self._chance.uniform(-self._noise_grams, self._noise_grams)
        return self._loads.get(channel, 0.0) + drift + noise + self._swing(channel)

    def _swing(self, channel: int) -> float:
        touched_at = self._touched_at.get(channel, -math.inf)
        if channel in self._faults.never_settles:
            touched_at = self.elapsed - self.elapsed % SETTLES_SECONDS
        since = self.elapsed - touched_at
        size = SWING_GRAMS * math.exp(-since / SETTLES_SECONDS)
        return size * math.cos(2 * math.pi * SWING_HERTZ * since) if size > 0 else 0.0


class ShelvesOnModbus:
    """What both makers' transmitters share; each shows its own registers."""

    def __init__(
        self, chance: Chance, *, address: int, noise_grams: float, registers_max: int
    ) -> None:
        self.faults = ScaleFaults()
        self._shelves = Shelves(chance, self.faults, noise_grams)
        self._slave = ModbusSlave(
            chance,
            address=address,
            show=lambda function: self._shown() if function is Function.READ_HOLDING else None,
            write=self._write,
            registers_max=registers_max,
        )
        self._slave.faults = self.faults

    def put(self, channel: int, grams: float) -> None:
        """Put goods on a shelf."""
        with self._slave.lock:
            self._shelves.change(channel, grams)

    def take(self, channel: int, grams: float) -> None:
        """Take goods off a shelf."""
        self.put(channel, -grams)

    def tick(self, elapsed: float) -> bytes:
        """Let time pass; a slave never speaks unasked."""
        with self._slave.lock:
            self._shelves.elapsed = elapsed
        return b""

    def answer(self, heard: bytes) -> bytes:
        """Answer the requests that these bytes complete."""
        return self._slave.answer(heard)

    def _shown(self) -> Table:
        raise NotImplementedError

    def _write(self, rows: Table) -> None:
        refuse_write(rows)


class SimulatedCasCi600d(ShelvesOnModbus):
    """One channel; weights are whole display units, 32 bits, high word first."""

    def __init__(
        self,
        chance: Chance,
        *,
        address: int = 1,
        noise_grams: float = 0.4,
        grams_per_unit: float = 1.0,
    ) -> None:
        super().__init__(
            chance,
            address=address,
            noise_grams=noise_grams,
            registers_max=32,
        )
        self.tare_grams = 0.0
        self._grams_per_unit = grams_per_unit

    def _shown(self) -> Table:
        gross = self._shelves.felt_grams(1)
        raw = ADC_RAIL if self._shelves.is_dead(1) else ADC_ZERO + round(gross * ADC_PER_GRAM)
        weights = {40_008: gross, 40_010: gross - self.tare_grams}
        shown = {number: round(grams / self._grams_per_unit) for number, grams in weights.items()}
        table = {40_002 - FIRST_HOLDING: 600}
        for number, value in (shown | {40_014: raw}).items():
            first = number - FIRST_HOLDING
            table |= {first: value >> HALF & WORD, first + 1: value & WORD}
        return table


class SimulatedEagleEi(ShelvesOnModbus):
    """Four channels; weights are floats in pounds, and in kilograms 0x1000 further."""

    GRAMS_PER_POUND = 453.592_37
    GRAMS_PER_KILOGRAM = 1_000.0
    CHANNELS = range(1, 5)

    def __init__(
        self,
        chance: Chance,
        *,
        address: int = 1,
        noise_grams: float = 0.4,
        low_word_first: bool = False,
    ) -> None:
        super().__init__(
            chance,
            address=address,
            noise_grams=noise_grams,
            registers_max=125,
        )
        self.stored = 0
        self._low_word_first = low_word_first
        self._tares_grams = dict.fromkeys(self.CHANNELS, 0.0)

    def _shown(self) -> Table:
        table: dict[int, int] = {}
        for channel in self.CHANNELS:
            felt = self._shelves.felt_grams(channel)
            gross = math.nan if self._shelves.is_dead(channel) else felt
            tare = self._tares_grams[channel]
            for start, unit in ((0x1000, self.GRAMS_PER_POUND), (0x2000, self.GRAMS_PER_KILOGRAM)):
                for offset, grams in ((0x00, gross), (0x08, gross - tare), (0x10, tare)):
                    first = start + offset + 2 * (channel - 1)
                    table |= dict(enumerate(self._float(grams / unit), start=first))
        return table

    def _write(self, rows: Table) -> None:
        if dict(rows) == {0x0F00: 1}:
            self.stored += 1
            return
        first = min(rows)
        starts = {0x1010: self.GRAMS_PER_POUND, 0x2010: self.GRAMS_PER_KILOGRAM}
        for start, unit in starts.items():
            if len(rows) == 2 and first in range(start, start + 8, 2):
                words = [rows[first], rows[first + 1]]
                ordered = words[::-1] if self._low_word_first else words
                (value,) = struct.unpack(">f", struct.pack(">2H", *ordered))
                if not self.faults.loses_writes:
                    self._tares_grams[(first - start) // 2 + 1] = value * unit
                return
        raise RefusedError(ExceptionCode.ILLEGAL_ADDRESS)

    def _float(self, value: float) -> tuple[int, int]:
        high, low = struct.unpack(">2H", struct.pack(">f", value))
        return (low, high) if self._low_word_first else (high, low)
