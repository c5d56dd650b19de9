"""systemd's notify protocol on a real socket, and the watchdog that only the core feeds."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_agent.systemd import ServiceManager
from tests.edge_agent.workbench import Bench

USEC = {"WATCHDOG_USEC": "30000000"}


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(5.0)
        yield heard


def test_ready_alive_and_stopping_are_told_in_systemds_words(listening: socket.socket) -> None:
    manager = ServiceManager.of({"NOTIFY_SOCKET": listening.getsockname(), **USEC}, 1)
    manager.ready()
    manager.alive(100.0)
    manager.stopping()
    assert [listening.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_the_watchdog_is_fed_three_times_in_its_period_however_often_the_core_steps(
    listening: socket.socket,
) -> None:
    manager = ServiceManager.of({"NOTIFY_SOCKET": listening.getsockname(), **USEC}, 1)
    for quarter in range(120):
        manager.alive(1_000.0 + quarter * 0.25)
    manager.stopping()
    told = [listening.recv(100) for _ in range(4)]
    assert told == [b"WATCHDOG=1"] * 3 + [b"STOPPING=1"]


def test_an_abstract_socket_is_understood() -> None:
    name = f"edge-agent-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(f"\0{name}")
        heard.settimeout(5.0)
        ServiceManager(f"@{name}").ready()
        assert heard.recv(100) == b"READY=1"


@pytest.mark.parametrize(
    "environment",
    [{}, USEC, {"NOTIFY_SOCKET": "nowhere"}, {**USEC, "WATCHDOG_PID": "2"}, {"WATCHDOG_USEC": "x"}],
)
def test_without_a_manager_or_with_one_that_is_gone_the_agent_goes_on(
    environment: dict[str, str],
) -> None:
    manager = ServiceManager.of(environment, 1)
    manager.ready()
    manager.alive(1.0)
    manager.stopping()


def test_a_core_that_hangs_feeds_nothing(
    make_bench: Callable[..., Bench], listening: socket.socket
) -> None:
    """Goal: the watchdog sees the core and not the process. Method: a step that never returns."""
    bench = make_bench()
    hung, released = threading.Event(), threading.Event()

    def hang() -> None:
        hung.set()
        released.wait(30.0)

    bench.agent.step = hang  # type: ignore[method-assign]  # the hang of the test
    stop = threading.Event()
    manager = ServiceManager(listening.getsockname(), watchdog_seconds=0.3)
    thread = threading.Thread(target=bench.agent.run, args=(stop, manager))
    thread.start()
    assert listening.recv(100) == b"READY=1"
    assert hung.wait(5.0)
    listening.settimeout(0.5)
    with pytest.raises(TimeoutError):
        listening.recv(100)
    stop.set()
    released.set()
    thread.join(10.0)
    assert not thread.is_alive()
