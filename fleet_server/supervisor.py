"""Runs broker and app as two processes and restarts either; beside `app` in the order of packages.

Two processes, because the embedded broker is asyncio in one thread: a long query in the app must
not hold up a heartbeat. When the supervisor itself is killed its children end too, so that a
restart finds its ports free.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping

from fleet_server.logs import get_logger

log = get_logger("supervisor")

RESTART_WAIT_SECONDS = 0.5
RESTART_WAIT_SECONDS_MAX = 10.0
"""A part that dies at once again waits longer each time, so that a wrong setting burns no CPU."""
STEADY_LOOKS = 50
"""Looks (0.2 s each) after which a part counts as steady and its wait is short again."""
LOOK_SECONDS = 0.2
STOP_SECONDS = 15.0
"""How long a part may take to end before it is killed; the app itself takes at most 10."""
PARENT_LOOK_SECONDS = 0.5


class _Part:
    """One supervised process."""

    def __init__(self, name: str, verb: str) -> None:
        self.name = name
        self._verb = verb
        self._wait = RESTART_WAIT_SECONDS
        self._looks = 0
        self._pause = 0.0
        self._process = self._start()

    def look(self) -> None:
        """Restart it when it ended."""
        self._looks += 1
        if self._process.poll() is None:
            if self._looks > STEADY_LOOKS:
                self._wait = RESTART_WAIT_SECONDS
            return
        if self._pause == 0.0:
            log.error("part.ended", name=self.name, code=self._process.returncode, wait=self._wait)
            self._pause = self._wait
        self._pause -= LOOK_SECONDS
        if self._pause <= 0:
            self._wait = min(self._wait * 2, RESTART_WAIT_SECONDS_MAX)
            self._looks, self._pause = 0, 0.0
            self._process = self._start()

    def end(self) -> None:
        """Ask it to end, then make it."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-m", "fleet_server", self._verb])
        log.info("part.started", name=self.name, pid=process.pid)
        return process


def run(parts: Mapping[str, str]) -> None:
    """Run these parts (name -> verb) until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    running = [_Part(name, verb) for name, verb in parts.items()]
    while not stop.wait(LOOK_SECONDS):
        for part in running:
            part.look()
    for part in reversed(running):
        part.end()


def end_with_parent() -> None:
    """End this process when the one that started it is gone."""
    parent = os.getppid()

    def look() -> None:
        while os.getppid() == parent:
            threading.Event().wait(PARENT_LOOK_SECONDS)
        os._exit(1)

    threading.Thread(target=look, name="parent", daemon=True).start()
