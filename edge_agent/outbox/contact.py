"""What contact with the server means for sale: pending rules and the lease (P-17, the gate).

From a birth on the gate waits for the receipt that answers it, and then until the bundle that
receipt names is held. A broker without a server behind it must not stop a fleet: an unanswered
birth counts as no contact after `answer_seconds` (ADR 0007). The version of the latest receipt
stays wanted, through disconnects and restarts.
"""

import contextlib
from datetime import datetime, timedelta

from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.store import StorageError, Store

_WANTED = "contact.rules_version"
_HEARD = "contact.heard_at"
_SILENT = "contact.silent_seconds"
SILENT_KEPT_EVERY_SECONDS = 600.0
"""The lease is counted in hours; a cabinet that is in contact writes nothing of this."""


class Contact:
    """When the server was last heard, and which rules it wants held."""

    def __init__(self, store: Store, time: Timekeeper, *, answer_seconds: float) -> None:
        self._store = store
        self._time = time
        self._answer_seconds = answer_seconds
        self._started_at = time.elapsed()
        self._silent_before = self._silent_kept = float(store.value(_SILENT) or 0.0)
        self._born_at: float | None = None
        self._in_vain = False
        self._heard_elapsed: float | None = None
        self._kept_at: float | None = None
        self._wanted = int(store.value(_WANTED) or 0)

    def born(self, *, after_silence: bool = False) -> None:
        """Note that a birth was sent; its receipt is awaited.

        `after_silence`: the connection before was given up because nothing was heard. If the
        birth of that one was awaited in vain, another wait would only stop sale again.
        """
        if not after_silence:
            self._in_vain = False
        self._born_at = None if self._in_vain else self._time.elapsed()

    def lost(self) -> None:
        """Note that the connection ended."""
        if self._born_at is not None:
            self._in_vain = not self.awaiting_answer
        self._born_at = None

    def heard(self, rules_version: int) -> None:
        """Take a receipt; on a full disk it is noted with the next write that succeeds.

        The latest one counts: a number that a receipt of rubbish named must not stop sale for ever.
        """
        self._born_at, self._in_vain = None, False
        self._heard_elapsed = self._time.elapsed()
        changed = rules_version != self._wanted
        # First in memory: a full disk must not hide that newer rules exist.
        self._wanted = rules_version
        if changed or self._kept_at is None:
            with contextlib.suppress(StorageError):
                with self._store.transaction():
                    self.write()
                self.written()

    def write(self) -> None:
        """Note when the server was heard and how long not, in the caller's transaction.

        The lease is counted in hours, so this waits for a write that others need.
        """
        self._write_heard()
        silent = self.silent_seconds() or 0.0
        if silent < self._silent_kept or silent - self._silent_kept >= SILENT_KEPT_EVERY_SECONDS:
            self._store.remember(_SILENT, f"{silent:.0f}")
            self._silent_kept = silent

    def _write_heard(self) -> None:
        heard, now = self._heard_elapsed, self._time.elapsed()
        fresh = self._kept_at is None or (heard is not None and heard > self._kept_at)
        if heard is None or not fresh:
            return
        moment = self._time.now() - timedelta(seconds=now - heard)
        self._store.remember(_HEARD, moment.isoformat())
        self._store.remember(_WANTED, str(self._wanted))

    def written(self) -> None:
        """Take it as noted: the transaction of `write` was committed."""
        self._kept_at = self._heard_elapsed

    def rules_pending(self, held_version: int) -> bool:
        """Say whether the gate must wait."""
        return self.awaiting_answer or held_version < self._wanted

    @property
    def awaiting_answer(self) -> bool:
        """Whether a birth is out and its receipt may still come."""
        born_at = self._born_at
        return born_at is not None and self._time.elapsed() - born_at < self._answer_seconds

    def silent_seconds(self) -> float | None:
        """Seconds since the server was heard, by wall or elapsed time; None: never heard.

        Never less than the agent has run in silence, in this life and those before: a clock
        without a battery stands still at its lower bound, and must not stop the lease with it.
        """
        kept = self._store.value(_HEARD)
        if kept is None:
            return None
        if self._heard_elapsed is not None:
            return self._time.elapsed() - self._heard_elapsed
        by_wall = (self._time.now() - datetime.fromisoformat(kept)).total_seconds()
        return max(by_wall, self._silent_before + self._time.elapsed() - self._started_at)
