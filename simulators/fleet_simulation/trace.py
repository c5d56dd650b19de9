"""What happened in a run, a line each: hashed whole, kept in its last lines, written if wanted.

Nothing random of the machine may get into a line (paths, secrets, ids of processes): two runs of
one seed have the same hash, in any process.
"""

import hashlib
from collections import Counter, deque
from pathlib import Path
from typing import TextIO

from simulators.fleet_simulation.virtual_clock import Timeline

TAIL_LINES = 60
"""Printed with a failure: some ten steps, enough to see what came before it."""


class Trace:
    """Lines of one run."""

    def __init__(self, timeline: Timeline, path: Path | None = None) -> None:
        self._timeline = timeline
        self._hash = hashlib.sha256()
        self._file: TextIO | None = None if path is None else path.open("w", encoding="utf-8")
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.counts: Counter[str] = Counter()
        """How often each kind of thing happened."""

    @property
    def digest(self) -> str:
        """SHA-256 of all lines so far, in hexadecimal digits."""
        return self._hash.hexdigest()

    def note(self, actor: str, what: str, *facts: object) -> None:
        """Write down that an actor did something, or that something was done to it."""
        line = " ".join((f"{self._timeline.seconds:10.3f}", actor, what, *map(str, facts)))
        self._hash.update(line.encode() + b"\n")
        self.tail.append(line)
        self.counts[what] += 1
        if self._file is not None:
            self._file.write(line + "\n")

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()
