"""A whole report, and each way a real one differs from it (hardware reference 1.3.1, 1.3.5)."""

import msgspec
import pytest

from edge_agent.drivers.audit.crc import crc16
from edge_agent.drivers.audit.envelope import PLACEHOLDERS
from edge_agent.drivers.audit.grammar import LINES_MAX, REPORT_BYTES_MAX
from edge_agent.drivers.audit.notes import PROBLEM_CHARACTERS_MAX, PROBLEMS_MAX
from edge_agent.drivers.audit.parser import parse_report
from edge_agent.drivers.audit.report import (
    AuditReport,
    CrcQuality,
    Device,
    PowerOutages,
    RawSegment,
    Sales,
    SegmentCount,
    Tube,
)
from tests.edge_agent.drivers.audit.samples import BODY, WHOLE, report_of


def what_was_read(report: AuditReport) -> AuditReport:
    """The report without what it says of its own form."""
    return msgspec.structs.replace(
        report,
        crc_quality=CrcQuality.ABSENT,
        crc_reported="",
        crc_computed="",
        se_count=SegmentCount(None, 0),
        text=(),
        problems=(),
    )


def test_a_good_report_has_no_problems_and_its_check_is_right() -> None:
    report = parse_report(WHOLE)
    assert report.problems == ()
    assert report.crc_quality is CrcQuality.OK
    assert report.crc_reported == report.crc_computed
    assert report.se_count == SegmentCount(36, 36)


def test_who_the_machine_is_stands_in_plain_names() -> None:
    who = parse_report(WHOLE).identification
    assert (who.serial, who.model, who.software) == ("WTN11082110074", "GVC1", "8207")
    assert (who.location, who.asset_number) == ("Hall 3", "A-77")
    assert (who.currency, who.currency_number, who.decimals) == ("USD", "1840", 2)
    assert who.machine_clock == "20260301 0200"
    assert who.control_board == Device("11082110074", "GVC1", "8207")
    assert (who.dxs_id, who.dxs_version) == ("WTN4213952", "V0/6")


def test_a_selection_has_its_price_and_both_pairs_of_counters() -> None:
    first, second, third = parse_report(WHOLE).selections
    assert (first.selection, first.price_minor, first.name) == ("10", 150, "SODA")
    assert (first.vends_since_init, first.value_since_init_minor) == (120, 18_000)
    assert (first.vends_since_reset, first.value_since_reset_minor) == (6, 900)
    assert first.test_vends == Sales(2, 300, 0, 0)
    assert [row.id for row in first.other_segments] == ["PA7"]
    assert (second.selection, second.free_vends) == ("11", None)
    assert third.name == "SALAD *FRESH*"


def test_sales_cash_and_tubes_are_told_by_the_order_of_the_standard() -> None:
    report = parse_report(WHOLE)
    assert report.totals.paid == Sales(302, 15_600, 24, 1_200)
    assert report.totals.test == Sales(15, 1_125, 0, 0)
    assert report.cash.sales == Sales(202, 9_600, 14, 700)
    assert report.cash.coin_mech == Device("CAI002207520165", "USQ702C01EA6", "0008")
    assert report.cash.bill_validator == Device("CAI000460701743", "BP4SX", "0001")
    assert (report.cash.since_reset.cash_in_minor, report.cash.since_init.cash_in_minor) == (
        800,
        19_610,
    )
    assert report.cash.since_init.bills_in_minor == 4_900
    assert report.cash.since_init.dispensed_by_hand_minor == 1_280
    assert report.cash.tubes_value_minor == 5_200
    assert report.cash.tubes[1] == Tube(1, 10, 93, 50, 14, is_full=True)


def test_cashless_sales_reads_and_power_cuts_are_read() -> None:
    report = parse_report(WHOLE)
    (reader,) = report.cashless
    assert (reader.reader, reader.sales) == (1, Sales(100, 6_000, 10, 500))
    assert report.power_outages == PowerOutages(since_reset=1, since_init=373)
    assert report.reads is not None
    assert report.reads.last_read_at == "20260228 1400"
    assert report.reads.reads_since_init == 90


def test_a_second_reader_is_reported_beside_the_first() -> None:
    report = parse_report(report_of([*BODY, "DB2*400*8*50*1", "DB5*3*1*30*10"]))
    assert [row.reader for row in report.cashless] == [1, 2]
    assert report.cashless[1].sales == Sales(8, 400, 1, 50)
    assert report.cashless[1].discounts == Sales(10, 30, 1, 3)


def test_the_report_becomes_json_with_the_names_of_the_manual() -> None:
    plain = msgspec.json.decode(msgspec.json.encode(parse_report(WHOLE)))
    assert plain["crc_quality"] == "ok"
    assert plain["selections"][0]["price_minor"] == 150
    assert plain["se_count"] == {"expected": 36, "found": 36}
    assert plain["events"][0]["active"] is True


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\r\n", b"\n\n", b"\r\n\r\n"])
def test_the_check_holds_whatever_line_ends_an_editor_left(end: bytes) -> None:
    report = parse_report(WHOLE.replace(b"\r\n", end))
    assert report.crc_quality is CrcQuality.OK
    assert report == parse_report(WHOLE)


def test_lower_case_and_swapped_checks_are_right_checks() -> None:
    right = parse_report(WHOLE).crc_computed
    assert parse_report(report_of(check=right.lower())).crc_quality is CrcQuality.OK
    swapped = parse_report(report_of(check=right[2:] + right[:2]))
    assert swapped.crc_quality is CrcQuality.OK
    assert swapped.problems == ("G85 matches bytes swapped",)


def test_a_check_without_the_last_line_end_is_right_as_two_necta_reports_have_it() -> None:
    inner = b"".join(f"{line}\r\n".encode() for line in ("ST*001*0001", *BODY))
    report = parse_report(report_of(check=f"{crc16(inner[:-2]):04X}"))
    assert report.crc_quality is CrcQuality.OK
    assert report.problems == ("G85 matches without its last line end",)


def test_a_check_over_lone_line_feeds_is_right_for_a_file_that_has_them() -> None:
    inner = b"".join(f"{line}\n".encode() for line in ("ST*001*0001", *BODY))
    unix = report_of(check=f"{crc16(inner):04X}").replace(b"\r\n", b"\n")
    assert parse_report(unix).crc_quality is CrcQuality.OK


@pytest.mark.parametrize(
    ("check", "quality"),
    [
        ("2321", CrcQuality.PLACEHOLDER),
        ("0000", CrcQuality.PLACEHOLDER),
        ("ffff", CrcQuality.PLACEHOLDER),
        ("1234", CrcQuality.MISMATCH),
        ("12345", CrcQuality.MISMATCH),
        ("ZZZZ", CrcQuality.MISMATCH),
        (" ", CrcQuality.ABSENT),
    ],
)
def test_a_check_that_does_not_hold_is_a_quality_and_costs_nothing(
    check: str, quality: CrcQuality
) -> None:
    report = parse_report(report_of(check=check))
    assert report.crc_quality is quality
    assert what_was_read(report) == what_was_read(parse_report(WHOLE))
    assert any("G85" in problem for problem in report.problems)


def test_a_right_check_is_right_even_if_it_is_a_placeholder_by_chance() -> None:
    so_far = crc16(b"".join(f"{line}\r\n".encode() for line in ("ST*001*0001", *BODY)))
    body = next(
        [*BODY, f"MA5*X*{number}"]
        for number in range(1_000_000)
        if crc16(f"MA5*X*{number}\r\n".encode(), so_far) in PLACEHOLDERS
    )
    assert parse_report(report_of(body)).crc_quality is CrcQuality.OK


@pytest.mark.parametrize("name", ["DXS", "ST", "SE", "DXE", "G85"])
def test_a_missing_part_of_the_envelope_is_noted_and_costs_nothing_else(name: str) -> None:
    lines = WHOLE.splitlines(keepends=True)
    report = parse_report(b"".join(line for line in lines if not line.startswith(name.encode())))
    assert f"no {name}" in report.problems
    expected = what_was_read(parse_report(WHOLE))
    if name == "DXS":
        who = msgspec.structs.replace(expected.identification, dxs_id="", dxs_version="")
        expected = msgspec.structs.replace(expected, identification=who)
    assert what_was_read(report) == expected


def test_a_wrong_count_is_told_with_both_numbers() -> None:
    report = parse_report(report_of(count=349))
    assert report.se_count == SegmentCount(349, 36)
    assert report.problems == ("SE counts 349 segments, 36 found",)


def test_text_before_the_report_is_kept_and_the_check_still_holds() -> None:
    for before in (b"<000|Operations|2025|>", b"\x02\x00 ", b"Slot 010: Sprite: 25\r\n\r\n"):
        report = parse_report(before + WHOLE)
        assert report.crc_quality is CrcQuality.OK
        assert report.identification.dxs_id == "WTN4213952"
        assert what_was_read(report) == what_was_read(parse_report(WHOLE))
    assert report.text == ("Slot 010: Sprite: 25",)


def test_a_makers_segment_before_dxs_is_kept() -> None:
    report = parse_report(b"MC5*SiLine*EvaData\r\n" + WHOLE)
    assert RawSegment("MC5", ("SiLine", "EvaData")) in report.other_segments


def test_an_unknown_segment_is_kept_by_its_id() -> None:
    report = parse_report(report_of([*BODY, "ZZ9*a**b"]))
    assert report.other_segments[-1] == RawSegment("ZZ9", ("a", "", "b"))


def test_a_bad_number_is_none_and_noted() -> None:
    report = parse_report(report_of(["PA1*1*1x0", "PA2*12*3.5**---", f"VA1*{'9' * 5000}*3"]))
    (selection,) = report.selections
    assert (selection.price_minor, selection.vends_since_init) == (None, 12)
    assert selection.value_since_init_minor is None
    assert report.totals.paid == Sales(3, None, None, None)
    assert "PA102: '1x0' is no number" in report.problems
    assert "PA202: '3.5' is no number" in report.problems


def test_money_has_the_decimals_of_id401_and_two_without_it() -> None:
    assert parse_report(report_of(["ID4*0*039*050"])).identification.decimals == 0
    assert parse_report(report_of(["ID4**1156*CNY"])).identification.decimals == 2
    odd = parse_report(report_of(["ID4*99*001*5"]))
    assert (odd.identification.decimals, odd.identification.currency) == (2, "")
    assert odd.problems == ("ID401: 99 decimals cannot be; 2 taken",)


def test_odd_prices_are_kept_as_they_are() -> None:
    report = parse_report(report_of(["PA1*1*50", "PA1*2*5000", "PA1*3*0", "PA1*4*-5"]))
    assert [row.price_minor for row in report.selections] == [50, 5_000, 0, -5]


def test_a_selection_printed_again_is_continued_if_nothing_differs() -> None:
    report = parse_report(report_of(["PA1*7*100", "PA2*5*500", "PA1*7*100*TEA", "PA4*1*0"]))
    (selection,) = report.selections
    assert (selection.name, selection.vends_since_init) == ("TEA", 5)
    assert selection.free_vends == Sales(1, 0, None, None)
    assert report.problems == ("selection 7 comes more than once",)


def test_a_selection_printed_again_with_other_numbers_is_kept_beside_the_first() -> None:
    report = parse_report(report_of(["PA1*7*100", "PA2*5*500", "PA1*7*100", "PA2*6*600"]))
    assert [row.vends_since_init for row in report.selections] == [5, 6]


def test_counters_behind_a_lost_pa1_are_not_given_to_the_selection_before() -> None:
    report = parse_report(report_of(["PA1*1*100", "PA2*5*500", "PA2*99*9900"]))
    (selection,) = report.selections
    assert selection.vends_since_init == 5
    assert RawSegment("PA2", ("99", "9900")) in report.other_segments
    assert "PA2 without its PA1: 99*9900" in report.problems


def test_a_segment_that_may_come_once_and_differs_is_noted_and_kept() -> None:
    report = parse_report(report_of(["VA1**", "VA1*100*1", "VA1*100*1", "VA1*999*9"]))
    assert report.totals.paid == Sales(1, 100, None, None)
    assert report.other_segments == (RawSegment("VA1", ("999", "9")),)
    assert any("VA1 comes 4 times" in problem for problem in report.problems)


def test_letters_beyond_ascii_are_read_in_either_encoding() -> None:
    latin = parse_report(report_of(["PA1*1*100*CAF\xc9"]))
    assert latin.selections[0].name == "CAFÉ"
    assert latin.crc_quality is CrcQuality.OK
    utf8 = parse_report(report_of(["PA1*1*100*" + "绿茶".encode().decode("latin-1")]))
    assert utf8.selections[0].name == "绿茶"
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        assert parse_report(WHOLE.decode().encode(encoding)).selections[0].name == "SODA"
    assert parse_report(b"\xef\xbb\xbf" + WHOLE) == parse_report(WHOLE)


def test_of_several_reports_in_one_capture_the_longest_is_read() -> None:
    broken = WHOLE[: WHOLE.index(b"PA1*11")]
    report = parse_report(broken + b"\r\n" + WHOLE)
    assert report.crc_quality is CrcQuality.OK
    assert len(report.selections) == 3
    assert report.problems == ("2 reports; number 2 is the longest and was read",)


def test_a_file_that_stops_inside_a_number_does_not_make_up_another() -> None:
    stop = WHOLE.index(b"PA2*40*8000") + len("PA2*40*80")
    report = parse_report(WHOLE[:stop])
    assert report.selections[1].vends_since_init == 40
    assert report.selections[1].value_since_init_minor is None
    assert "stops inside a line: 'PA2*40*80'; its last element is not used" in report.problems


def test_a_report_without_its_last_line_end_is_whole() -> None:
    assert parse_report(WHOLE.rstrip()) == parse_report(WHOLE)
    check = WHOLE[: WHOLE.index(b"\r\nSE*")]
    assert parse_report(check).crc_quality is CrcQuality.OK


def test_everything_is_bounded() -> None:
    long = parse_report(WHOLE + b"PA1*7*100\r\n" * (REPORT_BYTES_MAX // 11))
    assert any("longer than" in problem for problem in long.problems)
    assert any(f"more than {LINES_MAX} lines" in problem for problem in long.problems)
    wide = parse_report(report_of(["ZZ1" + "*" * 5_000, "ZZ2*" + "x" * 5_000]))
    assert len(wide.other_segments[0].elements) == 64
    assert len(wide.other_segments[1].elements[0]) == 256
    odd = parse_report(report_of([f"PA1*{number}*x{number}" for number in range(3_000)]))
    assert len(odd.selections) == 2_000
    assert len(odd.problems) == PROBLEMS_MAX + 1
    assert max(map(len, odd.problems)) <= PROBLEM_CHARACTERS_MAX


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"\x00" * 50, b"no report at all", b"*"])
def test_what_is_no_report_gives_an_empty_one_that_says_so(data: bytes) -> None:
    report = parse_report(data)
    assert report.selections == ()
    assert report.crc_quality is CrcQuality.ABSENT
    assert "no segment was found: this is no EVA-DTS report" in report.problems
