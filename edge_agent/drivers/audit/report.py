"""What an EVA-DTS report says, as frozen values that become JSON as they are.

Money is a whole number in the minor unit of the machine's currency: an implied decimal point
stands `decimals` digits from the right (ID401, default 2). None means: the report does not say.
Element numbers in the comments are those of EVA-DTS 6.2.
"""

from enum import StrEnum

import msgspec


class CrcQuality(StrEnum):
    """How far the report's own check (G85) vouches for it; never a reason to refuse it.

    PLACEHOLDER: it does not match and is one of the constants some machines print instead.
    """

    OK = "ok"
    MISMATCH = "mismatch"
    PLACEHOLDER = "placeholder"
    ABSENT = "absent"


class Device(msgspec.Struct, frozen=True):
    """A device names itself (CA1, BA1, DA1, DB1, CB1, AM1, FA1: elements 01-05)."""

    serial: str = ""
    model: str = ""
    software: str = ""
    user_text: str = ""
    asset_number: str = ""


class Identification(msgspec.Struct, frozen=True):
    """Who the machine says it is. None of it is proof: many share one DXS id, some one serial."""

    serial: str = ""  # ID101
    model: str = ""  # ID102
    software: str = ""  # ID103
    location: str = ""  # ID104
    user_text: str = ""  # ID105
    asset_number: str = ""  # ID106
    dxs_id: str = ""  # DXS01; never a key: 31 machines of one fleet send the standard's example
    dxs_version: str = ""  # DXS03
    decimals: int = 2  # ID401
    currency: str = ""  # ID403, if it is an ISO 4217 code
    currency_number: str = ""  # ID402 as reported: 1xxx is ISO 4217, else a telephone code
    machine_clock: str = ""  # ID501, ID502 as reported; never trusted: some are 18 years off
    control_board: Device | None = None  # CB1
    audit_module: Device | None = None  # AM1
    gateway: Device | None = None  # FA1


class Sales(msgspec.Struct, frozen=True):
    """Counts and values since initialisation and since the last reset."""

    count_since_init: int | None = None
    value_since_init_minor: int | None = None
    count_since_reset: int | None = None
    value_since_reset_minor: int | None = None


class Totals(msgspec.Struct, frozen=True):
    """All vends of the machine."""

    paid: Sales = Sales()  # VA1
    test: Sales = Sales()  # VA2
    free: Sales = Sales()  # VA3


class RawSegment(msgspec.Struct, frozen=True):
    """A segment that is kept as it came."""

    id: str
    elements: tuple[str, ...]


class Selection(msgspec.Struct, frozen=True):
    """One selection (PA1) and its counters."""

    selection: str  # PA101
    price_minor: int | None = None  # PA102
    name: str = ""  # PA103
    capacity: int | None = None  # PA104
    vends_since_init: int | None = None  # PA201
    value_since_init_minor: int | None = None  # PA202
    vends_since_reset: int | None = None  # PA203
    value_since_reset_minor: int | None = None  # PA204
    test_vends: Sales | None = None  # PA3
    free_vends: Sales | None = None  # PA4
    other_segments: tuple[RawSegment, ...] = ()  # PA5-PA8, LA1


class CashFlow(msgspec.Struct, frozen=True):
    """Cash in and out of the coin system over one period."""

    cash_in_minor: int | None = None  # CA301, CA305
    to_cash_box_minor: int | None = None  # CA302, CA306
    to_tubes_minor: int | None = None  # CA303, CA307
    bills_in_reported: int | None = None  # CA304, CA308: a count or whole units, makers differ
    bills_in_minor: int | None = None  # CA309, CA310
    dispensed_minor: int | None = None  # CA401, CA403
    dispensed_by_hand_minor: int | None = None  # CA402, CA404
    discounts_minor: int | None = None  # CA701, CA702
    overpaid_minor: int | None = None  # CA801, CA802
    exact_change_sales_minor: int | None = None  # CA901, CA902
    filled_minor: int | None = None  # CA1001, CA1002


class Coin(msgspec.Struct, frozen=True):
    """One kind of coin (CA11 in, CA12 out, CA13 filled by hand)."""

    value_minor: int | None
    in_since_init: int | None = None
    in_since_reset: int | None = None
    to_cash_box_since_reset: int | None = None
    to_tubes_since_reset: int | None = None
    dispensed_since_init: int | None = None
    dispensed_since_reset: int | None = None
    filled_since_init: int | None = None
    filled_since_reset: int | None = None


class Tube(msgspec.Struct, frozen=True):
    """One coin tube (CA17)."""

    coin_type: int | None
    value_minor: int | None
    coins: int | None
    filled_by_hand: int | None
    dispensed_by_hand: int | None
    is_full: bool | None


class Cash(msgspec.Struct, frozen=True):
    """The coin and bill system."""

    coin_mech: Device | None = None  # CA1
    bill_validator: Device | None = None  # BA1
    sales: Sales = Sales()  # CA2
    since_reset: CashFlow = CashFlow()
    since_init: CashFlow = CashFlow()
    tubes_value_minor: int | None = None  # CA1501
    tubes: tuple[Tube, ...] = ()
    coins: tuple[Coin, ...] = ()


class Cashless(msgspec.Struct, frozen=True):
    """A cashless reader: 1 (DA) or 2 (DB)."""

    reader: int
    device: Device | None = None  # DA1
    sales: Sales = Sales()  # DA2
    debited_since_init_minor: int | None = None  # DA301
    debited_since_reset_minor: int | None = None  # DA302
    credited_since_init_minor: int | None = None  # DA401
    credited_since_reset_minor: int | None = None  # DA402
    discounts: Sales = Sales()  # DA5


class Occurrence(msgspec.Struct, frozen=True):
    """When an event was (EA1), by the machine's own clock."""

    at: str  # EA102, EA103 as reported
    minutes: int | None = None  # EA104
    milliseconds: int | None = None  # EA105
    user_text: str = ""  # EA106


class Event(msgspec.Struct, frozen=True):
    """An event (EA1, EA2), one for each code and suffix.

    `active` is True, False (occurred and over) or None (the report does not say). `fault` is the
    code of our catalogue, or None.
    """

    reported: str  # EA101, EA201 as reported
    code: str  # the same without its suffix
    selection: str | None = None  # suffix of food and product units (J, L), or by position
    device: str | None = None  # suffix of all others, and the 2 of EK2
    active: bool | None = None  # EA205
    count_since_reset: int | None = None  # EA202
    count_since_init: int | None = None  # EA203
    minutes: int | None = None  # EA206, else EA104 of the last
    last_at: str | None = None  # newest EA102, EA103 as reported
    user_text: str = ""  # EA204
    fault: str | None = None
    occurrences: tuple[Occurrence, ...] = ()


class Reads(msgspec.Struct, frozen=True):
    """Who read the machine before us (EA3), by the machine's own clock."""

    reads_with_reset_since_init: int | None = None  # EA301
    this_read_at: str = ""  # EA302, EA303
    this_reader: str = ""  # EA304
    last_read_at: str = ""  # EA305, EA306
    last_reader: str = ""  # EA307
    reads_since_reset: int | None = None  # EA308
    reads_since_init: int | None = None  # EA309


class PowerOutages(msgspec.Struct, frozen=True):
    """How often the mains failed (EA7)."""

    since_reset: int | None = None  # EA701
    since_init: int | None = None  # EA702


class TemperatureState(StrEnum):
    """What a temperature line of a maker says."""

    OK = "ok"
    OPEN = "open"  # the sensor's circuit is open
    UNREADABLE = "unreadable"


class Temperature(msgspec.Struct, frozen=True):
    """A temperature in a maker's line (MA5); the standard has no place for one."""

    zone: str
    state: TemperatureState
    celsius: float | None
    unit: str  # C or F, as reported or assumed
    reported: tuple[str, ...]


class SegmentCount(msgspec.Struct, frozen=True):
    """SE101 counts the segments from ST through SE inclusive; so does `found`."""

    expected: int | None
    found: int


class AuditReport(msgspec.Struct, frozen=True):
    """One report, whatever could be read of it."""

    crc_quality: CrcQuality
    crc_reported: str  # G85 as reported
    crc_computed: str  # over the report as it should be, four hexadecimal digits
    se_count: SegmentCount
    identification: Identification
    totals: Totals
    selections: tuple[Selection, ...]
    cash: Cash
    cashless: tuple[Cashless, ...]
    events: tuple[Event, ...]
    reads: Reads | None
    power_outages: PowerOutages | None
    temperatures: tuple[Temperature, ...]
    maker_errors: tuple[str, ...]  # MA5*ERROR
    maker_health: tuple[str, ...]  # MA5*HLTH...
    other_segments: tuple[RawSegment, ...]
    text: tuple[str, ...]  # lines that are no segments
    problems: tuple[str, ...]
