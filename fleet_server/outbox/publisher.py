"""The thread that hands outbox rows to the broker, in order, and deletes what it took.

Order is kept within a topic. A message the broker does not take holds up its own topic only, and
that not for ever: it is set aside after ATTEMPTS_MAX, and versions and counters repair what the
cabinet missed by it (P-0).
"""

import threading
from collections.abc import Callable

from sqlalchemy import delete

from fleet_server.logs import get_logger
from fleet_server.outbox.events import MessageSetAside
from fleet_server.outbox.models import OutboundMessage
from fleet_server.outbox.queries import by_seq, waiting
from fleet_server.transactions import Transactions

log = get_logger("outbox")

PORTION_MESSAGES = 200
"""Rows taken at once: bounds memory (a bundle may have 512 KiB) and the repeat after a crash."""
LOOK_SECONDS = 0.5
"""How often the table is looked at when nobody wakes the thread (another process wrote)."""
ATTEMPTS_MAX = 20
"""Then a message is set aside: 10 s at least, and 200 s where the broker never acknowledges."""
TOPICS_STUCK_MAX = 3
"""Topics that may fail in one portion: each failure may take the 10 s of `mqtt_link`."""

Publish = Callable[[str, bytes, int], bool]


class OutboxPublisher:
    """Sends what waits. At least once: cabinets ignore what they hold already."""

    def __init__(
        self,
        transactions: Transactions,
        publish: Publish,
        wake: threading.Event,
        connected: Callable[[], bool] = lambda: True,
    ) -> None:
        """`wake` is set when a transaction committed: there may be something to send.

        While not `connected` nothing is tried: a broker that is away is no fault of a message.
        """
        self._transactions = transactions
        self._publish = publish
        self._connected = connected
        self._refused = False
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
            rows = waiting(tx.session, PORTION_MESSAGES)
        done: list[int] = []
        refused: dict[str, int] = {}
        for row in rows:
            if not self._connected() or len(refused) >= TOPICS_STUCK_MAX:
                break
            if row.topic in refused:
                continue
            if self._is_done(row):
                done.append(row.seq)
            else:
                refused[row.topic] = row.seq
        if done or refused:
            self._note(done, list(refused.values()))
        self._refused = bool(refused)
        return len(done)

    def _is_done(self, row: OutboundMessage) -> bool:
        late = row.not_after is not None and row.not_after < self._transactions.clock.now()
        return late or self._publish(row.topic, row.payload, row.qos)

    def _note(self, done: list[int], refused: list[int]) -> None:
        with self._transactions.write("system:outbox") as tx:
            tx.session.execute(delete(OutboundMessage).where(OutboundMessage.seq.in_(done)))
            for row in by_seq(tx.session, refused):
                row.attempts += 1
                if row.attempts >= ATTEMPTS_MAX:
                    row.set_aside_at = tx.now
                    log.error("outbox.set_aside", seq=row.seq, topic=row.topic)
                    tx.announce(MessageSetAside(row.seq, row.topic))

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(LOOK_SECONDS)
            self._wake.clear()
            try:
                while self.publish_waiting() == PORTION_MESSAGES and not self._stop.is_set():
                    pass
                if self._refused:
                    self._stop.wait(LOOK_SECONDS)  # not at once, whoever wakes us
            except Exception:  # the rows are still there; look again after the pause
                log.exception("outbox.failed")
                self._stop.wait(LOOK_SECONDS)
