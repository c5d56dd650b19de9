"""Sends what is due, address by address, outside of any transaction and beside each other.

1. `spread` turns notices into deliveries (`spreading.py`).
2. An address with something due is claimed: its row is leased, so that of many workers one sends.
3. A thread of a bounded few sends to it, and notes what came of it.

Delivery is at least once: a process that dies between sending and noting lets the message leave
again when the lease ends, with the same idempotency key. Losing one would be worse. A channel that
hangs keeps one thread, and all channels of one service keep LANE_MAX: the others go on.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError, OperationalError

from fleet_server.logs import get_logger
from fleet_server.notifications import claiming
from fleet_server.notifications.addresses import SharedChannels
from fleet_server.notifications.doors import Door, Outcome, Parcel, Result, Tried
from fleet_server.notifications.letters import Letter
from fleet_server.notifications.noting import give_up_old, note
from fleet_server.notifications.queries import due_notices
from fleet_server.notifications.rules import Channel
from fleet_server.notifications.spreading import SPREAD_MAX, set_aside, spread, spread_one
from fleet_server.transactions import Transactions

log = get_logger("notifications")

SENDERS = 8
"""Threads that send at once: they wait for networks, and a push takes about 0.1 s."""
LANE_MAX = 4
"""Of these, how many one service (one host) may have: it may hang as a whole."""
SPREADS_PER_ROUND = 20
"""Transactions of one round that spread: 1,000 notices; the rest a second later."""
STOP_SECONDS = 5.0
"""How long an ending process waits for messages in hand; later ones leave again elsewhere."""
NOTE_TRIES_MAX = 3
ACTOR = "system:notices"


@dataclass(frozen=True)
class Ways:
    """What there is to send by."""

    doors: Mapping[Channel, Door]
    shared: SharedChannels
    unsealed: Callable[[str], str]


class Deliverer:
    """Delivers notices of all processes that share a database."""

    def __init__(self, transactions: Transactions, ways: Ways, senders: int = SENDERS) -> None:
        self._transactions = transactions
        self._ways = ways
        self._senders = senders
        self._in_hand: dict[str, str] = {}  # id of an address -> its lane
        self._changed = threading.Condition()  # guards it, and tells when something ended
        self._stopped = False

    def deliver_due(self) -> int:
        """Begin what can begin now; returns how many addresses were taken up. Waits for none."""
        self._spread()
        with self._transactions.write(ACTOR) as tx:
            give_up_old(tx)
        with self._changed:
            in_hand = len(self._in_hand)
        if in_hand >= self._senders:
            log.warning("notices.senders_busy", in_hand=in_hand)
        count = 0
        for _ in range(self._senders):
            parcels = self._claim()
            if not parcels:
                break
            count += len(parcels)
            for parcel in parcels:
                self._start(parcel)
        return count

    def settle(self, seconds: float) -> bool:
        """Wait for what is in hand; returns whether all of it ended in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._in_hand, seconds)

    def stop(self) -> None:
        """Take nothing up any more, and wait a moment for what is in hand."""
        self._stopped = True
        if not self.settle(STOP_SECONDS):
            log.warning("notices.left_in_hand", count=len(self._in_hand))

    def _spread(self) -> None:
        for _ in range(SPREADS_PER_ROUND):
            try:
                with self._transactions.write(ACTOR) as tx:
                    count = spread(tx, self._ways.shared)
            except IntegrityError:  # another worker was the first to name a channel: look again
                log.info("notices.spread_again")
                return
            except Exception:  # one of them: found below, so that it holds up no other
                log.exception("notices.not_spread")
                self._spread_singly()
                return
            if count < SPREAD_MAX:
                return

    def _spread_singly(self) -> None:
        with self._transactions.read() as tx:
            ids = [one.id for one in due_notices(tx.session, tx.now, SPREAD_MAX)]
        for notice_id in ids:
            try:
                with self._transactions.write(ACTOR) as tx:
                    spread_one(tx, notice_id, self._ways.shared)
            except Exception:
                log.exception("notice.not_spread", notice=notice_id)
                with self._transactions.write(ACTOR) as tx:
                    set_aside(tx, notice_id)

    def _claim(self) -> list[Parcel]:
        with self._changed:
            in_hand = dict(self._in_hand)
        room = claiming.Room(
            0 if self._stopped else self._senders - len(in_hand),
            LANE_MAX,
            Counter(in_hand.values()),
            frozenset(in_hand),
        )
        if room.free <= 0:
            return []
        with self._transactions.write(ACTOR) as tx:
            parcels = claiming.claim(tx, room, self._ways.shared, self._ways.unsealed)
        with self._changed:
            self._in_hand |= {parcel.address_id: parcel.lane for parcel in parcels}
        return parcels

    def _start(self, parcel: Parcel) -> None:
        # A daemon: a channel that hangs must not keep an ending process alive.
        threading.Thread(target=self._serve, args=(parcel,), name="notices", daemon=True).start()

    def _serve(self, parcel: Parcel) -> None:
        try:
            self._note(parcel, self._sent(parcel))
        except Exception:  # the deliveries are rows: they are due again when the lease ends
            log.exception("notices.not_noted", address=parcel.address_id)
        finally:
            with self._changed:
                del self._in_hand[parcel.address_id]
                self._changed.notify_all()

    def _note(self, parcel: Parcel, tried: list[Tried]) -> None:
        """Note it, again where the transaction lost a deadlock: else it would be sent twice."""
        for _ in range(NOTE_TRIES_MAX - 1):
            try:
                with self._transactions.write(ACTOR) as tx:
                    note(tx, parcel, tried)
            except OperationalError:
                log.warning("notices.note_again", address=parcel.address_id)
            else:
                return
        with self._transactions.write(ACTOR) as tx:
            note(tx, parcel, tried)

    def _sent(self, parcel: Parcel) -> list[Tried]:
        """Send the letters in order, until one does not arrive: the next would not either."""
        tried: list[Tried] = []
        for letter in parcel.letters:
            outcome = self._try(parcel, letter)
            tried.append((letter, outcome))
            if outcome.result is not Result.TAKEN:
                log.warning("notice.not_sent", address=parcel.address_id, reason=outcome.reason)
                break
        return tried

    def _try(self, parcel: Parcel, letter: Letter) -> Outcome:
        # Foreign code behind a network: whatever it raises means "not taken", is logged by its
        # kind alone (its text may hold the URL), and is tried again until ATTEMPTS_MAX.
        try:
            door = self._ways.doors[parcel.channel]
            return door.send(parcel.secret, letter, parcel.key_of(letter))
        except Exception as error:  # noqa: BLE001  # said above
            return Outcome(Result.REFUSED, type(error).__name__)
