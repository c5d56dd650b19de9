"""Command line: `run`, `enrol`, `status`, `doctor`, `audit`, `export-journal`.

`run` must stay small in memory, so this file imports nothing heavy: argparse, urllib, logging.
"""

import argparse
import hashlib
import http.client
import logging
import re
import signal
import sqlite3
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path

import msgspec

from edge_agent.agent import World, build
from edge_agent.clock import SystemClock
from edge_agent.errors import EdgeError, OutsideError
from edge_agent.logs import configure
from edge_agent.outbox.presence import AGENT_VERSION
from edge_agent.seed import Chance
from edge_agent.settings import (
    IDENTITY_FILE,
    read_identity,
    read_settings,
    write_identity,
)
from edge_agent.store import STORE_FILE, StorageError
from edge_agent.systemd import ServiceManager
from protocol.enrolment import EnrolmentAnswer, EnrolmentRequest
from protocol.journal import SEQUENCE_MAX

EXIT_FAILED = 1
EXIT_RESTART = 3
"""An order asked for a new start; the service manager gives it (Restart=on-failure)."""
HTTP_SECONDS_MAX = 30.0
"""Enrolment over a poor mobile link."""
ANSWER_BYTES_MAX = 1024 * 1024
_DIGITS = re.compile(r"[0-9]{1,19}")  # of a 64-bit number
_MACHINE_BOOT = Path("/proc/sys/kernel/random/boot_id")

log = logging.getLogger(__name__)


class HttpRefusedError(OutsideError):
    """The other side said no."""

    def __init__(self, url: str, status: int, detail: str) -> None:
        super().__init__(f"{url} answered {status}: {detail}")
        self.url = url
        self.status = status
        self.detail = detail


class ServerUnreachableError(OutsideError):
    """No answer came over HTTP."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url}: {reason}")
        self.url = url


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except (EdgeError, OSError) as error:
        print(f"edge-agent: {error}", file=sys.stderr)
        return EXIT_FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="edge-agent", description="The agent on the cabinet.")
    parser.add_argument("--version", action="version", version=AGENT_VERSION)
    verbs = parser.add_subparsers(required=True)
    run = _verb(verbs, "run", _run, "run the agent until SIGTERM")
    enrol = _verb(verbs, "enrol", _enrol, "join the fleet with a one-time claim code")
    enrol.add_argument("--server", required=True, help="address of the server, http(s)://...")
    enrol.add_argument("--claim", required=True, help="one-time claim code")
    enrol.add_argument("--serial", required=True, help="serial number of the cabinet")
    status = _verb(verbs, "status", _status, "print the state of the running agent")
    export = _verb(verbs, "export-journal", _export, "print the journal as JSON lines")
    export.add_argument("--after", type=_sequence, default=0, help="only events after this one")
    audit = _verb(verbs, "audit", _audit, "parse an EVA-DTS audit report, whatever its state")
    audit.add_argument("file", metavar="FILE", help="the report; - reads standard input")
    audit.add_argument("--json", action="store_true", help="print one JSON object")
    doctor = _verb(verbs, "doctor", _doctor, "find and test what is attached; say what to fix")
    what = doctor.add_mutually_exclusive_group(required=True)
    what.add_argument("--config", type=Path, help="settings file (TOML): test all it names")
    what.add_argument("--port", help="serial port nobody described: find out what hangs on it")
    doctor.add_argument("--json", action="store_true", help="print one JSON object a line")
    for verb in (run, enrol, status, export):
        verb.add_argument("--config", type=Path, required=True, help="settings file (TOML)")
    return parser


def _verb(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    command: Callable[[argparse.Namespace], int],
    text: str,
) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=text, description=text)
    verb.set_defaults(command=command)
    return verb


def _sequence(text: str) -> int:
    """A sequence of the journal, as an argument."""
    if not _DIGITS.fullmatch(text) or int(text) > SEQUENCE_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 0 to {SEQUENCE_MAX}")
    return int(text)


def _run(options: argparse.Namespace) -> int:
    settings = read_settings(options.config)
    configure(settings.log_level)
    identity = read_identity(Path(settings.data_dir))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    machine_boot = _MACHINE_BOOT.read_text().strip() if _MACHINE_BOOT.exists() else ""
    world = World(clock=SystemClock(), chance=Chance.system(), machine_boot=machine_boot)
    agent = build(settings, identity, world)
    log.info("agent.started", extra={"cabinet": identity.cabinet, "port": agent.local_port})
    try:
        agent.run(stop, ServiceManager.of_this_process())
    except Exception:
        log.exception("agent.crashed")  # `main` tells it in one line, which mends nothing
        raise
    return EXIT_RESTART if agent.restart_wanted else 0


def _enrol(options: argparse.Namespace) -> int:
    settings = read_settings(options.config)
    request = EnrolmentRequest(options.claim, options.serial, AGENT_VERSION)
    url = options.server.rstrip("/") + "/api/v1/enrolments"
    # The claim works once: what would keep us from storing the answer must show before.
    Path(settings.data_dir).mkdir(parents=True, exist_ok=True)
    answer = _http(url, msgspec.json.encode(request))
    try:
        identity = msgspec.json.decode(answer, type=EnrolmentAnswer)
    except msgspec.DecodeError as error:
        raise ServerUnreachableError(url, f"not an enrolment: {error}") from error
    write_identity(Path(settings.data_dir), identity)
    print(f"joined {identity.fleet} as {identity.cabinet}; kept in {IDENTITY_FILE}")
    return 0


def _status(options: argparse.Namespace) -> int:
    settings = read_settings(options.config)
    url = f"http://{settings.local_api.host}:{settings.local_api.port}/v1/state"
    try:
        shown = msgspec.json.format(_http(url, None), indent=2)
    except msgspec.DecodeError as error:
        raise ServerUnreachableError(url, f"this is no agent: {error}") from error
    sys.stdout.buffer.write(shown + b"\n")  # UTF-8 whatever the terminal's own letters are
    return 0


def _export(options: argparse.Namespace) -> int:
    settings = read_settings(options.config)
    for line in _journal_lines(Path(settings.data_dir) / STORE_FILE, options.after):
        print(line)
    return 0


def _doctor(options: argparse.Namespace) -> int:
    """Print findings as they come; 1 when something has to be mended."""
    # `run` must not pay for the doctor.
    from edge_agent.doctor import hardware, site
    from edge_agent.doctor.findings import Level, lines

    clock = SystemClock()
    if options.port:
        findings = hardware.scan(options.port, clock, lambda text: print(text, file=sys.stderr))
    else:
        settings = read_settings(options.config)
        examined = [hardware.examine(bus, clock) for bus in settings.buses]
        findings = chain(site.examine(settings, clock), *examined)
    failed = False
    for finding in findings:
        failed = failed or finding.level is Level.FAIL
        told = [msgspec.json.encode(finding).decode()] if options.json else lines(finding)
        print("\n".join(told), flush=True)
    return EXIT_FAILED if failed else 0


def _audit(options: argparse.Namespace) -> int:
    """Print a report; odd content is no error, an unreadable file is."""
    # `run` must not pay for the parser.
    from edge_agent.drivers.audit import table
    from edge_agent.drivers.audit.grammar import REPORT_BYTES_MAX
    from edge_agent.drivers.audit.parser import parse_report

    if options.file == "-":
        data = sys.stdin.buffer.read(REPORT_BYTES_MAX + 1)
    else:
        with Path(options.file).open("rb") as file:
            data = file.read(REPORT_BYTES_MAX + 1)
    report = parse_report(data)
    if options.json:
        shown = msgspec.json.format(msgspec.json.encode(report), indent=2)
    else:
        shown = "\n".join(table.lines(report)).encode()
    sys.stdout.buffer.write(shown + b"\n")  # UTF-8 whatever the terminal's own letters are
    return 0


def _journal_lines(path: Path, after: int) -> Iterator[str]:
    """Journal as JSON lines; read-only, also beside a running agent."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as store:
            lane = store.execute("SELECT epoch FROM lane WHERE name = 'journal'").fetchone()
            if lane is None:
                return  # a store that was just born holds no journal yet
            rows = store.execute(
                "SELECT seq, type, body FROM journal WHERE seq > ? ORDER BY seq", (after,)
            )
            for seq, kind, body in rows:
                yield msgspec.json.encode(
                    {
                        "epoch": lane[0],
                        "seq": seq,
                        "type": kind,
                        "sha256": hashlib.sha256(body).hexdigest(),
                        "body": msgspec.Raw(body),
                    }
                ).decode()
    except sqlite3.Error as error:
        raise StorageError(f"{path}: {error}") from error


def _http(url: str, body: bytes | None) -> bytes:
    if not url.startswith(("http://", "https://")):
        raise ServerUnreachableError(url, "not an http(s) address")
    request = urllib.request.Request(  # noqa: S310  # the scheme was checked above
        url, data=body, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=HTTP_SECONDS_MAX) as answer:  # noqa: S310  # same
            return bytes(answer.read(ANSWER_BYTES_MAX))
    except urllib.error.HTTPError as error:
        with closing(error):
            detail = error.read(ANSWER_BYTES_MAX).decode(errors="replace")
        raise HttpRefusedError(url, error.code, detail) from error
    except (OSError, http.client.HTTPException) as error:  # a URLError is an OSError
        raise ServerUnreachableError(url, str(error) or type(error).__name__) from error


if __name__ == "__main__":
    sys.exit(main())
