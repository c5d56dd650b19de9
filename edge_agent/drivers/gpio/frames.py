"""Records between the inputs' driver and their port, pure; there is no wire, the format is ours.

A bus moves bytes, so edges and levels travel as records of one size, which the overheard bytes
can be cut down to without losing step. Towards the port go what to watch and the question for all
levels; back come edges and levels, each with the kernel's monotonic stamp.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

MAGIC = 0xA7
RECORD = struct.Struct(">BBBBIQ")  # magic, kind, level or flags, bias, line, stamp or period
LINE_MAX = 0xFFFF  # far more lines than any chip has


class RecordKind(IntEnum):
    """What a record is."""

    WATCH = ord("W")
    ASK_LEVELS = ord("A")
    EDGE = ord("E")
    LEVEL = ord("L")


class Bias(StrEnum):
    """Resistor of the chip on the input; `as_is` leaves what the board's start set."""

    AS_IS = "as_is"
    DISABLED = "disabled"
    PULL_UP = "pull_up"
    PULL_DOWN = "pull_down"


_BIASES = tuple(Bias)


@dataclass(frozen=True, slots=True)
class Watch:
    """How a line is to be watched; `active_low`: its level is told the other way round."""

    line: int
    active_low: bool
    bias: Bias
    debounce_us: int


@dataclass(frozen=True, slots=True)
class Level:
    """A line as it is, or came to be by an edge, at `at_ns` of the kernel's monotonic clock."""

    line: int
    active: bool
    at_ns: int
    is_edge: bool


def encode_request(watches: Iterable[Watch]) -> bytes:
    """Watch exactly these lines, and tell all their levels."""
    records = [
        RECORD.pack(
            MAGIC,
            RecordKind.WATCH,
            watch.active_low,
            _BIASES.index(watch.bias),
            watch.line,
            watch.debounce_us,
        )
        for watch in watches
    ]
    return b"".join((*records, RECORD.pack(MAGIC, RecordKind.ASK_LEVELS, 0, 0, 0, 0)))


def decode_request(data: bytes) -> tuple[Watch, ...]:
    """Lines of a request, as `encode_request` made it."""
    rows = [RECORD.unpack_from(data, start) for start in range(0, len(data), RECORD.size)]
    return tuple(
        Watch(line, bool(active_low), _BIASES[bias], debounce_us)
        for _, kind, active_low, bias, line, debounce_us in rows
        if kind == RecordKind.WATCH
    )


def encode_level(level: Level) -> bytes:
    """One record of a level or edge."""
    kind = RecordKind.EDGE if level.is_edge else RecordKind.LEVEL
    return RECORD.pack(MAGIC, kind, level.active, 0, level.line, level.at_ns)


class LevelParser:
    """Finds levels and edges in a stream, and its step again after rubbish."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Level]:
        """Take more bytes; return the levels they complete."""
        buffer, start, levels = self._rest + data, 0, []
        while start + RECORD.size <= len(buffer):
            level = _level_at(buffer, start)
            if level is not None:
                levels.append(level)
            start += RECORD.size if level is not None else 1
        self._rest = buffer[start:]
        return levels


def _level_at(buffer: bytes, start: int) -> Level | None:
    magic, kind, active, pad, line, at_ns = RECORD.unpack_from(buffer, start)
    known = kind in (RecordKind.EDGE, RecordKind.LEVEL)
    if magic != MAGIC or not known or active > 1 or pad or line > LINE_MAX:
        return None
    return Level(line, bool(active), at_ns, kind == RecordKind.EDGE)
