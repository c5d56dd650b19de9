"""The command line as a process: clear errors, enrolment, a clean end, what `run` imports."""

import json
import logging
import os
import signal
import socketserver
import stat
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

import edge_agent.__main__
from edge_agent.__main__ import main
from edge_agent.agent import SCHEMA_STEPS
from edge_agent.errors import MisuseError
from edge_agent.settings import (
    IDENTITY_FILE,
    SettingsError,
    read_settings,
    write_identity,
)
from edge_agent.store import Store
from protocol.enrolment import EnrolmentRequest
from tests.edge_agent.model_server import ModelServer

WAIT_SECONDS_MAX = 30.0
EXAMPLE = Path(__file__).parents[2] / "deploy" / "edge-agent.example.toml"


def agent(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge_agent", *arguments],
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS_MAX,
        check=False,
    )


class FakeEnrolment(BaseHTTPRequestHandler):
    """Lets a claim in once."""

    claims: set[str] = set()  # noqa: RUF012  # one test server at a time, emptied by its fixture

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = msgspec.json.decode(body, type=EnrolmentRequest)
        if self.path != "/api/v1/enrolments" or request.claim_code not in self.claims:
            self._answer(403, b'{"type":"wrong-claim","detail":"no such claim"}')
            return
        self.claims.remove(request.claim_code)
        identity = ModelServer().identity(brokers=["mqtt://127.0.0.1:1"])
        self._answer(201, msgspec.json.encode(identity))

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server_url() -> Iterator[str]:
    FakeEnrolment.claims = {"claim-1"}
    server = HTTPServer(("127.0.0.1", 0), FakeEnrolment)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "agent.toml"
    path.write_text(
        f'data_dir = "{tmp_path / "data"}"\nclock_trusted = true\n[local_api]\nport = 0\n'
    )
    return path


def enrol(config: Path, url: str, claim: str = "claim-1") -> subprocess.CompletedProcess[str]:
    return agent(
        "enrol", "--server", url, "--claim", claim, "--serial", "SN1", "--config", str(config)
    )


def test_the_example_settings_are_read_and_name_every_setting() -> None:
    settings = read_settings(EXAMPLE)
    assert settings.slot_targets() == {"A1": "A1", "A2": "A2"}
    text = EXAMPLE.read_text()
    assert [name for name in settings.__struct_fields__ if name not in text] == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "data_dir"),
        ('data_dir = "d"\nspeed = 1', "speed"),
        ('data_dir = "d"\npoll_seconds = "fast"', "poll_seconds"),
        ('data_dir = "d"\npoll_seconds = 0', "poll_seconds"),
        ('data_dir = "d"\npoll_seconds = 11', "poll_seconds"),
        ('data_dir = "d"\n[[buses]]\nport = "p"\ndevices = []\npoll_seconds = 60', "buses.p.poll"),
        ('data_dir = "d"\nreconnect_spread_seconds = -1', "reconnect_spread_seconds"),
        ('data_dir = "d"\nproof_seconds = nan', "proof_seconds"),
        ('data_dir = "d"\nbirth_answer_seconds = inf', "birth_answer_seconds"),
        ('data_dir = "d"\nstorage_reserve_bytes = -1', "storage_reserve_bytes"),
        ('data_dir = "d"\n[local_api]\nport = 65536', "local_api.port"),
        ('data_dir = "d"\n' + '[[buses]]\nport = "p"\ndevices = []\n' * 2, "port 'p'"),
        ('data_dir = "d"\n[[buses]]\nport = ""\ndevices = []\n', "a port has no name"),
        ('data_dir = "d"\n[slots]\nA1 = "B9"', "slots.A1"),
        ('data_dir = "d"\n[local_api]\nport = "x"', "local_api.port"),
        ("data_dir = ", "Invalid value"),
    ],
)
def test_wrong_settings_are_a_clear_error_with_the_key(
    tmp_path: Path, text: str, named: str
) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_settings(path)
    assert named in caught.value.reason


def test_an_agent_that_never_joined_says_so(config: Path) -> None:
    ended = agent("run", "--config", str(config))
    assert ended.returncode == 1
    assert "enrol" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_p19_a_claim_is_kept_readable_by_its_owner_alone(config: Path, server_url: str) -> None:
    assert enrol(config, server_url).returncode == 0
    identity = config.parent / "data" / "identity.json"
    assert stat.S_IMODE(identity.stat().st_mode) == 0o600
    assert json.loads(identity.read_text())["credential"] == "secret"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_p19_what_root_enrols_the_service_can_read(tmp_path: Path) -> None:
    os.chown(tmp_path, 12_345, 12_345)
    write_identity(tmp_path, ModelServer().identity())
    kept = (tmp_path / IDENTITY_FILE).stat()
    assert (kept.st_uid, kept.st_gid, stat.S_IMODE(kept.st_mode)) == (12_345, 12_345, 0o600)


def test_p19_a_wrong_claim_is_a_clear_error_and_keeps_what_was(
    config: Path, server_url: str
) -> None:
    enrol(config, server_url)
    before = (config.parent / "data" / "identity.json").read_bytes()
    ended = enrol(config, server_url, claim="wrong")
    assert ended.returncode == 1
    assert "no such claim" in ended.stderr
    assert (config.parent / "data" / "identity.json").read_bytes() == before


def test_a_server_that_is_not_there_is_a_clear_error(config: Path) -> None:
    ended = enrol(config, "http://127.0.0.1:1")
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr


class Rubbish(socketserver.BaseRequestHandler):
    """Speaks, but no HTTP."""

    said = b"SSH-2.0-OpenSSH_9.2\r\n"

    def handle(self) -> None:
        self.request.recv(4096)
        self.request.sendall(self.said)


class NoJson(Rubbish):
    """HTTP, but nothing of ours."""

    said = b"HTTP/1.0 200 OK\r\n\r\n<html>"


@pytest.mark.parametrize("kind", [Rubbish, NoJson])
def test_another_program_on_our_port_is_a_clear_error(
    kind: type[Rubbish], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "agent.toml"
    with socketserver.TCPServer(("127.0.0.1", 0), kind) as server:
        threading.Thread(target=server.handle_request).start()
        port = server.server_address[1]
        path.write_text(f'data_dir = "{tmp_path}"\n[local_api]\nport = {port}\n')
        assert main(["status", "--config", str(path)]) == 1
    assert f"edge-agent: http://127.0.0.1:{port}/v1/state: " in capsys.readouterr().err


@pytest.mark.parametrize("after", ["x", "-1", "99999999999999999999", "٣"])
def test_a_sequence_that_cannot_be_is_a_wrong_argument(
    config: Path, after: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["export-journal", "--config", str(config), f"--after={after}"])
    assert caught.value.code == 2
    assert "is not a number of 0 to" in capsys.readouterr().err


def test_the_journal_of_a_store_that_was_just_born_is_empty(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = config.parent / "data"
    Store.open(folder, SCHEMA_STEPS, now=datetime(2026, 11, 1, tzinfo=UTC)).close()
    assert main(["export-journal", "--config", str(config)]) == 0
    assert capsys.readouterr().out == ""


def test_run_answers_on_its_port_and_ends_cleanly_on_sigterm(config: Path, server_url: str) -> None:
    enrol(config, server_url)
    with subprocess.Popen(
        [sys.executable, "-m", "edge_agent", "run", "--config", str(config)],
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr is not None
        line = next(line for line in running.stderr if "agent.started" in line)
        port = line.split("port=")[1].split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/state") as answer:
            assert json.loads(answer.read())["cabinet"] == "cab-1"
        running.send_signal(signal.SIGTERM)
        running.stderr.read()
        assert running.wait(WAIT_SECONDS_MAX) == 0
    exported = agent("export-journal", "--config", str(config))
    events = [json.loads(line) for line in exported.stdout.splitlines()]
    assert [event["type"] for event in events] == ["agent.started", "agent.stopped"]
    assert all(len(event["sha256"]) == 64 and event["epoch"] for event in events)


class BrokenAgent:
    """An agent with a defect in its core."""

    local_port = 0

    def run(self, *_: object) -> None:
        raise MisuseError("a defect of ours")


@pytest.fixture
def as_before() -> Iterator[None]:
    """`run` takes over logging and signals of the process; give them back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    signals = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for number, handler in signals.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("as_before")
def test_a_defect_in_the_core_ends_with_its_traceback_in_the_log(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_identity(config.parent / "data", ModelServer().identity())
    monkeypatch.setattr(edge_agent.__main__, "build", lambda *_: BrokenAgent())
    assert main(["run", "--config", str(config)]) == 1
    told = capsys.readouterr().err
    assert "agent.crashed" in told
    assert "Traceback" in told


def test_the_running_agent_imports_nothing_heavy() -> None:
    code = (
        "import sys; import edge_agent.__main__;"
        "print(*[name for name in ('pydantic', 'structlog', 'typer', 'rich', 'sqlalchemy',"
        " 'pymodbus', 'asyncio', 'yaml', 'fastapi') if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COVERAGE_PROCESS_START": ""},
    )
    assert found.stdout.strip() == ""
