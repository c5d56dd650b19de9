"""Log lines of the agent: an event name and keys, on standard error.

stdlib `logging` with the keys the server uses in structlog; no rotation here, journald keeps them.
"""

import logging
import sys
from collections import deque

import msgspec

LINES_KEPT = 200
"""About 40 kB of memory; journald has the rest."""
LINE_LENGTH_MAX = 500
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class KeyFormatter(logging.Formatter):
    """`2026-11-21T08:00:00 info link.opened session=7`: the extra fields follow as keys."""

    def format(self, record: logging.LogRecord) -> str:
        """Record -> one line, and the traceback of an exception after it."""
        at = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        keys = " ".join(
            f"{key}={value!r}" for key, value in vars(record).items() if key not in _STANDARD
        )
        line = f"{at} {record.levelname.lower()} {record.getMessage()} {keys}".rstrip()
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class RecentLines(logging.Handler):
    """Keeps the last lines in memory, for `collect_logs`."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=LINES_KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line, cut to a bound."""
        self.lines.append(self.format(record)[:LINE_LENGTH_MAX])


_recent = RecentLines()


def recent_lines(bytes_max: int) -> list[str]:
    """Return the newest lines that fit into so many bytes of JSON, oldest first."""
    taken: list[str] = []
    room = bytes_max
    for line in reversed(_recent.lines):
        room -= len(msgspec.json.encode(line)) + 1
        if room < 0:
            break
        taken.append(line)
    return taken[::-1]


def configure(level: str) -> None:
    """Send everything of `level` (debug, info, warning, error) and above to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(KeyFormatter())
    root = logging.getLogger()
    _recent.setFormatter(KeyFormatter())
    root.handlers[:] = [handler, _recent]
    root.setLevel(level.upper())
