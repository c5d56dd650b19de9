"""The ingest thread: up to 500 messages or 50 ms, one transaction, then the receipts."""

import queue
import threading

from sqlalchemy.exc import InterfaceError, OperationalError

from fleet_server.ingest.service import Ingest, Outgoing
from fleet_server.logs import get_logger
from fleet_server.mqtt_link import Inbound, MqttLink

log = get_logger("ingest")

BATCH_MESSAGES_MAX = 500
BATCH_WAIT_SECONDS = 0.05
IDLE_WAIT_SECONDS = 0.2
"""How long the thread waits for a first message before it looks whether it should stop."""
DATABASE_AWAY_WAIT_SECONDS = 0.5
TRIES_MAX = 3
"""A deadlock is over at the second try; a database that is away longer is the cabinets' to wait
for: they send again, and the queue in front of us has its own bound."""


class Batcher:
    """Moves messages from the link to ingest, and receipts back."""

    def __init__(self, link: MqttLink, ingest: Ingest) -> None:
        self._link = link
        self._ingest = ingest
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the batch in hand."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            messages = self._collect()
            if messages:
                self._accept(messages)

    def _collect(self) -> list[Inbound]:
        try:
            messages = [self._link.inbound.get(timeout=IDLE_WAIT_SECONDS)]
        except queue.Empty:
            return []
        self._stop.wait(BATCH_WAIT_SECONDS if self._link.inbound.qsize() else 0)
        while len(messages) < BATCH_MESSAGES_MAX:
            try:
                messages.append(self._link.inbound.get_nowait())
            except queue.Empty:
                break
        return messages

    def _accept(self, messages: list[Inbound]) -> None:
        for receipt in self._receipts(messages):
            # A receipt that does not get through is asked for again (P-2).
            self._link.publish(receipt.topic, receipt.payload)

    def _receipts(self, messages: list[Inbound]) -> list[Outgoing]:
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
        return []
