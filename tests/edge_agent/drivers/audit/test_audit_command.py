"""`edge-agent audit`: any content is shown, only an unreadable file is an error."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.__main__ import main
from edge_agent.drivers.audit import table
from edge_agent.drivers.audit.parser import parse_report
from tests.edge_agent.drivers.audit.samples import WHOLE, report_of


def test_json_is_one_object_with_the_documented_keys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "report.dex"
    path.write_bytes(WHOLE)
    assert main(["audit", str(path), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["crc_quality"] == "ok"
    assert shown["identification"]["serial"] == "WTN11082110074"
    assert shown["selections"][2]["selection"] == "501"
    assert shown["selections"][2]["vends_since_reset"] == 1
    assert shown["cash"]["since_init"]["cash_in_minor"] == 19_610
    assert shown["cashless"][0]["sales"]["count_since_init"] == 100
    assert shown["events"][0]["fault"] == "SLOT_EMPTY"
    assert shown["se_count"] == {"expected": 36, "found": 36}
    assert shown["problems"] == []


def test_the_table_shows_money_with_its_point_and_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "report.dex"
    path.write_bytes(report_of(check="2321"))
    assert main(["audit", str(path)]) == 0
    shown = capsys.readouterr().out
    assert "CRC        placeholder, reported 2321" in shown
    assert any(line.split()[:3] == ["501", "3.50", "7"] for line in shown.splitlines())
    assert "ELB_501  SLOT_EMPTY" in shown
    assert "G85 is 2321, computed" in shown


def test_standard_input_is_read_and_rubbish_is_no_error() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edge_agent", "audit", "-", "--json"],
        input=bytes(range(256)) * 40,
        capture_output=True,
        timeout=30,
        check=True,
    )
    assert json.loads(done.stdout)["crc_quality"] == "absent"


@pytest.mark.parametrize("name", ["missing.dex", "."])
def test_a_file_that_cannot_be_read_is_a_clear_error(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", str(tmp_path / name)]) == 1
    assert str(tmp_path) in capsys.readouterr().err


def test_a_machines_text_cannot_steer_the_terminal() -> None:
    report = parse_report(report_of(["PA1*1*100*\x1b[2Jx^1B^y", "ID1*\x1b[31m"]))
    assert "\x1b" not in "".join(table.lines(report))


@pytest.mark.parametrize(
    ("minor", "decimals", "shown"),
    [(0, 2, "0.00"), (5, 2, "0.05"), (-150, 2, "-1.50"), (500, 0, "500"), (None, 2, "-")],
)
def test_minor_units_are_shown_with_the_machines_decimals(
    minor: int | None, decimals: int, shown: str
) -> None:
    assert table.money(minor, decimals) == shown
