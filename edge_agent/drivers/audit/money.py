"""VA1-VA3, CA1-CA17, BA1, DA1-DA5, DB1-DB5: what was sold, and what came in as what.

The standard counts some things since initialisation first and others since the last reset
first; the element numbers say which. Values are kept as they came, odd ones too.
"""

from edge_agent.drivers.audit.grammar import Segment
from edge_agent.drivers.audit.identification import device
from edge_agent.drivers.audit.notes import Notes
from edge_agent.drivers.audit.report import Cash, CashFlow, Cashless, Coin, Sales, Totals, Tube
from edge_agent.drivers.audit.segment_index import SegmentIndex

COINS_MAX = 64  # a coin system has up to 16 kinds
READERS = {1: "DA", 2: "DB"}


def value_first(segment: Segment, notes: Notes) -> Sales:
    """Read value, count since initialisation, then since reset (VA1-VA3, CA2, DA2)."""
    value_init, count_init, value_reset, count_reset = _numbers(segment, 4, notes)
    return Sales(count_init, value_init, count_reset, value_reset)


def count_first(segment: Segment, notes: Notes) -> Sales | None:
    """Read count, value since initialisation, then since reset (PA2-PA4); None if empty."""
    if segment.is_empty:
        return None
    return Sales(*_numbers(segment, 4, notes))


def totals(index: SegmentIndex, notes: Notes) -> Totals:
    """Read the vends of the machine as a whole."""
    paid, test, free = (value_first(index.one(name), notes) for name in ("VA1", "VA2", "VA3"))
    return Totals(paid, test, free)


def cash(index: SegmentIndex, notes: Notes) -> Cash:
    """Read the coin and bill system."""
    since_reset, since_init = _cash_flows(index, notes)
    return Cash(
        coin_mech=device(index.one("CA1")),
        bill_validator=device(index.one("BA1")),
        sales=value_first(index.one("CA2"), notes),
        since_reset=since_reset,
        since_init=since_init,
        # Machines with two rows of tubes print the same total on both lines.
        tubes_value_minor=next(
            (row.number(1, notes) for row in index.every("CA15") if row.text(1)), None
        ),
        tubes=tuple(_tube(row, notes) for row in index.every("CA17")[:COINS_MAX]),
        coins=_coins(index, notes),
    )


def cashless(index: SegmentIndex, notes: Notes) -> tuple[Cashless, ...]:
    """Read the readers the report has anything of."""
    return tuple(
        _reader(reader, prefix, index, notes)
        for reader, prefix in READERS.items()
        if index.has(prefix)
    )


def _numbers(segment: Segment, count: int, notes: Notes) -> list[int | None]:
    return [segment.number(position, notes) for position in range(1, count + 1)]


def _cash_flows(index: SegmentIndex, notes: Notes) -> tuple[CashFlow, CashFlow]:
    """Read CA3, CA4 and CA7 to CA10, since reset and since initialisation."""
    taken = _numbers(index.one("CA3"), 10, notes)
    given = _numbers(index.one("CA4"), 4, notes)
    pairs = [_numbers(index.one(f"CA{number}"), 2, notes) for number in (7, 8, 9, 10)]
    since_reset, since_init = (
        CashFlow(
            cash_in_minor=taken[4 * period],
            to_cash_box_minor=taken[4 * period + 1],
            to_tubes_minor=taken[4 * period + 2],
            bills_in_reported=taken[4 * period + 3],
            bills_in_minor=taken[8 + period],
            dispensed_minor=given[2 * period],
            dispensed_by_hand_minor=given[2 * period + 1],
            discounts_minor=pairs[0][period],
            overpaid_minor=pairs[1][period],
            exact_change_sales_minor=pairs[2][period],
            filled_minor=pairs[3][period],
        )
        for period in (0, 1)
    )
    return since_reset, since_init


def _tube(row: Segment, notes: Notes) -> Tube:
    coin_type, value, coins, filled, dispensed, full = _numbers(row, 6, notes)
    return Tube(coin_type, value, coins, filled, dispensed, None if full is None else full != 0)


def _coins(index: SegmentIndex, notes: Notes) -> tuple[Coin, ...]:
    """Bring together what three segments say of each kind of coin, by its value."""
    known: dict[int | None, dict[str, int | None]] = {}
    for name, fields in _COIN_FIELDS.items():
        for row in index.every(name):
            coin = known.setdefault(row.number(1, notes), {})
            for position, field in fields.items():
                coin[field] = row.number(position, notes)
    kinds = list(known.items())[:COINS_MAX]
    return tuple(Coin(value, **counts) for value, counts in kinds)


_COIN_FIELDS = {
    "CA11": {
        2: "in_since_reset",
        3: "to_cash_box_since_reset",
        4: "to_tubes_since_reset",
        5: "in_since_init",
    },
    "CA12": {2: "dispensed_since_reset", 4: "dispensed_since_init"},
    "CA13": {2: "filled_since_reset", 3: "filled_since_init"},
}


def _reader(reader: int, prefix: str, index: SegmentIndex, notes: Notes) -> Cashless:
    debits = _numbers(index.one(f"{prefix}3"), 2, notes)
    credited = _numbers(index.one(f"{prefix}4"), 2, notes)
    value_reset, count_reset, value_init, count_init = _numbers(index.one(f"{prefix}5"), 4, notes)
    return Cashless(
        reader=reader,
        device=device(index.one(f"{prefix}1")),
        sales=value_first(index.one(f"{prefix}2"), notes),
        debited_since_init_minor=debits[0],
        debited_since_reset_minor=debits[1],
        credited_since_init_minor=credited[0],
        credited_since_reset_minor=credited[1],
        discounts=Sales(count_init, value_init, count_reset, value_reset),
    )
