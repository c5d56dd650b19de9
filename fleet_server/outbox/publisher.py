"""The thread that hands outbox rows to the broker, in order, and deletes what it took."""

import threading
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import delete, select

from fleet_server.logs import get_logger
from fleet_server.outbox.models import OutboundMessage
from fleet_server.transactions import Transactions

log = get_logger("outbox")

PORTION_MESSAGES = 200
"""Rows taken at once: bounds memory (a bundle may have 512 KiB) and the repeat after a crash."""
LOOK_SECONDS = 0.5
"""How often the table is looked at when nobody wakes the thread (another process wrote)."""

Publish = Callable[[str, bytes, int], bool]


class OutboxPublisher:
    """Sends what waits. At least once: cabinets ignore what they hold already."""

    def __init__(self, transactions: Transactions, publish: Publish, wake: threading.Event) -> None:
        """`wake` is set when a transaction committed: there may be something to send."""
        self._transactions = transactions
        self._publish = publish
        self._stop = threading.Event()
        self._wake = wake
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the message in hand."""
        self._stop.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()

    def publish_waiting(self) -> int:
        """Send one portion; returns how many rows are done with."""
        with self._transactions.read() as tx:
            found = select(OutboundMessage).order_by(OutboundMessage.seq).limit(PORTION_MESSAGES)
            rows = list(tx.session.scalars(found))
        done: list[int] = []
        for row in rows:
            if not _too_late(row, self._transactions.clock.now()) and not self._publish(
                row.topic, row.payload, row.qos
            ):
                break
            done.append(row.seq)
        if done:
            with self._transactions.write("system:outbox") as tx:
                tx.session.execute(delete(OutboundMessage).where(OutboundMessage.seq.in_(done)))
        return len(done)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(LOOK_SECONDS)
            self._wake.clear()
            try:
                while self.publish_waiting() == PORTION_MESSAGES and not self._stop.is_set():
                    pass
            except Exception:  # the rows are still there; look again after the pause
                log.exception("outbox.failed")
                self._stop.wait(LOOK_SECONDS)


def _too_late(row: OutboundMessage, now: datetime) -> bool:
    return row.not_after is not None and row.not_after < now
