"""Writes the files of an outside broker, and keeps them up to date while cabinets come and go.

A file is replaced as a whole and only when it changed, readable for its owner alone: a broker that
reads at the wrong moment finds the old file or the new one. The database is asked every two
seconds for one number; only when it rose are credentials read.
"""

import os
import signal
import tempfile
import threading
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from fleet_server.broker.mosquitto import MosquittoFiles
from fleet_server.broker.nats import NatsFiles, NatsNode
from fleet_server.broker.queries import CabinetLogin, cabinet_logins, credential_mark
from fleet_server.broker.service import broker_secret
from fleet_server.database import connect
from fleet_server.logs import get_logger
from fleet_server.settings import Settings

log = get_logger("broker")

WATCH_SECONDS = 2.0
"""How long a new cabinet waits at most before a broker is told of it; it tries again by itself."""


class BrokerKind(StrEnum):
    """Brokers whose configuration is generated."""

    MOSQUITTO = "mosquitto"
    NATS = "nats"


class BrokerFiles(Protocol):
    """What a broker reads, as text."""

    def render(self, logins: Sequence[CabinetLogin]) -> dict[str, str]:
        """Return name -> text of each file."""


class ConfigurationWriter:
    """Writes the files of one broker into one folder."""

    def __init__(self, engine: Engine, files: BrokerFiles, folder: Path) -> None:
        self._engine = engine
        self._files = files
        self._folder = folder
        self._mark: int | None = None

    def write(self) -> bool:
        """Write what changed; whether anything did."""
        mark = credential_mark(self._engine)  # before the rows: a change between is seen again
        files = self._files.render(cabinet_logins(self._engine))
        changed = [name for name, text in files.items() if _replace(self._folder / name, text)]
        self._mark = mark
        if changed:
            log.info("broker_config.written", folder=str(self._folder), files=changed)
        return bool(changed)

    def close(self) -> None:
        """Let go of the database; another writing connects again."""
        self._engine.dispose()

    def is_behind(self) -> bool:
        """Whether a credential changed since the last writing."""
        return credential_mark(self._engine) != self._mark


def configuration_writer(
    settings: Settings, kind: BrokerKind, out: Path, node: NatsNode
) -> ConfigurationWriter:
    """Writer for this kind of broker; makes the folder."""
    folder = out.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    secret = broker_secret(settings.data_dir)
    files: BrokerFiles = (
        MosquittoFiles(settings, folder, secret)
        if kind is BrokerKind.MOSQUITTO
        else NatsFiles(settings, folder, secret, node)
    )
    return ConfigurationWriter(connect(settings.resolved_database_url), files, folder)


def watch_credentials(
    writer: ConfigurationWriter, pid_file: Path | None, stop: threading.Event
) -> None:
    """Write and tell the broker until `stop` is set; a database that is away is waited for.

    A broker that could not be told is told at the next look; one that starts reads the files.
    """
    untold = writer.write()
    while not stop.wait(WATCH_SECONDS):
        try:
            if writer.is_behind():
                untold = writer.write() or untold
        except (SQLAlchemyError, OSError) as error:  # the broker works on with what it has
            log.warning("broker_config.not_written", reason=str(error))
            continue
        if untold and pid_file is not None:
            untold = not reload_broker(pid_file)


def reload_broker(pid_file: Path) -> bool:
    """Have a broker read its files again; False when there is none to tell."""
    try:
        os.kill(int(pid_file.read_text()), signal.SIGHUP)
    except (OSError, ValueError) as error:
        log.warning("broker_config.not_told", reason=str(error))
        return False
    return True


def _replace(path: Path, text: str) -> bool:
    """Put `text` in place of the file, at once and for its owner alone; whether it changed."""
    if path.exists() and path.read_text() == text:
        return False
    descriptor, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w") as file:  # mkstemp: 0600
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(made).replace(path)
    return True
