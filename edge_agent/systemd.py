"""Tell systemd that we are ready, alive, or stopping (sd_notify(3): datagrams to NOTIFY_SOCKET).

The watchdog is fed from the core's own loop and nowhere else: a core that no longer steps is
restarted, however lively its other threads are. Without systemd all of it does nothing.
"""

import logging
import os
import socket
from collections.abc import Mapping

MICROSECONDS = 1_000_000
FEEDS_PER_WATCHDOG = 3
"""systemd asks for twice (sd_watchdog_enabled(3)); thrice leaves room for a slow disk."""

log = logging.getLogger(__name__)


class ServiceManager:
    """Our line to systemd."""

    def __init__(self, address: str = "", watchdog_seconds: float = 0.0) -> None:
        """`address`: path of the socket, `@` for an abstract one, empty for none."""
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._feed_seconds = watchdog_seconds / FEEDS_PER_WATCHDOG
        self._feed_at = 0.0

    @classmethod
    def of(cls, environment: Mapping[str, str], pid: int) -> "ServiceManager":
        """Line of a process, by what systemd put into its environment."""
        watched = environment.get("WATCHDOG_PID", str(pid)) == str(pid)
        text = environment.get("WATCHDOG_USEC", "0") if watched else "0"
        seconds = int(text) / MICROSECONDS if text.isdigit() else 0.0
        return cls(environment.get("NOTIFY_SOCKET", ""), seconds)

    @classmethod
    def of_this_process(cls) -> "ServiceManager":
        """Line of this very process."""
        return cls.of(os.environ, os.getpid())

    def ready(self) -> None:
        """Say that the agent is up: its first event is written and devices are asked."""
        self._tell("READY=1")

    def alive(self, elapsed: float, status: str = "") -> None:
        """Feed the watchdog when it is time; call after each step of the core."""
        if self._feed_seconds and elapsed >= self._feed_at:
            self._feed_at = elapsed + self._feed_seconds
            self._tell(f"WATCHDOG=1\nSTATUS={status}" if status else "WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the end was asked for."""
        self._tell("STOPPING=1")

    def _tell(self, state: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
                line.connect(self._address)
                line.send(state.encode())
        except OSError:
            # Not fed, systemd restarts us: that is the right answer to a line that is gone.
            log.exception("systemd.not_told", extra={"state": state})
