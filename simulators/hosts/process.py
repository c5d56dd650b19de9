"""One real process with its log file, that can be killed like a power cut."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from simulators.errors import ProcessStuckError

STOP_SECONDS_MAX = 20.0
"""A clean stop of the server takes at most 15 s (its supervisor); of an agent 2 s."""


class HostedProcess:
    """Starts, kills and restarts one command; its output goes to a file."""

    def __init__(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = list(command)
        self.log = log
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        """Name of its log file: `server`, `ingest-1`."""
        return self.log.stem

    @property
    def pid(self) -> int:
        """Process id of the running process."""
        if self._process is None:
            raise ProcessStuckError(self._command[-1], "is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, in a process group of its own: Ctrl-C is ours to hand on."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Wait until it ends by itself. Raises ProcessStuckError if it fails or takes too long."""
        if self._process is None:
            return
        try:
            code = self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ProcessStuckError(self._command[-1], f"in {STOP_SECONDS_MAX} s") from None
        if code != 0:
            raise ProcessStuckError(self._command[-1], f"it failed with {code}: {self.tail()}")

    def kill(self) -> None:
        """SIGKILL: it gets no chance to tidy up."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """Ask it to end. Raises ProcessStuckError when it does not, after killing it."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ProcessStuckError(self._command[-1], f"in {STOP_SECONDS_MAX} s") from None
        finally:
            self._process = None

    def tail(self, lines: int = 15) -> str:
        """Last lines of its log, for a reason."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
