"""The doctor on real pseudo-terminals: what works is called well, what does not gets its advice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.__main__ import main
from edge_agent.clock import SystemClock
from edge_agent.doctor import hardware, site
from edge_agent.doctor.findings import Finding, Level, lines
from edge_agent.seed import Chance
from edge_agent.settings import (
    BusSettings,
    DeviceSettings,
    Settings,
    read_settings,
    write_identity,
)
from edge_agent.store import STORE_FILE
from simulators.devices.bus import SimulatedBus
from simulators.devices.cu16 import SimulatedCu16
from simulators.devices.xy_md02 import SimulatedXyMd02
from simulators.hosts.ports import free_ports
from tests.edge_agent.model_server import ModelServer

LOCKS = DeviceSettings("locks", "cu16", 0, doors={"A1": 1, "A2": 2})
PROBE = DeviceSettings("probe", "xy-md02", 1, part="chiller")


@pytest.fixture
def locks(tmp_path: Path) -> Iterator[tuple[str, SimulatedCu16]]:
    board = SimulatedCu16(Chance.from_seed(1))
    with SimulatedBus([board], SystemClock(), link=tmp_path / "locks") as bus:
        yield bus.path, board


@pytest.fixture
def probe(tmp_path: Path) -> Iterator[tuple[str, SimulatedXyMd02]]:
    device = SimulatedXyMd02(Chance.from_seed(2), temperature_celsius=3.5)
    with SimulatedBus([device], SystemClock(), link=tmp_path / "probe") as bus:
        yield bus.path, device


def examined(port: str, *devices: DeviceSettings, elsewhere: bool = True) -> list[Finding]:
    settings = BusSettings(port, list(devices))
    return list(hardware.examine(settings, SystemClock(), elsewhere=elsewhere))


def test_a_lock_board_that_works_is_told_with_its_open_doors_and_never_pulsed(
    locks: tuple[str, SimulatedCu16],
) -> None:
    port, board = locks
    board.open_door(2)
    opened, found = examined(port, LOCKS)
    assert (opened.level, found.level) == (Level.OK, Level.OK)
    assert "2 doors, open: A2" in found.text.en
    assert board.pulses(1) == 0


def test_a_silent_device_gets_the_advice_of_a_silent_device(
    probe: tuple[str, SimulatedXyMd02],
) -> None:
    port, device = probe
    device.faults.wire.silent = True
    (_, found) = examined(port, PROBE, elsewhere=False)
    assert found.level is Level.FAIL
    assert "power" in found.fix.en
    assert "供电" in found.fix.zh


def test_a_device_at_another_address_is_found_there(probe: tuple[str, SimulatedXyMd02]) -> None:
    port, _ = probe
    wrong = DeviceSettings("probe", "xy-md02", 4, part="chiller")
    (_, found) = examined(port, wrong)
    assert found.level is Level.FAIL
    assert "address 1, 9600 baud" in found.fix.en


def test_a_missing_port_and_settings_that_cannot_be_are_told_and_nothing_more(
    tmp_path: Path,
) -> None:
    (missing,) = examined(str(tmp_path / "none"), LOCKS)
    assert missing.level is Level.FAIL
    assert "by-id" in missing.fix.en
    (wrong,) = examined(str(tmp_path / "none"), DeviceSettings("x", "unheard-of"))
    assert "unknown kind" in wrong.text.en


def test_a_port_that_the_agent_holds_is_told_as_busy(locks: tuple[str, SimulatedCu16]) -> None:
    port, _ = locks
    bus = hardware.build_bus(BusSettings(port, [LOCKS]), hardware.ReadingQueue(), SystemClock())
    bus.open()
    (busy,) = examined(port, LOCKS)
    bus.stop()
    assert busy.level is Level.FAIL
    assert "systemctl stop edge-agent" in busy.fix.en


def test_a_scan_finds_what_nobody_described(probe: tuple[str, SimulatedXyMd02]) -> None:
    port, _ = probe
    told: list[str] = []
    found = list(hardware.scan(port, SystemClock(), told.append, ("cu16", "xy-md02")))
    answers = [one.text.en for one in found if one.level is Level.OK]
    assert "xy-md02 answers at address 1" in answers
    assert any("cu16" in word for word in told)


def test_a_scan_of_a_port_that_does_not_open_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--port", str(tmp_path / "nothing")]) == 1
    printed = capsys.readouterr()
    assert "[FAIL]" in printed.out
    assert "/dev/serial/by-id" in printed.out
    assert "cu16" not in printed.err


def around(folder: Path, **changes: object) -> dict[str, Finding]:
    settings = Settings(data_dir=str(folder), **changes)  # type: ignore[arg-type]
    return {one.subject: one for one in site.examine(settings, SystemClock())}


def test_a_cabinet_that_never_joined_is_told_how_to(tmp_path: Path) -> None:
    found = around(tmp_path)
    assert found["identity"].level is Level.FAIL
    assert "claim code" in found["identity"].fix.en
    assert found["disk"].level is Level.OK


def test_broker_store_and_room_are_looked_at(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    write_identity(tmp_path, ModelServer().identity(brokers=[f"mqtt://127.0.0.1:{port}"]))
    (tmp_path / STORE_FILE).write_bytes(b"rubbish" * 1_000)
    found = around(tmp_path, storage_reserve_bytes=10**15)
    assert found[f"mqtt://127.0.0.1:{port}"].level is Level.WARN
    assert found["store"].level is Level.FAIL
    assert found["disk"].level is Level.FAIL
    assert found["identity"].level is Level.OK


def test_the_command_prints_each_finding_and_fails_when_something_must_be_mended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], locks: tuple[str, SimulatedCu16]
) -> None:
    port, _ = locks
    config = tmp_path / "agent.toml"
    config.write_text(
        f'data_dir = "{tmp_path / "data"}"\n[[buses]]\nport = "{port}"\n'
        '[[buses.devices]]\nname = "locks"\nkind = "cu16"\ndoors = { A1 = 1 }\n'
    )
    assert read_settings(config).all_doors() == ["A1"]
    assert main(["doctor", "--config", str(config)]) == 1
    printed = capsys.readouterr().out
    assert "[ ok ]" in printed
    assert "[FAIL] identity" in printed
    assert main(["doctor", "--config", str(config), "--json"]) == 1
    assert '"level":"fail"' in capsys.readouterr().out


def test_every_line_for_a_terminal_has_both_languages(tmp_path: Path) -> None:
    told = [line for one in around(tmp_path).values() for line in lines(one)]
    assert told
    assert all(any("一" <= letter <= "鿿" for letter in line) for line in told)
