"""What a Modbus device holds, as rows of data, and how few requests read it; pure.

A new device is a new table in `profiles.py`, not new code. Addresses are those on the wire, so
a maker's 40001 is 0 here, and a number printed from 1 is one less (`moved` shifts a whole table).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from edge_agent.drivers.modbus.frames import (
    BIT_FUNCTIONS,
    BITS_MAX,
    REGISTERS_MAX,
    Function,
    ReadRequest,
    WriteRequest,
)

DECIMALS = 6  # more than any profile's scale has; takes the tail of binary fractions away


class RowKind(StrEnum):
    """How what stands at an address makes a number; two words are high word first but one."""

    BIT = "bit"
    """A coil or discrete input: 0 or 1."""
    WORD_BIT = "word_bit"
    """One bit of a status register: 0 or 1."""
    SIGNED = "signed"
    UNSIGNED = "unsigned"
    SIGNED_32 = "signed_32"
    FLOAT_32 = "float_32"
    FLOAT_32_LOW_FIRST = "float_32_low_first"


_FORMAT = {
    RowKind.SIGNED: ">h",
    RowKind.UNSIGNED: ">H",
    RowKind.SIGNED_32: ">i",
    RowKind.FLOAT_32: ">f",
    RowKind.FLOAT_32_LOW_FIRST: ">f",
}


@dataclass(frozen=True, slots=True)
class Row:
    """Where a value stands, and how it becomes a number with a unit in its name."""

    name: str
    function: Function
    address: int
    kind: RowKind
    scale: float = 1.0
    bit: int = 0
    """For WORD_BIT: which bit, 0 the lowest."""

    @property
    def size(self) -> int:
        """How many addresses it takes."""
        return struct.calcsize(_FORMAT[self.kind]) // 2 if self.kind in _FORMAT else 1

    def value_of(self, words: Sequence[int]) -> float:
        """Turn the raw words, as many as `size`, into the named quantity."""
        if self.kind is RowKind.BIT:
            return float(words[0])
        if self.kind is RowKind.WORD_BIT:
            return float(words[0] >> self.bit & 1)
        (number,) = struct.unpack(_FORMAT[self.kind], _packed(self._high_first(words)))
        return round(float(number) * self.scale, DECIMALS)

    def words_of(self, value: float) -> tuple[int, ...]:
        """Turn a quantity into the raw words; raises struct.error if it does not fit."""
        if self.kind not in _FORMAT:
            return (int(bool(value)),)
        number = value / self.scale
        is_float = self.kind in (RowKind.FLOAT_32, RowKind.FLOAT_32_LOW_FIRST)
        packed = struct.pack(_FORMAT[self.kind], number if is_float else round(number))
        return self._high_first(struct.unpack(f">{len(packed) // 2}H", packed))

    def write_of(self, device: int, value: float) -> WriteRequest:
        """Write the quantity into the row of this device."""
        return WriteRequest(device, self.function, self.address, self.words_of(value))

    def _high_first(self, words: Sequence[int]) -> tuple[int, ...]:
        """Swap the two words if they stand low word first; swapping twice changes nothing."""
        swapped = self.kind is RowKind.FLOAT_32_LOW_FIRST
        return tuple(reversed(words)) if swapped else tuple(words)


@dataclass(frozen=True, slots=True)
class Profile:
    """A device type: its line settings, what can be read, what may be written.

    `words_max`, `bits_max`: the most its firmware answers in one query. `bit_gap_max`: so many
    bits that no row names are read along rather than asked around; registers never are, because
    a device refuses the whole query for one that it does not have.
    """

    name: str
    baud_rate: int
    answer_seconds: float
    rows: tuple[Row, ...]
    writes: tuple[Row, ...] = ()
    words_max: int = REGISTERS_MAX
    bits_max: int = BITS_MAX
    bit_gap_max: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """Rows close together that are read with one request."""

    function: Function
    start: int
    count: int
    rows: tuple[Row, ...]

    def request(self, device: int) -> ReadRequest:
        """Ask the device at this address for the whole block."""
        return ReadRequest(device, self.function, self.start, self.count)

    def values(self, words: Sequence[int]) -> dict[str, float]:
        """Name and scale the words of the answer."""
        return {row.name: row.value_of(self._words_of(row, words)) for row in self.rows}

    def _words_of(self, row: Row, words: Sequence[int]) -> Sequence[int]:
        start = row.address - self.start
        return words[start : start + row.size]

    def taking(self, row: Row, profile: Profile) -> "Block | None":
        """This block with one more row, or None if that row needs a request of its own."""
        bits = self.function in BIT_FUNCTIONS
        gap_max = profile.bit_gap_max if bits else 0
        most = profile.bits_max if bits else profile.words_max
        end = self.start + self.count
        count = max(end, row.address + row.size) - self.start
        if row.function is not self.function or row.address - end > gap_max or count > most:
            return None
        return Block(self.function, self.start, count, (*self.rows, row))


def blocks_of(profile: Profile) -> tuple[Block, ...]:
    """Group the rows of a profile into as few requests as addresses and device allow."""
    blocks: list[Block] = []
    for row in sorted(profile.rows, key=lambda row: (row.function, row.address)):
        if blocks and (longer := blocks[-1].taking(row, profile)) is not None:
            blocks[-1] = longer
        else:
            blocks.append(Block(row.function, row.address, row.size, (row,)))
    return tuple(blocks)


def moved(row: Row, by: int, *, name: str = "") -> Row:
    """The same row at another address, under another name if one is given."""
    return replace(row, address=row.address + by, name=name or row.name)


def _packed(words: Sequence[int]) -> bytes:
    return struct.pack(f">{len(words)}H", *words)
