"""Register profiles: what a Modbus device holds, as rows of data.

A new device is a new profile, not new code. Numbers are the addresses on the wire (base 0), as
the vectors of the hardware reference show them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from edge_agent.drivers.modbus.frames import Function, ReadRequest

WORD = 0x1_0000
SIGN_BIT = 0x8000


class WordKind(StrEnum):
    """How the 16 bits of a register make a number."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"


@dataclass(frozen=True, slots=True)
class Register:
    """One row: where a value stands, and how it becomes a number with a unit in its name."""

    name: str
    function: Function
    address: int
    kind: WordKind
    scale: float

    def value_of(self, word: int) -> float:
        """Turn the raw word into the named quantity."""
        signed = self.kind is WordKind.SIGNED and word & SIGN_BIT
        return round((word - WORD if signed else word) * self.scale, 6)


@dataclass(frozen=True, slots=True)
class Profile:
    """A device type: its line settings and its registers."""

    name: str
    baud_rate: int
    answer_seconds: float
    registers: tuple[Register, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Registers that stand side by side and are read with one request."""

    registers: tuple[Register, ...]

    def request(self, device: int) -> ReadRequest:
        """Ask the device at this address for the whole block."""
        first = self.registers[0]
        return ReadRequest(device, first.function, first.address, len(self.registers))

    def values(self, words: Sequence[int]) -> dict[str, float]:
        """Name and scale the words of the answer."""
        pairs = zip(self.registers, words, strict=True)
        return {register.name: register.value_of(word) for register, word in pairs}


def blocks_of(profile: Profile) -> tuple[Block, ...]:
    """Group the registers of a profile into as few requests as their addresses allow."""
    blocks: list[list[Register]] = []
    for register in sorted(profile.registers, key=lambda row: (row.function, row.address)):
        if blocks and _follows(blocks[-1][-1], register):
            blocks[-1].append(register)
        else:
            blocks.append([register])
    return tuple(Block(tuple(rows)) for rows in blocks)


def _follows(before: Register, after: Register) -> bool:
    return before.function is after.function and after.address == before.address + 1


XY_MD02 = Profile(
    # Sources: qariya.net product page; domoticx.com/modbus-temp-hum-sensor-xy-md02.
    name="xy-md02",
    baud_rate=9_600,
    # The maker gives no answer time; 20 ms on the wire, and slow adapters add 16 ms either way.
    answer_seconds=0.3,
    registers=(
        Register("temperature_celsius", Function.READ_INPUT, 0x0001, WordKind.SIGNED, 0.1),
        Register("humidity_percent", Function.READ_INPUT, 0x0002, WordKind.UNSIGNED, 0.1),
    ),
)
