"""One buyer, one door, shelves on scales: gate -> unlock -> opened -> closed -> weights -> sale.

Each step is durable before the next; the weights from before the unlocking are part of the first.
So whatever a power cut leaves, the weights after it still tell what is gone: an interrupted
session is settled by them and marked provisional. Stock, sale and state are one transaction.
"""

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec

from edge_agent.drivers.errors import DriverError
from edge_agent.outbox.store import Outbox
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.seed import Chance
from edge_agent.selling.contacts import Contacts
from edge_agent.selling.doors import Doors
from edge_agent.selling.errors import PaymentReferenceReusedError
from edge_agent.selling.gate import DoorAllowed, Refused
from edge_agent.selling.sale_lines import sale_lines
from edge_agent.selling.scales import Scales
from edge_agent.selling.session_book import (
    Offer,
    Session,
    SessionAnswer,
    SessionBook,
    SessionOrder,
)
from edge_agent.selling.settling import Settled, Shelf, settle
from edge_agent.selling.slot_vend import POWER_CUT, SETTLE_SECONDS, STORAGE
from edge_agent.selling.states import SessionState
from edge_agent.selling.stock import StockBook
from edge_agent.selling.texts import (
    DOOR_UNLOCKED,
    NOT_DISPENSED,
    NOTHING_TAKEN,
    REFUSALS,
    SETTLED,
    SETTLED_PROVISIONAL,
    SETTLING,
    UNKNOWN_OUTCOME,
)
from edge_agent.selling.vend_book import ToldNotice
from edge_agent.store import StorageError, Store
from protocol.events import (
    DoorCause,
    RefusalReason,
    SaleCompleted,
    SaleMode,
    SaleRefused,
    Settlement,
    VendFailed,
)

REST_SECONDS_MAX = 20.0
"""Scales that are not at rest by then are not going to be: settled without them, provisionally."""
MOVES_MAX = 100
"""Moves of one door in one session while the disk is full; the last ones decide."""

log = logging.getLogger(__name__)


class DoorSessions:
    """All sessions of the cabinet; one at a time."""

    def __init__(  # noqa: PLR0913  # the parts it joins; agent.build gives each by name
        self,
        *,
        store: Store,
        outbox: Outbox,
        stock: StockBook,
        doors: Doors,
        scales: Scales,
        time: Timekeeper,
        chance: Chance,
        contacts: Contacts,
        pulse: Callable[[str, str], None],
        proof_seconds: float,
    ) -> None:
        self._store = store
        self._book = SessionBook(store, time)
        self._outbox = outbox
        self._stock = stock
        self._doors = doors
        self._scales = scales
        self._time = time
        self._chance = chance
        self._contacts = contacts
        self._pulse = pulse
        self._proof_seconds = proof_seconds
        self._until = 0.0
        self._closed_at = 0.0
        self._cause = ""
        self._moves: list[tuple[str, bool]] = []
        self._interrupted = ""

    def find(self, payment_reference: str) -> Session | None:
        """Session of a payment reference."""
        return self._book.find(payment_reference)

    def under_way(self) -> Session | None:
        """Session that is not over."""
        return self._book.under_way()

    def known(self, order: SessionOrder) -> Session | None:
        """Session this very order already has. Raises PaymentReferenceReusedError for another."""
        session = self._book.find(order.payment_reference)
        if session is not None and session.buyer_reference != order.buyer_reference:
            raise PaymentReferenceReusedError(order.payment_reference)
        return session

    def refuse(self, order: SessionOrder, door: str, refused: Refused) -> SessionAnswer:
        """Note a refusal; on a full disk it is answered all the same, without a note."""
        answer = SessionAnswer(
            SessionState.REFUSED,
            self._chance.new_id(),
            refused.text,
            refused.reason,
            refused.detail,
        )
        recall = refused.detail if refused.reason is RefusalReason.RECALL else ""
        session = self._requested(order, door, answer)
        try:
            with self._store.transaction():
                self._book.insert(session)
                self._book.move(session, SessionState.REFUSED, answer)
                self._outbox.append("sale.refused", SaleRefused(refused.reason, door, "", recall))
        except StorageError:
            log.exception("sale.refusal_not_kept", extra={"door": door})
        return answer

    def begin(  # what the cabinet knows of the moment, each by name
        self,
        order: SessionOrder,
        door: str,
        allowed: DoorAllowed,
        *,
        shelves: Sequence[Shelf],
        offers: Sequence[Offer],
        currency: str,
        rules_version: int,
    ) -> SessionAnswer:
        """Carry out an allowed order up to the pulse. Raises SealingKeyMissingError."""
        told = [ToldNotice(kind, text) for _, kind, text in allowed.notices]
        answer = SessionAnswer(
            SessionState.REQUESTED, self._chance.new_id(), DOOR_UNLOCKED, notices=told
        )
        session = replace(
            self._requested(order, door, answer),
            sealed_contact=self._contacts.sealed(order.contact),
            currency=currency,
            rules_version=rules_version,
            shelves=tuple(shelves),
            offers=tuple(offers),
        )
        try:
            with self._store.transaction():
                self._book.insert(session)
                self._book.move(session, SessionState.AUTHORISED, answer)
        except StorageError:
            text = REFUSALS[RefusalReason.STORAGE]
            return SessionAnswer(SessionState.REFUSED, session.sale, text, RefusalReason.STORAGE)
        self._open_door(self._reread(session))
        return self._reread(session).answer

    def note(self, door: str, *, opened: bool) -> None:
        """Remember that the door moved; in memory first, whatever the disk says."""
        session = self._book.under_way()
        if session is not None and session.door == door:
            self._moves.append((session.sale, opened))
            del self._moves[:-MOVES_MAX]
            if not opened:
                self._closed_at = self._time.elapsed()

    @property
    def moving(self) -> bool:
        """Whether moves of the door wait to be written."""
        return bool(self._moves)

    def write(self) -> None:
        """Move the session as its door moved, in the caller's transaction."""
        for sale, opened in self._moves:
            session = self._book.under_way()
            if session is not None and session.sale == sale:
                self._follow(session, SessionState.OPENED if opened else SessionState.CLOSED)

    def written(self) -> None:
        """Forget the moves: the transaction of `write` was committed."""
        self._moves.clear()

    def door_stays_closed(self, door: str) -> None:
        """Settle what a boot found pulsed: its door is shut, only the weights can tell more."""
        session = self._book.under_way()
        if (
            session is not None
            and session.door == door
            and session.interrupted
            and session.state is SessionState.PULSED
        ):
            self._closed_at = self._time.elapsed()
            with self._store.transaction():
                self._book.move(session, SessionState.CLOSED, session.answer)

    def pulse_failed(self, sale: str, cause: str) -> None:
        """Settle a session whose pulse was surely not sent; a full disk has it wait for `step`."""
        session = self._book.under_way()
        if session is not None and session.sale == sale:
            self._cause = cause

    def step(self) -> None:
        """Fail what did not open, settle what came to rest. Raises StorageError; then it waits."""
        session = self._book.under_way()
        if session is not None and session.sale == self._interrupted:
            session = self._note_interruption(session)
        if session is None or self._moves:
            return
        if session.state in (SessionState.REQUESTED, SessionState.AUTHORISED):
            self._fail(session, self._cause or POWER_CUT)
        elif session.state is SessionState.PULSED:
            self._judge_pulsed(session)
        elif session.state is SessionState.CLOSED:
            self._weigh(session)

    def recover(self) -> None:
        """At boot: note that the session was interrupted; doors and weights tell the rest.

        Written by the first good `step`, so that a full disk does not keep us from starting.
        """
        session = self._book.under_way()
        self._closed_at = self._time.elapsed()
        self._until = self._closed_at + SETTLE_SECONDS
        if session is None:
            return
        if session.state is SessionState.PULSED:
            self._doors.expect(session.door, DoorCause.SALE, SETTLE_SECONDS)
        self._interrupted = session.sale

    def _note_interruption(self, session: Session) -> Session:
        with self._store.transaction():
            self._book.interrupt(session)
        self._interrupted = ""
        return self._reread(session)

    def _open_door(self, session: Session) -> None:
        """Pulse the lock; what surely was not sent is failed by the next good `step`."""
        self._cause = ""
        try:
            with self._store.transaction():
                self._book.move(session, SessionState.PULSED, session.answer)
        except StorageError:
            self._cause = STORAGE
            return
        self._until = self._time.elapsed() + self._proof_seconds
        self._doors.expect(session.door, DoorCause.SALE, self._proof_seconds)
        try:
            self._pulse(session.door, session.sale)
        except DriverError as error:
            self._cause = type(error).__name__
            with contextlib.suppress(StorageError):  # then the next good `step` writes it
                self._fail(self._reread(session), self._cause)

    def _judge_pulsed(self, session: Session) -> None:
        if self._cause:
            self._fail(session, self._cause)
        elif self._time.elapsed() >= self._until:
            if session.interrupted:
                self._closed_at = self._time.elapsed()
                with self._store.transaction():
                    self._book.move(session, SessionState.CLOSED, session.answer)
            else:
                self._fail(session, "door_did_not_open")

    def _follow(self, session: Session, wanted: SessionState) -> None:
        if session.state is SessionState.PULSED and wanted is SessionState.CLOSED:
            return  # a door that shut before our pulse opened it
        if session.state is not wanted:
            text = SETTLING if wanted is SessionState.CLOSED else DOOR_UNLOCKED
            self._book.move(session, wanted, msgspec.structs.replace(session.answer, text=text))

    def _weigh(self, session: Session) -> None:
        after = {
            row.shelf: self._scales.at_rest(row.shelf, after=self._closed_at)
            for row in session.shelves
        }
        if None in after.values() and self._time.elapsed() - self._closed_at < REST_SECONDS_MAX:
            return
        shelves = [replace(row, after_grams=after[row.shelf]) for row in session.shelves]
        self._settle(session, settle(shelves))

    def _settle(self, session: Session, settled: Settled) -> None:
        if settled.taken:
            self._sell(session, settled)
        elif settled.provisional:
            self._end(session, SessionState.UNKNOWN, settled.evidence[0].why)
        else:
            self._end(session, SessionState.NOTHING_TAKEN, SessionState.NOTHING_TAKEN)

    def _sell(self, session: Session, settled: Settled) -> None:
        provisional = settled.provisional or session.interrupted
        with self._store.transaction():
            lines = sale_lines(session.offers, settled.taken, self._stock.take)
            body = SaleCompleted(
                sale=session.sale,
                mode=SaleMode.OPEN_DOOR,
                lines=lines,
                total_minor=sum(line.price_minor * line.quantity for line in lines),
                currency=session.currency,
                payment_reference=session.payment_reference,
                settlement=Settlement.PROVISIONAL if provisional else Settlement.FINAL,
                buyer_reference=session.buyer_reference,
                sealed_contact=session.sealed_contact,
                rules_version=session.rules_version,
                evidence=list(settled.evidence),
            )
            answer = msgspec.structs.replace(
                session.answer,
                text=SETTLED_PROVISIONAL if provisional else SETTLED,
                lines=lines,
                total_minor=body.total_minor,
                provisional=provisional,
            )
            self._book.move(session, SessionState.SETTLED, answer)
            self._outbox.append("sale.completed", body)

    def _fail(self, session: Session, cause: str) -> None:
        self._end(session, SessionState.FAILED, cause)

    def _end(self, session: Session, state: SessionState, cause: str) -> None:
        """End without a sale; nothing is charged, and the journal says why."""
        texts = {
            SessionState.FAILED: (NOT_DISPENSED, "not_dispensed"),
            SessionState.NOTHING_TAKEN: (NOTHING_TAKEN, "nothing_taken"),
            SessionState.UNKNOWN: (UNKNOWN_OUTCOME, "unknown"),
        }
        text, outcome = texts[state]
        reason = "" if state is SessionState.NOTHING_TAKEN else cause
        answer = msgspec.structs.replace(session.answer, text=text, reason=reason)
        body = VendFailed(
            sale=session.sale,
            slot=session.door,
            cause=cause,
            payment_reference=session.payment_reference,
            outcome=outcome,
            currency=session.currency,
        )
        with self._store.transaction():
            self._book.move(session, state, answer)
            self._outbox.append("vend.failed", body)
        self._cause = ""

    def _requested(self, order: SessionOrder, door: str, answer: SessionAnswer) -> Session:
        return Session(
            payment_reference=order.payment_reference,
            sale=answer.sale,
            door=door,
            state=SessionState.REQUESTED,
            buyer_reference=order.buyer_reference,
            sealed_contact="",
            currency="",
            rules_version=0,
            shelves=(),
            offers=(),
            interrupted=False,
            answer=answer,
        )

    def _reread(self, session: Session) -> Session:
        found = self._book.find(session.payment_reference)
        if found is None:
            raise AssertionError(f"session {session.sale} was written and is not there")
        return found
