"""Load-cell transmitters on Modbus as tables: CAS CI-600D, Eagle EI, ID551PN.

There is no common standard (hardware reference 1.2). A table says which weights, raw values and
status bits a maker offers, and which rows may be written to zero a shelf.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from edge_agent.drivers.modbus.frames import Function
from edge_agent.drivers.modbus.profile import Profile, Row, RowKind, moved

FIRST_HOLDING = 40_001
"""Makers print holding registers from 40001; on the wire they count from 0 (V1.1b3, 4.4)."""

WEIGHT, RAW_ADC, MOTION = "weight", "raw_adc", "motion"
OVER_CAPACITY, WEIGHT_GOOD = "over_capacity", "weight_good"
GROSS, TARE, STORE = "gross", "tare", "store"


@dataclass(frozen=True, slots=True)
class Transmitter:
    """One maker's table; rows are those of channel 1, channel n stands (n - 1) * `stride` on.

    `weights`: what a setting may pick ("net", "gross") -> row. `told`: what else is read of each
    channel, rows named RAW_ADC, MOTION, OVER_CAPACITY, WEIGHT_GOOD as far as the maker has them.
    `tare`: the row that, written with the gross weight, makes the net weight zero; None where it
    is not known. `store`: the row whose 1 keeps that over a power cut.
    """

    line: Profile
    channels: range
    weights: Mapping[str, Row]
    told: tuple[Row, ...] = ()
    stride: int = 0
    tare: Row | None = None
    store: Row | None = None

    @property
    def can_zero(self) -> bool:
        """Whether the table says how to zero a channel."""
        return self.tare is not None

    def profile(self, weight: str, channels: Iterable[int]) -> Profile:
        """What a poll reads; rows are named by `row_name`."""
        wanted = (replace(self.weights[weight], name=WEIGHT), *self.told)
        rows = tuple(self._of(row, channel) for channel in channels for row in wanted)
        return replace(self.line, rows=rows)

    def zero_profile(self, channel: int) -> Profile:
        """What zeroing a channel reads and writes: GROSS, TARE, STORE; empty if not `can_zero`."""
        if self.tare is None:
            return self.line
        gross = replace(self._of(self.weights[GROSS], channel), name=GROSS)
        tare = replace(self._of(self.tare, channel), name=TARE)
        writes = (replace(tare, function=Function.WRITE_MULTIPLE),)
        store = () if self.store is None else (self.store,)
        return replace(self.line, rows=(gross, tare), writes=(*writes, *store))

    def _of(self, row: Row, channel: int) -> Row:
        return moved(row, self.stride * (channel - 1), name=row_name(row.name, channel))


def row_name(name: str, channel: int) -> str:
    """Name of a row of one channel."""
    return f"{name}.{channel}"


def _printed(name: str, number: int, kind: RowKind, bit: int = 0) -> Row:
    return Row(name, Function.READ_HOLDING, number - FIRST_HOLDING, kind, bit=bit)


def cas_ci600d() -> Transmitter:
    """CAS CI-600D: easymanua.ls/cas/ci-600d-series page 82, "List of usable registers"."""
    return Transmitter(
        # 32 registers in one query is the maker's limit; line and time-out have no source.
        line=Profile("cas-ci600d", 9_600, 0.3, rows=(), words_max=32),
        channels=range(1, 2),
        weights={
            "gross": _printed("gross", 40_008, RowKind.SIGNED_32),
            "net": _printed("net", 40_010, RowKind.SIGNED_32),
        },
        told=(_printed(RAW_ADC, 40_014, RowKind.SIGNED_32),),
    )


def eagle_ei(*, low_word_first: bool = False, second_unit: bool = False) -> Transmitter:
    """Eagle EI: easymanua.ls/eagle/ei-2000 page 42; EI-4000 manual page 30 (firmware 6.60).

    The same rows stand 0x1000 further in the transmitter's second unit. Which word of a float
    comes first is not said.
    """
    kind = RowKind.FLOAT_32_LOW_FIRST if low_word_first else RowKind.FLOAT_32
    by = 0x1000 if second_unit else 0

    def row(name: str, address: int) -> Row:
        return Row(name, Function.READ_HOLDING, address + by, kind)

    return Transmitter(
        line=Profile("eagle-ei", 9_600, 0.3, rows=()),  # line and time-out have no source
        channels=range(1, 5),
        stride=2,
        weights={"gross": row("gross", 0x1000), "net": row("net", 0x1008)},
        tare=row("tare", 0x1010),
        store=Row(STORE, Function.WRITE_MULTIPLE, 0x0F00, RowKind.UNSIGNED),
    )


def id551pn(*, low_word_first: bool = False) -> Transmitter:
    """Tuna ID551PN, "MODBUS-RTU2": manualshive.com/ru/manual/tuna/id551pn/1179943 pages 22-23.

    It has a status word. Its push-button zero (40006, bit 11 from 0 to 1) cannot be read back and
    so is not used.
    """
    kind = RowKind.FLOAT_32_LOW_FIRST if low_word_first else RowKind.FLOAT_32
    return Transmitter(
        line=Profile("id551pn", 9_600, 0.3, rows=()),  # line and time-out have no source
        channels=range(1, 5),
        stride=6,
        weights={
            "net": _printed("net", 40_001, kind),  # "display weight": net while it is tared
            "gross": _printed("gross", 40_003, kind),
        },
        told=(
            _printed(OVER_CAPACITY, 40_005, RowKind.WORD_BIT, bit=10),
            _printed(MOTION, 40_005, RowKind.WORD_BIT, bit=12),
            _printed(WEIGHT_GOOD, 40_005, RowKind.WORD_BIT, bit=15),
        ),
    )
