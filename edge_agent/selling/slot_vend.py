"""One paid unit out of one slot: gate -> pulse -> proof -> sale, each step durable before the next.

The state says `pulsed` before the lock or motor is told, never after: a power cut can then leave
doubt, but not a second vend. Proof is the door seen open by the lock board, or the controller's
word on its motor. A payment reference is used up by its first order, whatever came of it; the same
order again gets the same answer.
"""

import contextlib
import logging
from collections.abc import Callable

import msgspec

from edge_agent.drivers.errors import DriverError
from edge_agent.drivers.readings import DispenseOutcome
from edge_agent.outbox.store import Outbox
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.seed import Chance
from edge_agent.selling.contacts import Contacts
from edge_agent.selling.doors import Doors
from edge_agent.selling.errors import PaymentReferenceReusedError
from edge_agent.selling.gate import Allowed, NoticeKind, Refused
from edge_agent.selling.states import VendState
from edge_agent.selling.stock import StockBook, confidence
from edge_agent.selling.texts import DISPENSED, NOT_DISPENSED, REFUSALS, UNKNOWN_OUTCOME
from edge_agent.selling.vend_book import ToldNotice, Vend, VendAnswer, VendBook, VendOrder
from edge_agent.store import StorageError, Store
from protocol.events import (
    DoorCause,
    RefusalReason,
    SaleCompleted,
    SaleLine,
    SaleMode,
    SaleRefused,
    VendFailed,
)

SETTLE_SECONDS = 30.0
"""After a boot the lock board has this long to show the door of an interrupted vend."""
MOTOR_SECONDS = 90.0
"""An elevator takes up to a minute; a controller without a word by then leaves doubt, no proof."""
POWER_CUT = "power_cut"
STORAGE = "storage"
_NOT_OF_THE_SLOT = frozenset({POWER_CUT, STORAGE})
"""Causes that say nothing about the slot and do not pause it."""

log = logging.getLogger(__name__)


class SlotVends:
    """All vends of the cabinet."""

    def __init__(  # noqa: PLR0913  # the parts it joins; agent.build gives each by name
        self,
        *,
        store: Store,
        outbox: Outbox,
        stock: StockBook,
        doors: Doors,
        time: Timekeeper,
        chance: Chance,
        pulse: Callable[[str, str], None],
        contacts: Contacts,
        proof_seconds: float,
        motors: frozenset[str] = frozenset(),
    ) -> None:
        self._store = store
        self._book = VendBook(store, time)
        self._outbox = outbox
        self._stock = stock
        self._doors = doors
        self._time = time
        self._chance = chance
        self._pulse = pulse
        self._contacts = contacts
        self._proof_seconds = proof_seconds
        self._motors = motors
        self._deadlines: dict[str, float] = {}
        self._before_boot: set[str] = set()
        self._proven: set[str] = set()
        self._causes: dict[str, str] = {}

    def find(self, payment_reference: str) -> Vend | None:
        """Vend of a payment reference."""
        return self._book.find(payment_reference)

    def open_vends(self) -> tuple[Vend, ...]:
        """Vends that are under way; at most one a slot."""
        return self._book.open_vends()

    def known(self, order: VendOrder) -> Vend | None:
        """Vend this very order already has. Raises PaymentReferenceReusedError for another."""
        vend = self._book.find(order.payment_reference)
        if vend is None:
            return None
        if (vend.slot, vend.buyer_reference) != (order.slot, order.buyer_reference):
            raise PaymentReferenceReusedError(order.payment_reference)
        return vend

    def refuse(self, order: VendOrder, door: str, refused: Refused) -> VendAnswer:
        """Note a refusal; on a full disk it is answered all the same, without a note."""
        answer = VendAnswer(
            VendState.REFUSED, self._chance.new_id(), refused.text, refused.reason, refused.detail
        )
        recall = refused.detail if refused.reason is RefusalReason.RECALL else ""
        gtin = next((lot.gtin for lot in self._stock.lots(order.slot)), "")
        vend = self._requested(order, door, answer)
        try:
            with self._store.transaction():
                self._book.insert(vend)
                self._book.move(vend, VendState.REFUSED, answer)
                body = SaleRefused(refused.reason, order.slot, gtin, recall)
                self._outbox.append("sale.refused", body)
        except StorageError:
            log.exception("sale.refusal_not_kept", extra={"slot": order.slot})
        return answer

    def begin(
        self, order: VendOrder, door: str, allowed: Allowed, *, currency: str, rules_version: int
    ) -> VendAnswer:
        """Carry out an allowed order up to the pulse; the proof comes with a door reading.

        Raises SealingKeyMissingError; then nothing was begun.
        """
        vend = self._authorisable(order, door, allowed, currency, rules_version)
        try:
            with self._store.transaction():
                self._book.insert(vend)
                self._book.move(vend, VendState.AUTHORISED, vend.answer)
        except StorageError:
            text = REFUSALS[RefusalReason.STORAGE]
            return VendAnswer(VendState.REFUSED, vend.sale, text, RefusalReason.STORAGE)
        vend = self._reread(vend)
        if not self._open_door(vend):
            reason = self._causes[vend.sale]
            return msgspec.structs.replace(
                vend.answer, outcome=VendState.FAILED, text=NOT_DISPENSED, reason=reason
            )
        return self._reread(vend).answer

    def prove(self, door: str) -> None:
        """Remember that a door was seen open; in memory first, whatever the disk says."""
        for vend in self._book.open_vends():
            if vend.door == door and vend.state is VendState.PULSED:
                self._proven.add(vend.sale)

    def dispense_ended(self, sale: str, outcome: DispenseOutcome) -> None:
        """Take the controller's word on a motor; in memory first, whatever the disk says."""
        if outcome is DispenseOutcome.DISPENSED:
            self._proven |= {vend.sale for vend in self._book.open_vends() if vend.sale == sale}
        elif outcome is DispenseOutcome.UNKNOWN:
            self._deadlines[sale] = self._time.elapsed()
        else:
            self._causes[sale] = str(outcome)

    def complete(self) -> None:
        """Write the sales that are proven, in the caller's transaction."""
        for vend in self._book.open_vends():
            if vend.sale in self._proven:
                self._dispensed(vend)

    def door_stays_closed(self, door: str) -> None:
        """Settle a vend of before the boot: nobody can say any more whether its door was open."""
        for vend in self._book.open_vends():
            if vend.door == door and vend.sale in self._before_boot:
                self._settle(vend, VendState.UNKNOWN, POWER_CUT)

    def pulse_failed(self, sale: str, cause: str) -> None:
        """Settle a vend whose pulse was surely not sent; in memory first, whatever the disk says.

        Raises StorageError; then the next good `step` writes it.
        """
        for vend in self._book.open_vends():
            if vend.sale == sale:
                self._causes[sale] = cause
                self._settle(vend, VendState.FAILED, cause)

    def step(self) -> None:
        """Settle what was proven and not yet written, or waited too long. Raises StorageError."""
        if self._proven:
            with self._store.transaction():
                self.complete()
        open_vends = self._book.open_vends()
        for vend in open_vends:
            cause = self._causes.get(vend.sale)
            if cause is not None:
                self._settle(vend, VendState.FAILED, cause)
            elif self._time.elapsed() < self._deadlines.get(vend.sale, 0.0):
                continue
            elif vend.sale in self._before_boot:
                self._settle(vend, VendState.UNKNOWN, POWER_CUT)
            elif vend.door in self._motors:
                self._settle(vend, VendState.UNKNOWN, "no_word_of_the_motor")
            else:
                self._settle(vend, VendState.FAILED, "door_did_not_open")
        self._forget_settled({vend.sale for vend in open_vends})

    def recover(self) -> None:
        """At boot: say of each interrupted vend what is known, and wait for the rest.

        Nothing is written here, so that a full disk does not keep us from starting.
        """
        for vend in self._book.open_vends():
            if vend.state is VendState.PULSED:
                self._before_boot.add(vend.sale)
                self._deadlines[vend.sale] = self._time.elapsed() + SETTLE_SECONDS
                self._expect_door(vend, SETTLE_SECONDS)
            else:
                self._causes[vend.sale] = POWER_CUT

    def _open_door(self, vend: Vend) -> bool:
        """Pulse the lock; False when it surely was not, which the next good write settles."""
        try:
            with self._store.transaction():
                self._book.move(vend, VendState.PULSED, vend.answer)
        except StorageError:
            self._causes[vend.sale] = STORAGE
            return False
        seconds = MOTOR_SECONDS if vend.door in self._motors else self._proof_seconds
        self._deadlines[vend.sale] = self._time.elapsed() + seconds
        self._expect_door(vend, seconds)
        try:
            self._pulse(vend.door, vend.sale)
        except DriverError as error:
            self._causes[vend.sale] = type(error).__name__
            with contextlib.suppress(StorageError):  # then the next good `step` writes it
                self._settle(self._reread(vend), VendState.FAILED, type(error).__name__)
            return False
        return True

    def _expect_door(self, vend: Vend, seconds: float) -> None:
        if vend.door not in self._motors:
            self._doors.expect(vend.door, DoorCause.SALE, seconds)

    def _dispensed(self, vend: Vend) -> None:
        line = vend.line
        if line is None or vend.stock_id is None:
            raise AssertionError(f"vend {vend.sale} was pulsed without a line")
        answer = msgspec.structs.replace(vend.answer, outcome=VendState.DISPENSED, text=DISPENSED)
        self._book.move(vend, VendState.DISPENSED, answer)
        self._stock.take_one(vend.stock_id)
        self._stock.note_success(vend.slot)
        self._outbox.append("sale.completed", _sale(vend, line))

    def _settle(self, vend: Vend, state: VendState, cause: str) -> None:
        unknown = state is VendState.UNKNOWN
        text = UNKNOWN_OUTCOME if unknown else NOT_DISPENSED
        answer = msgspec.structs.replace(vend.answer, outcome=state, text=text, reason=cause)
        body = VendFailed(
            sale=vend.sale,
            slot=vend.slot,
            cause=cause,
            payment_reference=vend.payment_reference,
            outcome="unknown" if unknown else "not_dispensed",
            amount_minor=0 if vend.line is None else vend.line.price_minor,
            currency=vend.currency,
        )
        with self._store.transaction():
            self._book.move(vend, state, answer)
            if cause not in _NOT_OF_THE_SLOT:
                self._stock.note_failure(vend.slot)
            self._outbox.append("vend.failed", body)

    def _forget_settled(self, still_open: set[str]) -> None:
        self._deadlines = {
            sale: until for sale, until in self._deadlines.items() if sale in still_open
        }
        self._before_boot &= still_open
        self._proven &= still_open
        self._causes = {sale: why for sale, why in self._causes.items() if sale in still_open}

    def _requested(self, order: VendOrder, door: str, answer: VendAnswer) -> Vend:
        return Vend(
            payment_reference=order.payment_reference,
            sale=answer.sale,
            slot=order.slot,
            door=door,
            state=VendState.REQUESTED,
            buyer_reference=order.buyer_reference,
            sealed_contact="",
            currency="",
            stock_id=None,
            line=None,
            rules_version=0,
            answer=answer,
        )

    def _authorisable(
        self, order: VendOrder, door: str, allowed: Allowed, currency: str, rules_version: int
    ) -> Vend:
        sale = self._chance.new_id()
        told = [ToldNotice(kind, text) for kind, text in allowed.notices]
        answer = VendAnswer(VendState.REQUESTED, sale, DISPENSED, notices=told)
        return Vend(
            payment_reference=order.payment_reference,
            sale=sale,
            slot=order.slot,
            door=door,
            state=VendState.REQUESTED,
            buyer_reference=order.buyer_reference,
            sealed_contact=self._contacts.sealed(order.contact),
            currency=currency,
            stock_id=allowed.lot.row,
            line=_line(order.slot, allowed, self._stock),
            rules_version=rules_version,
            answer=answer,
        )

    def _reread(self, vend: Vend) -> Vend:
        found = self._book.find(vend.payment_reference)
        if found is None:
            raise AssertionError(f"vend {vend.sale} was written and is not there")
        return found


def _line(slot: str, allowed: Allowed, stock: StockBook) -> SaleLine:
    told = {kind for kind, _ in allowed.notices}
    return SaleLine(
        line=1,
        slot=slot,
        gtin=allowed.lot.gtin,
        lot=allowed.lot.lot,
        lot_confidence=confidence(stock.lots(slot)),
        quantity=1,
        price_minor=allowed.planned.price_minor,
        expiry=allowed.lot.expiry,
        near_expiry_told=NoticeKind.NEAR_EXPIRY in told,
        not_returnable_told=NoticeKind.NOT_RETURNABLE in told,
    )


def _sale(vend: Vend, line: SaleLine) -> SaleCompleted:
    return SaleCompleted(
        sale=vend.sale,
        mode=SaleMode.SLOT,
        lines=[line],
        total_minor=line.price_minor * line.quantity,
        currency=vend.currency,
        payment_reference=vend.payment_reference,
        buyer_reference=vend.buyer_reference,
        sealed_contact=vend.sealed_contact,
        rules_version=vend.rules_version,
    )
