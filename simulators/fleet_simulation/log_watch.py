"""The server's log during a run: silent, except for what must never be logged."""

import logging
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog

FORBIDDEN = ("sweep.failed", "flush.failed", "ingest.failed", "outbox.failed", "database.away")
"""Defects that the server survives by trying again: in a run they are found, not survived."""


class LogWatch:
    """Collects defects."""

    def __init__(self) -> None:
        self.defects: list[str] = []

    def __call__(
        self, _logger: object, _name: str, line: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Look at one line, then drop it."""
        if line.get("event") in FORBIDDEN:
            self.defects.append(str(dict(line)))
        raise structlog.DropEvent


@contextmanager
def watched_logs() -> Iterator[LogWatch]:
    """Watch the log for the block; the format set before is in force again after it."""
    watch, before = LogWatch(), structlog.get_config()
    disabled = logging.root.manager.disable
    processors: list[Any] = [structlog.processors.format_exc_info, watch]
    structlog.configure(processors=processors, cache_logger_on_first_use=False)
    logging.disable(logging.CRITICAL)
    try:
        yield watch
    finally:
        logging.disable(disabled)
        structlog.configure(**before)
