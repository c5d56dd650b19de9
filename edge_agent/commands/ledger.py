"""Which orders were begun and how they ended; a repeated id is answered from here (P-13)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from edge_agent.outbox.store import Outbox
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.store import Store
from protocol.commands import CommandOutcome
from protocol.events import CommandFinished
from protocol.intervals import COMMAND_RESULT_KEPT_SECONDS

INTERRUPTED = "interrupted by a restart: it may have been carried out"
DELETED_AT_ONCE_MAX = 50
"""Old results deleted with each new order."""
_COUNTER = "command.counter"


@dataclass(frozen=True)
class Ending:
    """How an order ended."""

    outcome: CommandOutcome
    detail: str = ""
    result: dict[str, Any] | None = None


class CommandLedger:
    """The table of orders, and the counter."""

    def __init__(self, store: Store, outbox: Outbox, time: Timekeeper) -> None:
        self._store = store
        self._outbox = outbox
        self._time = time

    @property
    def counter(self) -> int:
        """Counter of the newest order that was begun or refused."""
        return int(self._store.value(_COUNTER) or 0)

    def knows(self, command: str) -> bool:
        """Say whether an order of this id came before."""
        return self._store.row("SELECT 1 FROM command WHERE id = ?", command) is not None

    def begin(self, command: str, counter: int) -> None:
        """Note an order before anything of it is done: from here on it never runs again."""
        with self._store.transaction():
            self._begin(command, counter)

    def finish(self, command: str, ending: Ending) -> None:
        """Keep and announce how an order ended, in one transaction."""
        with self._store.transaction():
            self._end(command, ending)

    def reject(self, command: str, counter: int, why: str) -> None:
        """Note and announce an order that is not carried out."""
        with self._store.transaction():
            self._begin(command, counter)
            self._end(command, Ending(CommandOutcome.REJECTED, why))

    def repeat(self, command: str) -> bool:
        """Announce a kept result again; False while the order is still under way."""
        row = self._store.row("SELECT outcome, detail, result FROM command WHERE id = ?", command)
        if row is None or row[0] is None:
            return False
        body = CommandFinished(command, row[0], row[1], msgspec.json.decode(row[2]))
        with self._store.transaction():
            self._outbox.append("command.finished", body)
        return True

    def recover(self) -> None:
        """At boot: end what the last boot began. Whether it was done, nobody knows."""
        begun = self._store.rows("SELECT id FROM command WHERE outcome IS NULL")
        for (command,) in begun:
            self.finish(command, Ending(CommandOutcome.FAILED, INTERRUPTED))

    def _begin(self, command: str, counter: int) -> None:
        now = self._time.now()
        old = (now - timedelta(seconds=COMMAND_RESULT_KEPT_SECONDS)).isoformat()
        self._store.write(
            "DELETE FROM command WHERE id IN (SELECT id FROM command WHERE at < ? LIMIT ?)",
            old,
            DELETED_AT_ONCE_MAX,
        )
        self._store.write(
            "INSERT INTO command VALUES (?, ?, NULL, '', '{}', ?)",
            command,
            counter,
            now.isoformat(),
        )
        if counter > self.counter:
            self._store.remember(_COUNTER, str(counter))

    def _end(self, command: str, ending: Ending) -> None:
        result = ending.result or {}
        self._store.write(
            "UPDATE command SET outcome = ?, detail = ?, result = ? WHERE id = ?",
            ending.outcome,
            ending.detail,
            msgspec.json.encode(result).decode(),
            command,
        )
        body = CommandFinished(command, ending.outcome, ending.detail, result)
        self._outbox.append("command.finished", body)
