"""The six reports of ../shared/data/evadts, checked against their raw text by simpler means."""

from pathlib import Path

import pytest

from edge_agent.drivers.audit.parser import parse_report
from edge_agent.drivers.audit.report import AuditReport, CrcQuality, SegmentCount
from tests.edge_agent.drivers.audit.samples import REAL_REPORTS

# As computed from the S of ST with CRLF line ends; three files hold no G85.
QUALITIES = {
    "animo.eva_dts": CrcQuality.OK,
    "animo2.eva_dts": CrcQuality.ABSENT,
    "dexparse-test.dex": CrcQuality.OK,
    "dexparse-test2.dex": CrcQuality.ABSENT,
    "rhevendors.eva_dts": CrcQuality.OK,
    "sielaff.eva_dts": CrcQuality.ABSENT,
}
COUNTS = {
    "animo.eva_dts": SegmentCount(117, 117),
    "animo2.eva_dts": SegmentCount(None, 114),
    "dexparse-test.dex": SegmentCount(54, 58),
    "dexparse-test2.dex": SegmentCount(54, 78),
    "rhevendors.eva_dts": SegmentCount(349, 369),
    "sielaff.eva_dts": SegmentCount(None, 53),
}
SERIALS = {
    "animo.eva_dts": "ANIKraftver",
    "animo2.eva_dts": "ANIIMM 2WG3",
    "dexparse-test.dex": "",
    "dexparse-test2.dex": "WTN11082110074",
    "rhevendors.eva_dts": "RHV0000000000",
    "sielaff.eva_dts": "SIE90517939",
}

pytestmark = pytest.mark.skipif(
    not REAL_REPORTS.is_dir(), reason="../shared/data/evadts is not beside this clone"
)
each_file = pytest.mark.parametrize("name", sorted(QUALITIES))


def bytes_of(name: str) -> bytes:
    return (REAL_REPORTS / name).read_bytes()


def rows_of(name: str, segment: str) -> list[list[str]]:
    """All segments of an id, by nothing but splitting."""
    rows = [line.split("*") for line in bytes_of(name).decode("latin-1").splitlines()]
    return [[cell.strip() for cell in row[1:]] for row in rows if row[0] == segment]


def numbers(cells: list[str]) -> list[int | None]:
    padded = [*cells, "", "", "", ""][:4]
    return [int(cell) if cell else None for cell in padded]


def bit_by_bit_crc(data: bytes) -> int:
    crc = 0
    for byte in data:
        for bit in range(8):
            odd = (crc ^ byte >> bit) & 1
            crc = crc >> 1 ^ 0xA001 * odd
    return crc


def report_of_file(name: str) -> AuditReport:
    return parse_report(bytes_of(name))


def test_the_folder_holds_the_reports_this_test_knows() -> None:
    found = {path.name for path in Path(REAL_REPORTS).iterdir() if "LICENSE" not in path.name}
    assert found == set(QUALITIES)


@each_file
def test_the_check_has_the_quality_it_truly_has(name: str) -> None:
    report = report_of_file(name)
    assert report.crc_quality is QUALITIES[name]
    text = bytes_of(name).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if report.crc_quality is CrcQuality.OK:
        body = text[text.index(b"ST*001") : text.index(b"G85*")]
        printed = text[text.index(b"G85*") + 4 :][:4].decode()
        assert f"{bit_by_bit_crc(body):04X}" == printed == report.crc_computed
    else:
        assert b"G85" not in text
        assert (report.crc_reported, report.crc_computed) == ("", "")


@each_file
def test_the_segment_count_is_told_as_expected_and_found(name: str) -> None:
    report = report_of_file(name)
    assert report.se_count == COUNTS[name]
    lines = bytes_of(name).decode("latin-1").splitlines()
    starts = [place for place, line in enumerate(lines) if line.startswith("ST*")]
    ends = [place for place, line in enumerate(lines) if line.startswith("SE*")]
    end = ends[0] if ends else len(lines) - 1
    assert report.se_count.found == end - starts[0] + 1


@each_file
def test_the_machine_is_identified_as_its_text_says(name: str) -> None:
    who = report_of_file(name).identification
    (cells,) = rows_of(name, "ID1")
    assert (who.serial, who.model, who.software) == tuple(cells[:3])
    assert who.asset_number == cells[5]
    assert who.serial == SERIALS[name]
    assert who.dxs_id == rows_of(name, "DXS")[0][0]
    assert who.decimals == int(rows_of(name, "ID4")[0][0])


@each_file
def test_every_selection_is_there_with_price_and_counters(name: str) -> None:
    report = report_of_file(name)
    assert [row.selection for row in report.selections] == [
        cells[0] for cells in rows_of(name, "PA1")
    ]
    assert [row.price_minor for row in report.selections] == [
        int(cells[1]) if cells[1] else None for cells in rows_of(name, "PA1")
    ]
    counters = [
        [
            row.vends_since_init,
            row.value_since_init_minor,
            row.vends_since_reset,
            row.value_since_reset_minor,
        ]
        for row in report.selections
    ]
    assert counters == [numbers(cells) for cells in rows_of(name, "PA2")]


@each_file
def test_totals_and_cash_agree_with_the_text(name: str) -> None:
    report = report_of_file(name)
    for segment, sales in (
        ("VA1", report.totals.paid),
        ("VA2", report.totals.test),
        ("VA3", report.totals.free),
        ("CA2", report.cash.sales),
    ):
        told = [
            sales.value_since_init_minor,
            sales.count_since_init,
            sales.value_since_reset_minor,
            sales.count_since_reset,
        ]
        cells = rows_of(name, segment)
        assert told == (numbers(cells[0]) if cells else [None] * 4)


@pytest.mark.parametrize("name", ["animo.eva_dts", "dexparse-test2.dex", "rhevendors.eva_dts"])
def test_the_selections_add_up_to_the_totals_of_the_machine(name: str) -> None:
    """The machine's own arithmetic shows that the columns are read in the right order."""
    report = report_of_file(name)
    value = sum(row.value_since_init_minor or 0 for row in report.selections)
    paid = report.totals.paid.value_since_init_minor
    if name == "animo.eva_dts":  # its VA1 counts what machines before this board sold
        assert paid == 816_100
        assert value == sum(int(cells[1]) for cells in rows_of(name, "PA2"))
    else:
        assert paid is not None
        assert abs(value - paid) <= 0.05 * paid


def test_cash_in_is_cash_box_and_tubes_and_bills() -> None:
    for name in ("dexparse-test2.dex", "rhevendors.eva_dts", "sielaff.eva_dts"):
        flow = report_of_file(name).cash.since_init
        parts = (flow.to_cash_box_minor, flow.to_tubes_minor, flow.bills_in_minor)
        assert flow.cash_in_minor == sum(part or 0 for part in parts)


def test_the_tubes_hold_what_the_machine_says_they_are_worth() -> None:
    for name in ("dexparse-test2.dex", "rhevendors.eva_dts"):
        cash = report_of_file(name).cash
        assert cash.tubes_value_minor == sum(
            (tube.value_minor or 0) * (tube.coins or 0) for tube in cash.tubes
        )


def test_cash_and_cashless_are_all_paid_sales_of_the_coffee_machine() -> None:
    report = report_of_file("rhevendors.eva_dts")
    reader_1, reader_2 = report.cashless
    assert report.totals.paid.value_since_init_minor == 586_530
    assert (report.cash.sales.value_since_init_minor or 0) + (
        reader_1.sales.value_since_init_minor or 0
    ) == 586_530
    assert reader_2.sales.count_since_reset == 13  # more than since init: odd, and kept


def test_events_without_a_flag_are_undecided_and_free_texts_are_kept() -> None:
    rhea = {row.reported: row for row in report_of_file("rhevendors.eva_dts").events}
    assert rhea["OCM mdb"].active is False
    assert rhea["OCM mdb"].last_at == "20231022 1253"
    assert len(rhea["EC"].occurrences) == 13
    assert (rhea["EBM_1"].code, rhea["EBM_1"].device) == ("EBM", "1")
    assert rhea["OCF"].active is None
    wittern = report_of_file("dexparse-test2.dex").events
    assert [(row.code, row.selection) for row in wittern] == [
        ("ELA", "010"),
        ("ELA", "012"),
        ("ELA", "013"),
        ("ELA", "015"),
        ("ELA", "016"),
    ]


def test_the_slot_list_before_the_wittern_report_is_kept_as_text() -> None:
    report = report_of_file("dexparse-test2.dex")
    assert report.text[0] == "Slot 010: Sprite: 25"
    assert len(report.text) == 10
