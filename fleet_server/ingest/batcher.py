"""The ingest thread: up to 500 messages or 50 ms, one transaction, then the receipts."""

import threading
from collections.abc import Sequence

from sqlalchemy.exc import InterfaceError, OperationalError

from fleet_server.clock import Clock
from fleet_server.ingest.service import Ingest
from fleet_server.logs import get_logger
from fleet_server.mqtt_inbox import Inbound
from fleet_server.mqtt_link import MqttLink, Outgoing

log = get_logger("ingest")

BATCH_MESSAGES_MAX = 500
BATCH_WAIT_SECONDS_MAX = 0.05
BATCH_WAIT_SHARE = 0.5
BATCH_ENOUGH_MESSAGES = 16
"""With fewer than these the thread waits for more, half as long as its last transaction took: the
fixed cost of one is shared, and a lone fault is not kept waiting. With more it begins at once: at
half its speed waiting doubled the time from a fault to its ticket (p99 139 ms without, 284 with).
"""
IDLE_WAIT_SECONDS = 0.2
"""How long the thread waits for a first message before it looks whether it should stop."""
DATABASE_AWAY_WAIT_SECONDS = 0.5
TRIES_MAX = 3
"""A deadlock is over at the second try; a database that is away longer is the cabinets' to wait
for: they send again, and the inbox in front of us has its own bound."""


class Batcher:
    """Moves messages from the link to ingest, and receipts back."""

    def __init__(self, link: MqttLink, ingest: Ingest, clock: Clock) -> None:
        self._clock = clock
        self._link = link
        self._ingest = ingest
        self._stop = threading.Event()
        self._reached: float | None = None
        self._pause_seconds = 0.0
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the batch in hand."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def heard_until(self, elapsed: float) -> float:
        """Instant up to which every message that came was taken in (elapsed seconds).

        Behind `elapsed` while messages wait: a cabinet whose word lies in the inbox is not silent.
        """
        reached = self._reached
        return elapsed if reached is None else min(reached, elapsed)

    def _run(self) -> None:
        while not self._stop.is_set():
            messages = self._collect()
            if messages:
                self._accept(messages)

    def _collect(self) -> list[Inbound]:
        inbox = self._link.inbox
        if not len(inbox):
            self._reached = None
        if not inbox.wait(IDLE_WAIT_SECONDS):
            return []
        if len(inbox) < BATCH_ENOUGH_MESSAGES:
            self._stop.wait(self._pause_seconds)
        messages = inbox.take(BATCH_MESSAGES_MAX)
        if messages:
            self._reached = messages[0].arrived
        return messages

    def _accept(self, messages: list[Inbound]) -> None:
        began = self._clock.elapsed()
        # A receipt that does not get through is asked for again (P-2).
        self._link.publish_all(self._receipts(messages))
        took = self._clock.elapsed() - began
        self._pause_seconds = min(BATCH_WAIT_SECONDS_MAX, took * BATCH_WAIT_SHARE)

    def _receipts(self, messages: list[Inbound]) -> Sequence[Outgoing]:
        """Receipts of what was committed; none when nothing was: every cabinet sends again."""
        for _ in range(TRIES_MAX):
            try:
                return self._ingest.accept(messages)
            except (OperationalError, InterfaceError):
                log.exception("database.away", messages=len(messages))
                self._stop.wait(DATABASE_AWAY_WAIT_SECONDS)
            except Exception:
                log.exception("ingest.failed", messages=len(messages))  # a fault of ours
                break
        return ()
