"""`docs/detection.md` says what the code does, where a test can tell."""

import re
from pathlib import Path

import pytest

from edge_agent.detection import thresholds
from edge_agent.detection.thresholds import CN, PROFILES, Thresholds
from protocol.faults import CATALOGUE
from tests.edge_agent.detection.test_every_code import CASES
from tests.edge_agent.detection.test_through_the_agent import NOT_RAISED_BY_THE_AGENT
from tests.edge_agent.selling.core_faults import CORE_FAULTS

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "detection.md").read_text()
CELLS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| ")
]
ROWS = [cells for cells in CELLS if cells[0] in CATALOGUE]
BY_DEVICES = [cells for cells in ROWS if len(cells) == 7]
BY_CORE = [cells for cells in ROWS if len(cells) == 5]
FIELDS = [name for name in Thresholds.__struct_fields__ if name != "hold_checkpoints"]


def test_every_code_has_a_row_or_is_said_not_to_be_raised() -> None:
    assert {row[0] for row in BY_DEVICES} == {case.code for case in CASES}
    assert {row[0] for row in BY_CORE} == {*CORE_FAULTS, "CPU_RESETS", "STORAGE_WEAR"}
    unraised = TEXT.split("## Not raised by the agent")[1].split("##")[0]
    assert set(re.findall(r"`([A-Z_]+)`", unraised)) == set(NOT_RAISED_BY_THE_AGENT)


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]}-{row[2]}" for row in ROWS])
def test_a_row_names_its_severity_and_a_file_that_knows_its_code(row: list[str]) -> None:
    kind = CATALOGUE[row[0]]
    worse = kind.severity_perishable
    assert row[1] == (kind.severity if worse is None else f"{kind.severity}/{worse}")
    package = "detection" if row in BY_DEVICES else "selling"
    source = ROOT / "edge_agent" / package / row[2].strip("`")
    assert f'"{row[0]}"' in source.read_text()
    assert not kind.latched or "latched" in " ".join(row)


def test_every_threshold_named_is_one_and_every_one_is_explained() -> None:
    text, table = TEXT.split("## Thresholds")
    units = "seconds|celsius|percent|grams|polls|hour|starts|episodes|openings|edges|tries|resets"
    named = set(re.findall(rf"`(\w+_(?:{units}|pulses))`", text))
    assert named == set(FIELDS)
    assert {name for name in FIELDS if f"| `{name}` |" in table} == set(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_a_threshold_is_documented_with_its_number_and_bounds(name: str) -> None:
    value = getattr(CN, name)
    usual = thresholds._COUNT if isinstance(value, int) else thresholds._DURATION
    low, high = thresholds._BOUNDS.get(name, usual)
    assert f"| `{name}` | {value:g} | {low:g} to {high:g} |" in TEXT


@pytest.mark.parametrize("name", ["cn", "fda", "nama"])
def test_the_profiles_are_documented(name: str) -> None:
    profile = PROFILES[name]
    checkpoints = ", ".join(
        f"{row.after_seconds:g} s: {row.limit_celsius:g} C" for row in profile.hold_checkpoints
    )
    excess, grace = profile.hold_excess_seconds, profile.hold_grace_seconds
    assert f"| `{name}` | {excess:g} s | {grace:g} s | {checkpoints or 'none'} |" in TEXT
