"""`deploy/cluster` is what operators copy: every verb, option and setting in it must exist."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from fleet_server.__main__ import cli
from fleet_server.settings import Settings

FOLDER = Path(__file__).parents[2] / "deploy/cluster"
UNITS = sorted((FOLDER / "systemd").glob("*.service"))
ENVIRONMENTS = sorted(FOLDER.glob("*.env"))
NOT_OURS = {"PGPASSFILE", "CLUSTER_PORT", "ROUTES"}
"""libpq's, and two that the units put into a command."""


def variables(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def of_node(unit: Path) -> dict[str, str]:
    """What an instance `@1` of the unit finds in its environment."""
    files = re.findall(r"^EnvironmentFile=/etc/fleet/(.*)$", unit.read_text(), re.MULTILINE)
    return {
        name: value
        for file in files
        for name, value in variables(FOLDER / file.replace("%i", "1")).items()
    }


def commands(unit: Path) -> Iterator[list[str]]:
    """Words of what the instance `@1` runs, with the environment put in as systemd does."""
    known = of_node(unit)
    whole = unit.read_text().replace("\\\n", " ").replace("%i", "1")
    for line in re.findall(r"^ExecStart(?:Pre)?=(.*)$", whole, re.MULTILINE):
        filled = re.sub(r"\$\{?([A-Z_]+)\}?", lambda found: known[found[1]], line)
        yield shlex.split(filled.removeprefix("-"))  # the dash: it may fail


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_every_command_of_a_unit_can_be_parsed(unit: Path) -> None:
    found = list(commands(unit))
    assert found
    for program, verb, *options in found:
        if program.endswith("/nats-server"):
            continue
        assert program == "/opt/fleet/bin/fleet-server"
        known = typer.main.get_command(cli).commands[verb]  # type: ignore[attr-defined]  # a group
        known.make_context(verb, options)


def test_the_nodes_name_each_other() -> None:
    nodes = [variables(FOLDER / f"nats-{number}.env") for number in (1, 2, 3)]
    for node in nodes:
        others = [one["FLEET_BROKER_HOST"] for one in nodes if one is not node]
        routes = " ".join(f"--route {host}:{node['CLUSTER_PORT']}" for host in others)
        assert node["ROUTES"] == routes
    urls = [f"mqtt://{one['FLEET_BROKER_HOST']}:{one['FLEET_BROKER_PORT']}" for one in nodes]
    assert variables(FOLDER / "cluster.env")["FLEET_BROKER_URL"].split(",") == urls


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.name)
def test_every_variable_is_a_setting_and_its_value_is_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {f"FLEET_{name.upper()}" for name in Settings.model_fields}
    found = variables(path)
    assert found.keys() - NOT_OURS <= known
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    assert Settings().resolved_uplink_qos == (0 if path.name == "cluster.env" else 1)


def test_the_one_command_is_a_script_that_finds_its_way() -> None:
    script = FOLDER / "up"
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", str(script)], check=True)  # noqa: S607  # the system's bash
