"""The conversation with the server: connect, birth, heartbeat, lanes, receipts (P-0 .. P-11).

It owns the link and gives back only what others must handle: rules, desired state, orders, signed
answers. All repair is here: whoever is ahead sends again, after each birth and each receipt.
"""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass

from edge_agent.mqtt_link import Link, LinkClosed, LinkMessage, LinkOpened
from edge_agent.outbox.contact import Contact
from edge_agent.outbox.hearing import Hearing
from edge_agent.outbox.lanes import JournalLane, TelemetryLane
from edge_agent.outbox.link_quality import LinkQuality
from edge_agent.outbox.presence import (
    Address,
    SlowFacts,
    Standing,
    Versions,
    heartbeat,
    presence,
)
from edge_agent.outbox.sender import LaneSource, RolledBackError, Sender
from edge_agent.outbox.store import Outbox, lane_row
from edge_agent.outbox.telemetry import Telemetry
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.seed import Chance
from edge_agent.store import StorageError, Store
from protocol.errors import ProtocolError
from protocol.intervals import BATCH_EVENTS_MAX, PRESENCE, Uplink
from protocol.journal import Lane, Receipt
from protocol.presence import PresenceCause, PresenceState, ServerState
from protocol.topics import AllKind, DownKind, UpKind, cabinet_subscriptions, kind_of_down
from protocol.wire import decode

EVENTS_A_STEP = 32
"""Messages handled in one step; the rest waits for the next, so that a flood starves nothing."""
SLOW_FACTS_EVERY_SECONDS = 3_600.0
"""How often a metered cabinet tells its uptime and free storage: 60 bytes in each would be 1 MB a
month."""
TELEMETRY_EVERY_SECONDS = {Uplink.WIRED: 0.0, Uplink.METERED: 3_600.0}
"""A metered cabinet collects its samples: packed together they compress, and one receipt answers
for all. Faults and sales are events and never wait."""
_SESSION = "uplink.session"
_SERVER_EPOCH = "uplink.server_epoch"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """Something the server wants obeyed: kind of the topic, and its bytes."""

    kind: DownKind
    payload: bytes


@dataclass(frozen=True)
class UplinkSettings:
    """Intervals of the uplink, in seconds."""

    uplink: Uplink
    reconnect_spread_seconds: float
    receipt_timeout_seconds: float


class UplinkSession:
    """State of the connection, driven by `step`."""

    def __init__(  # noqa: PLR0913  # the parts it joins; agent.build gives each by name
        self,
        *,
        link: Link,
        address: Address,
        settings: UplinkSettings,
        store: Store,
        outbox: Outbox,
        telemetry: Telemetry,
        contact: Contact,
        time: Timekeeper,
        chance: Chance,
        versions: Callable[[], Versions],
        ask_time: Callable[[int], bytes | None],
        quality: LinkQuality,
    ) -> None:
        self._link = link
        self._quality = quality
        self._address = address
        self._settings = settings
        self._store = store
        self._outbox = outbox
        self._telemetry = telemetry
        self._contact = contact
        self._time = time
        self._chance = chance
        self._versions = versions
        self._ask_time = ask_time
        samples = TelemetryLane(outbox, telemetry, time)
        lanes: dict[Lane, tuple[LaneSource, int]] = {
            Lane.JOURNAL: (JournalLane(outbox, time), outbox.committed),
            Lane.TELEMETRY: (samples, lane_row(store, Lane.TELEMETRY)[3]),
        }
        seconds = settings.receipt_timeout_seconds
        self._senders = {
            lane: Sender(source, chance, committed=committed, timeout_seconds=seconds)
            for lane, (source, committed) in lanes.items()
        }
        self._hearing = Hearing()
        self._started_at = time.elapsed()
        self._connect_at: float | None = time.elapsed()
        self._birth_at: float | None = None
        self._heartbeat_at = self._send_at = self._slow_at = self._telemetry_at = 0.0
        self._answered = False
        self.connected = False
        self.session = int(store.value(_SESSION) or 0)
        self._session_used = self._session_kept = True
        self._server_epoch = store.value(_SERVER_EPOCH)

    def step(self) -> list[Order]:
        """One bounded turn: hear, connect, be born, beat, send. Raises StorageError."""
        orders = [order for event in self._link.take(EVENTS_A_STEP) for order in self._hear(event)]
        elapsed = self._time.elapsed()
        if self._connect_at is not None and elapsed >= self._connect_at:
            self._connect()
        if self.connected:
            self._speak(elapsed)
        if self.connected and self._hearing.deaf(elapsed):
            self._give_up()
        return orders

    def send_now(self) -> None:
        """Send what was written since `step`, so that a fact does not wait for the next turn."""
        elapsed = self._time.elapsed()
        if self.connected and (self._answered or elapsed >= self._send_at):
            self._send_lanes(elapsed)

    def birth_soon(self, delay_seconds: float = 0.0) -> None:
        """Have a birth sent (once) after a delay; only while connected."""
        if self.connected and self._birth_at is None:
            self._birth_at = self._time.elapsed() + delay_seconds

    def stop(self) -> None:
        """Say goodbye and end the connection. Bounded."""
        farewell = self._address.message(UpKind.PRESENCE, self._presence(PresenceCause.STOP))
        self._link.close(farewell if self.connected else None)
        self.connected = False

    def _connect(self) -> None:
        self._next_session()
        self._connect_at = None
        will = self._address.message(UpKind.PRESENCE, self._presence(PresenceCause.WILL))
        self._link.open(will, cabinet_subscriptions(self._address.fleet, self._address.cabinet))

    def _next_session(self) -> None:
        # A number no broker ever saw is free again: a week without a broker wears no flash.
        if self._session_used:
            self.session += 1
            self._session_used = self._session_kept = False
        if not self._session_kept:
            # A full disk must be told of. A number that comes twice then, after another start, can
            # fire no old order: an order is not begun where nothing can be noted.
            with contextlib.suppress(StorageError):
                with self._store.transaction():
                    self._store.remember(_SESSION, str(self.session))
                self._session_kept = True

    def _speak(self, elapsed: float) -> None:
        if self._birth_at is not None and elapsed >= self._birth_at:
            self._be_born(elapsed)
        if elapsed >= self._heartbeat_at:
            self._beat(elapsed)
        if self._birth_at is None:
            request = self._ask_time(self.session)
            if request is not None:
                self._link.publish(self._address.message(UpKind.REQUEST, request))
        if self._answered or elapsed >= self._send_at:
            self._send_lanes(elapsed)

    def _send_lanes(self, elapsed: float) -> None:
        for lane, kind in ((Lane.JOURNAL, UpKind.JOURNAL), (Lane.TELEMETRY, UpKind.TELEMETRY)):
            sender = self._senders[lane]
            if lane is Lane.TELEMETRY and not self._telemetry_due(elapsed, sender):
                continue
            timed_out = sender.timed_out
            packed = sender.step(elapsed)
            if packed is not None:
                if sender.timed_out > timed_out:
                    self._quality.sent(elapsed, answered=False)
                self._hearing.sent(elapsed)
                self._link.publish(self._address.message(kind, packed.payload))

    def _telemetry_due(self, elapsed: float, sender: Sender) -> bool:
        """Whether samples go now: when it is time, when a batch is full, or one is under way."""
        if sender.waiting >= BATCH_EVENTS_MAX or sender.outstanding:
            return True
        if elapsed < self._telemetry_at:
            return False
        self._telemetry_at = elapsed + TELEMETRY_EVERY_SECONDS[self._settings.uplink]
        return True

    def _be_born(self, elapsed: float) -> None:
        self._birth_at = None
        birth = self._address.message(UpKind.PRESENCE, self._presence(PresenceCause.BIRTH))
        if not self._link.publish(birth):
            return  # LinkClosed follows
        self._hearing.sent(elapsed)
        self._contact.born(after_silence=self._hearing.gave_up)
        # The first receipt of this process shows a rolled-back store, but only before anything
        # was sent that could explain it (ADR 0008); it is on its way, or lost.
        self._send_at = elapsed + self._settings.receipt_timeout_seconds
        for sender in self._senders.values():
            sender.born()
        self._heartbeat_at = elapsed + PRESENCE[self._settings.uplink].heartbeat_seconds

    def _beat(self, elapsed: float) -> None:
        slow = None
        if self._settings.uplink is Uplink.WIRED or elapsed >= self._slow_at:
            slow = SlowFacts(elapsed - self._started_at, self._store.free_bytes())
            self._slow_at = elapsed + SLOW_FACTS_EVERY_SECONDS
        payload = heartbeat(self.standing(), self._time.quality(), slow)
        self._link.publish(self._address.message(UpKind.HEARTBEAT, payload))
        self._heartbeat_at = elapsed + PRESENCE[self._settings.uplink].heartbeat_seconds

    def _hear(self, event: LinkOpened | LinkClosed | LinkMessage) -> list[Order]:
        """Handle one event; a full disk must not make us miss the next, a closed link say."""
        try:
            order = self._handle(event)
        except StorageError:
            log.exception("uplink.not_kept")
            return []
        return [] if order is None else [order]

    def _handle(self, event: LinkOpened | LinkClosed | LinkMessage) -> Order | None:
        if isinstance(event, LinkOpened):
            self._opened()
        elif isinstance(event, LinkClosed):
            self._closed(event)
        else:
            return self._message(event)
        return None

    def _opened(self) -> None:
        log.info("uplink.opened", extra={"session": self.session})
        self.connected = True
        self._session_used = True
        self._birth_at = self._time.elapsed()
        self._heartbeat_at = self._birth_at + PRESENCE[self._settings.uplink].heartbeat_seconds

    def _give_up(self) -> None:
        self._closed(LinkClosed("nothing is heard", reached=True))
        self._hearing.give_up()

    def _closed(self, event: LinkClosed) -> None:
        log.info("uplink.closed", extra={"session": self.session, "reason": event.reason})
        self.connected = False
        self._session_used = self._session_used or event.reached
        self._birth_at = None
        self._contact.lost()
        self._hearing.lost()
        for sender in self._senders.values():
            sender.lost()
        self._link.close(None)
        spread = self._settings.reconnect_spread_seconds
        self._connect_at = self._time.elapsed() + self._chance.uniform(0.0, spread)

    def _message(self, event: LinkMessage) -> Order | None:
        self._hearing.heard()
        kind = kind_of_down(event.topic)
        try:
            if kind == DownKind.RECEIPT:
                self._receipt(decode(event.payload, Receipt))
                return None
            if kind == AllKind.SERVER:
                self._server(decode(event.payload, ServerState))
                return None
        except ProtocolError as error:
            log.warning("uplink.rubbish", extra={"topic": event.topic, "reason": str(error)})
            return None
        if kind in (DownKind.RULES, DownKind.DESIRED, DownKind.COMMAND, DownKind.REPLY):
            return Order(DownKind(kind), event.payload)
        log.info("uplink.unknown_kind", extra={"topic": event.topic})
        return None

    def _receipt(self, receipt: Receipt) -> None:
        self._meet(receipt.server_epoch, answers_birth=self._contact.awaiting_answer)
        self._contact.heard(receipt.rules_version)
        self._answered = True
        try:
            self._follow(receipt)
        except RolledBackError as error:
            log.error("uplink.rolled_back", extra={"reason": str(error)})  # noqa: TRY400  # its text
            self._outbox.begin_anew()
            self._telemetry.begin_anew()
            for sender in self._senders.values():
                sender.begin_anew()
        else:
            for sender in self._senders.values():
                sender.answered()

    def _follow(self, receipt: Receipt) -> None:
        journal, telemetry = self._senders[Lane.JOURNAL], self._senders[Lane.TELEMETRY]
        before = journal.committed
        if receipt.journal is not None and receipt.journal.committed > before:
            self._quality.sent(self._time.elapsed(), answered=True)
        if receipt.journal is not None and journal.receipt(receipt.journal):
            self._outbox.committed = journal.committed
            if journal.committed < before:
                log.warning("uplink.fell_back", extra={"to": journal.committed, "from": before})
                self._outbox.fall_back(journal.committed)
        if receipt.telemetry is not None and telemetry.receipt(receipt.telemetry):
            self._telemetry.forget(telemetry.committed)

    def _server(self, state: ServerState) -> None:
        """Answer with a birth, spread over the fleet (P-11); it orders nothing."""
        if state.state is PresenceState.ONLINE:
            self._birth_later()

    def _meet(self, server_epoch: str, *, answers_birth: bool) -> None:
        if server_epoch == self._server_epoch:
            return
        known, self._server_epoch = self._server_epoch, server_epoch
        if known is not None and not answers_birth:
            self._birth_later()
        # Forgotten because of a full disk it costs one more birth after a restart.
        with contextlib.suppress(StorageError), self._store.transaction():
            self._store.remember(_SERVER_EPOCH, server_epoch)

    def _birth_later(self) -> None:
        self.birth_soon(self._chance.uniform(0.0, self._settings.reconnect_spread_seconds))

    def standing(self) -> Standing:
        """What birth and heartbeat tell now."""
        return Standing(
            session=self.session,
            boot=self._outbox.boot,
            uplink=self._settings.uplink,
            versions=self._versions(),
            journal=self._outbox.position(Lane.JOURNAL),
            telemetry=self._outbox.position(Lane.TELEMETRY),
        )

    def _presence(self, cause: PresenceCause) -> bytes:
        return presence(self.standing(), cause)
