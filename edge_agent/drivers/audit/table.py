"""A report as lines of plain text, for a technician at a terminal; pure."""

from collections.abc import Iterator, Sequence

from edge_agent.drivers.audit.report import AuditReport, CashFlow, Event, Sales, Selection

UNKNOWN = "-"


def lines(report: AuditReport) -> Iterator[str]:
    """Yield the report's lines: who, how sure, what was sold, what is wrong."""
    yield from _head(report)
    decimals = report.identification.decimals
    yield from _block("Sales", _SALES_HEAD, _sales_rows(report, decimals))
    yield from _block(
        "Selections", _SELECTION_HEAD, [_selection(row, decimals) for row in report.selections]
    )
    yield from _block("Cash", _CASH_HEAD, _cash_rows(report, decimals))
    yield from _block("Events", _EVENT_HEAD, [_event(row) for row in report.events])
    temperatures = [
        (row.zone or UNKNOWN, row.state.value, UNKNOWN if row.celsius is None else f"{row.celsius}")
        for row in report.temperatures
    ]
    yield from _block("Temperatures", ("zone", "state", "celsius"), temperatures)
    for title, texts in (("Maker errors", report.maker_errors), ("Problems", report.problems)):
        yield from _block(title, (), [(text,) for text in texts])


def money(minor: int | None, decimals: int) -> str:
    """Show minor units with their decimal point."""
    if minor is None:
        return UNKNOWN
    sign, digits = "-" if minor < 0 else "", f"{abs(minor):0{decimals + 1}}"
    return f"{sign}{digits[: len(digits) - decimals]}" + (
        f".{digits[-decimals:]}" if decimals else ""
    )


_SALES_HEAD = ("", "count init", "value init", "count reset", "value reset")
_SELECTION_HEAD = ("selection", "price", *_SALES_HEAD[1:], "name")
_CASH_HEAD = ("", "since init", "since reset")
_EVENT_HEAD = ("code", "fault", "active", "count init", "count reset", "minutes", "last at")


def _head(report: AuditReport) -> Iterator[str]:
    who, count = report.identification, report.se_count
    facts = {
        "Serial": who.serial,
        "Model": who.model,
        "Software": who.software,
        "Asset": who.asset_number,
        "Its clock": who.machine_clock,
        "Currency": f"{who.currency or UNKNOWN}, {who.decimals} decimals",
        "CRC": f"{report.crc_quality}, reported {_shown(report.crc_reported)}, "
        f"computed {_shown(report.crc_computed)}",
        "Segments": f"{_shown(count.expected)} expected, {count.found} found",
    }
    for name, fact in facts.items():
        yield f"{name:<10} {_printable(_shown(fact))}"


def _shown(value: object) -> str:
    return UNKNOWN if value is None or value == "" else str(value)


def _sales(sales: Sales, decimals: int) -> tuple[str, ...]:
    return (
        _shown(sales.count_since_init),
        money(sales.value_since_init_minor, decimals),
        _shown(sales.count_since_reset),
        money(sales.value_since_reset_minor, decimals),
    )


def _sales_rows(report: AuditReport, decimals: int) -> list[tuple[str, ...]]:
    kinds = [
        ("paid", report.totals.paid),
        ("test", report.totals.test),
        ("free", report.totals.free),
        ("cash", report.cash.sales),
        *((f"cashless {row.reader}", row.sales) for row in report.cashless),
    ]
    return [(name, *_sales(sales, decimals)) for name, sales in kinds if sales != Sales()]


def _selection(row: Selection, decimals: int) -> tuple[str, ...]:
    sales = Sales(
        row.vends_since_init,
        row.value_since_init_minor,
        row.vends_since_reset,
        row.value_since_reset_minor,
    )
    return (row.selection, money(row.price_minor, decimals), *_sales(sales, decimals), row.name)


def _cash_rows(report: AuditReport, decimals: int) -> list[tuple[str, ...]]:
    since_init, since_reset = report.cash.since_init, report.cash.since_reset
    rows = [
        (
            name.removesuffix("_minor").replace("_", " "),
            money(getattr(since_init, name), decimals),
            money(getattr(since_reset, name), decimals),
        )
        for name in CashFlow.__struct_fields__
        if name.endswith("_minor")
    ]
    if report.cash.tubes_value_minor is not None:
        rows.append(("in tubes now", money(report.cash.tubes_value_minor, decimals), ""))
    return [row for row in rows if set(row[1:]) != {UNKNOWN}]


def _event(row: Event) -> tuple[str, ...]:
    active = {True: "active", False: "over", None: UNKNOWN}[row.active]
    numbers = (row.count_since_init, row.count_since_reset, row.minutes, row.last_at)
    place = (
        f" ({row.selection})" if row.selection and not row.reported.endswith(row.selection) else ""
    )
    return (f"{row.reported}{place}", row.fault or UNKNOWN, active, *map(_shown, numbers))


def _block(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield a titled table, its columns as wide as their widest cell; nothing if it is empty."""
    if not rows:
        return
    yield ""
    yield title
    table = [tuple(map(_printable, row)) for row in ([head, *rows] if head else rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield ("  " + "  ".join(cells)).rstrip()


def _printable(text: str) -> str:
    """Keep a machine's text from steering the terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
