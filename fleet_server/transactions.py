"""The one place that opens and commits a transaction.

A use case works on a `Transaction` and announces facts (past tense, `events.py` of a feature).
Facts are handed, inside the same transaction, to the reactions of the table in `wiring.py`: so a
step forward is either whole or not there, and a feature never imports the one that follows it.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from fleet_server.clock import Clock
from fleet_server.database import WRITE
from fleet_server.errors import InvariantError
from fleet_server.seed import Chance

ZONE = ZoneInfo("Asia/Shanghai")
"""Local time of an installation that says nothing else."""
FACTS_MAX = 100_000
"""Facts of one transaction: 500 messages of 100 events and what follows; more is a loop."""

Reaction = Callable[["Transaction", Any], None]
Ending = Callable[["Transaction", Sequence[Any]], None]


@dataclass(frozen=True)
class Together:
    """A reaction to all facts of one type that were announced one after the other, in order.

    For what happens to thousands of cabinets at once: it works in few statements.
    """

    react: Callable[["Transaction", Sequence[Any]], None]


Reactions = Mapping[type, Sequence[Reaction | Together]]


@dataclass
class Transaction:
    """What a use case needs: the session, the instant, chance, and who does it."""

    session: Session
    now: datetime
    actor: str
    """`user:<id>`, `cabinet:<id>`, `program:<name>` or `system:<part>`; goes into the audit log."""
    chance: Chance
    zone: tzinfo = ZONE
    """The installation's local time, for texts; instants are UTC everywhere."""
    facts: deque[object] = field(default_factory=deque)
    endings: dict[Ending, list[Any]] = field(default_factory=dict)

    def announce(self, fact: object) -> None:
        """Say what happened; the reactions run before this transaction commits."""
        self.facts.append(fact)

    def at_end(self, ending: Ending, item: object) -> None:
        """Hand `item` to `ending`, with all others of this transaction, right before the commit.

        For what takes a lock that every writer needs (the end of the audit chain): taken last,
        it is never held while waiting for a row, so it cannot be part of a ring.
        """
        self.endings.setdefault(ending, []).append(item)

    def new_id(self) -> str:
        """UUID of version 7 of this transaction's instant."""
        return self.chance.new_id(self.now)

    def new_ids(self, count: int) -> list[str]:
        """As many of them, rising."""
        return self.chance.new_ids(self.now, count)


class Transactions:
    """Opens transactions on one engine."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        chance: Chance,
        reactions: Reactions,
        on_commit: Callable[[], None] = lambda: None,
        zone: tzinfo = ZONE,
    ) -> None:
        """`on_commit` only wakes the senders of outbox rows; it must not fail or wait."""
        self.engine = engine
        self.clock = clock
        self.chance = chance
        self.zone = zone
        self._reactions = reactions
        self._on_commit = on_commit
        self._writer = engine.execution_options(**{WRITE: True})
        # PostgreSQL would otherwise look anew with each statement; SQLite never does.
        is_server = engine.dialect.name == "postgresql"
        one_look = {"isolation_level": "REPEATABLE READ"} if is_server else {}
        self._reader = engine.execution_options(**one_look)
        # SQLite has one writer: queueing here is fair, its own busy handler is not.
        one_writer = engine.dialect.name == "sqlite"
        self._turn: AbstractContextManager[Any] = threading.RLock() if one_writer else nullcontext()

    @contextmanager
    def write(self, actor: str) -> Iterator[Transaction]:
        """One transaction that commits at the end of the block, or leaves nothing behind."""
        with self._turn, Session(self._writer, expire_on_commit=False) as session:
            tx = Transaction(session, self.clock.now(), actor, self.chance, self.zone)
            yield tx
            self.settle(tx)
            for ending, items in tx.endings.items():
                ending(tx, items)
            session.commit()
        self._on_commit()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """One consistent look: every select of the block sees the same instant; writes nothing."""
        with Session(self._reader, expire_on_commit=False) as session:
            yield Transaction(session, self.clock.now(), "system:read", self.chance, self.zone)

    def settle(self, tx: Transaction) -> None:
        """Run the reactions to all facts announced so far, and to those they announce."""
        for _ in range(FACTS_MAX):
            tx.session.flush()
            if not tx.facts:
                return
            for reaction, facts in self._next(tx.facts):
                reaction(tx, facts)
        raise InvariantError(f"more than {FACTS_MAX} facts in one transaction")

    def _next(self, waiting: deque[object]) -> list[tuple[Reaction, Any]]:
        """Reactions to the next fact; with it go those behind it, to a reaction to all of them."""
        run = [waiting.popleft()]
        kind = type(run[0])
        reactions = self._reactions.get(kind, ())
        if any(isinstance(one, Together) for one in reactions):
            while waiting and type(waiting[0]) is kind:
                run.append(waiting.popleft())
        due: list[tuple[Reaction, Any]] = []
        for one in reactions:
            if isinstance(one, Together):
                due.append((one.react, run))
            else:
                due += [(one, fact) for fact in run]
        return due
