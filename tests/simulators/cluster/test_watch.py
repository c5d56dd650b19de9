"""`cabinet-sim cluster` keeps its processes running; the whole cluster is in tests/journeys."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet_server.clock import ManualClock
from simulators.cluster.command import RESTART_SECONDS, Watch
from simulators.cluster.host import refuse_taken
from simulators.errors import SimulatorError
from simulators.hosts.process import HostedProcess
from tests.server_fixtures import MONDAY_MORNING

SLEEP = ["sleep", "60"]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[HostedProcess]:
    process = HostedProcess(SLEEP, tmp_path / "nats-1.log")
    process.log.write_text("its last words\n")
    process.start()
    yield process
    process.kill()


@pytest.mark.real_parts
def test_what_ended_is_told_with_its_last_words_and_started_again(process: HostedProcess) -> None:
    clock, told = ManualClock(MONDAY_MORNING), list[str]()
    watch = Watch({"nats-1": (process, process.start)}, clock, told.append)
    watch.look()
    assert told == []
    process.kill()
    watch.look()
    assert told == ["nats-1 已停 · ended\nits last words"]
    watch.look()
    assert not process.running
    clock.advance(RESTART_SECONDS)
    watch.look()
    assert process.running
    assert told[1:] == [f"nats-1 已重启 · started again, process {process.pid}"]


def test_a_port_somebody_has_is_named_before_anything_is_started() -> None:
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        port = somebody.getsockname()[1]
        with pytest.raises(SimulatorError, match=f"port {port} is in use"):
            refuse_taken([port])
    refuse_taken([port])
