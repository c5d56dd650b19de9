"""Logs are events with keys: `log.info("ticket.opened", ticket=..., cabinet=...)`."""

import logging
import sys

import structlog

Logger = structlog.stdlib.BoundLogger


def configure(level: str = "INFO", *, as_json: bool = False) -> None:
    """Set the one format for our own and for foreign log lines; secrets never go in."""
    logging.basicConfig(
        level=level, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s", force=True
    )
    for noisy in ("alembic", "amqtt", "transitions", "apscheduler"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    human = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    renderer = structlog.processors.JSONRenderer() if as_json else human
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def get_logger(name: str) -> Logger:
    """Logger whose lines say which part of the server speaks."""
    logger: Logger = structlog.get_logger(part=name)
    return logger
