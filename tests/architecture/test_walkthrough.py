"""Every file and name the walkthrough tells of exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`([a-z_0-9/]+\.py)::([A-Za-z_.0-9]+)`")
WALK = (ROOT / "docs/walkthrough.md").read_text()
PLACES = sorted(set(NAMED.findall(WALK)))

STEPS_OF_THE_WALK = [
    "edge_agent/drivers/serial_port.py",
    "frames.py",
    "driver.py",
    "edge_agent/detection/",
    "edge_agent/outbox/",
    "edge_agent/mqtt_link.py",
    "fleet_server/ingest/",
    "fleet_server/wiring.py",
    "fleet_server/tickets/",
    "fleet_server/dispatch/",
    "fleet_server/notifications/",
]


def defined(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names.add(node.name)
            names |= {
                f"{node.name}.{inner.name}"
                for inner in node.body
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return names


@pytest.mark.parametrize(("file", "name"), PLACES, ids=str)
def test_a_name_in_the_walkthrough_exists(file: str, name: str) -> None:
    assert name in defined(ROOT / file)


def test_the_walkthrough_tells_the_whole_straight_walk_in_its_order() -> None:
    at = [WALK.index(step) for step in STEPS_OF_THE_WALK]
    assert at == sorted(at)
    assert len(PLACES) >= len(STEPS_OF_THE_WALK)
