"""Log lines of the agent: an event name and keys, on standard error.

stdlib `logging` with the keys the server uses in structlog; no rotation here, journald keeps them.
"""

import logging
import sys

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


def configure(level: str) -> None:
    """Send everything of `level` (debug, info, warning, error) and above to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(KeyFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
