"""One engine in a process of its own, with a hard end: budget and a grace, then it is killed.

The process is kept warm (an import costs as much as an urgent re-plan may), started anew after it
was killed, and ends by itself when its parent is gone: the socket pair closes.
"""

import os
import socket
import subprocess
import sys
import threading
from multiprocessing.connection import Connection

from fleet_server.dispatch.planner.formulation import Question
from fleet_server.dispatch.solvers.engine_process import FAILED, READY
from fleet_server.dispatch.solvers.engines import Budget, Engine, Routes
from fleet_server.dispatch.solvers.errors import SolverFailedError, SolverTimedOutError

GRACE_SECONDS = 2.0
"""What an engine may need to build its model and to end its last step, on a busy core."""
START_SECONDS = 30.0
"""Importing an engine takes under a second; a machine that swaps may need more."""
END_SECONDS = 5.0
"""A process that was killed is gone within it, or the machine is ill."""

_MODULE = "fleet_server.dispatch.solvers.engine_process"


class Worker:
    """Runs one engine; calls from several threads wait for each other."""

    def __init__(self, engine: Engine, grace_seconds: float = GRACE_SECONDS) -> None:
        self.engine = engine
        self._grace_seconds = grace_seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    @property
    def pid(self) -> int | None:
        """Process id while the process runs."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process before it is needed. Raises SolverFailedError."""
        with self._lock:
            self._started()

    def solve(self, question: Question, budget: Budget, seed: int) -> Routes:
        """Ask the engine. Raises SolverTimedOutError, SolverFailedError."""
        with self._lock:
            connection = self._started()
            try:
                connection.send((question, budget, seed))
                return self._answer(connection, budget.seconds + self._grace_seconds)
            except (EOFError, OSError) as error:
                self._kill()
                raise SolverFailedError(self.engine, f"its process ended: {error}") from error

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._kill()

    def _answer(self, connection: Connection, seconds: float) -> Routes:
        if not connection.poll(seconds):
            self._kill()
            raise SolverTimedOutError(self.engine, seconds)
        kind, content = connection.recv()
        if kind == FAILED:
            raise SolverFailedError(self.engine, content)
        routes: Routes = content
        return routes

    def _started(self) -> Connection:
        if self._connection is not None and self._process is not None:
            if self._process.poll() is None:
                return self._connection
            self._kill()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", _MODULE, str(theirs.fileno()), self.engine],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                },
                start_new_session=True,  # Ctrl-C is for the parent, which then closes the socket
            )
        self._connection = Connection(ours.detach())
        self._greet(self._connection)
        return self._connection

    def _greet(self, connection: Connection) -> None:
        try:
            greeted = connection.poll(START_SECONDS) and connection.recv()[0] == READY
        except (EOFError, OSError):
            greeted = False
        if not greeted:
            self._kill()
            raise SolverFailedError(self.engine, "its process did not start")

    def _kill(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.kill()
            self._process.wait(END_SECONDS)
            self._process = None
