"""The cabinet as a shop: everything the gate looks at, and what may be done with slots and goods.

Orders of the server (`commands`) and people at the cabinet (`local_api`) both act through here, so
that a rule holds whoever asks.
"""

import contextlib
import logging
from dataclasses import dataclass

from edge_agent.detection.errors import ThresholdError
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.readings import DeviceFailure, DoorReading, PulseFailed, Reading
from edge_agent.outbox.contact import Contact
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.rules.desired_book import DesiredBook, thresholds
from edge_agent.rules.documents import VersionRefusedError
from edge_agent.rules.evaluate import Block, blocks
from edge_agent.rules.rule_book import RuleBook
from edge_agent.rules.time_asking import TimeAsking
from edge_agent.selling.doors import DoorEdge, Doors
from edge_agent.selling.errors import StockRefusedError, UnknownSlotError
from edge_agent.selling.faults import FaultBook
from edge_agent.selling.gate import Allowed, Lot, Refused, SlotFacts, decide, unfit
from edge_agent.selling.local_date import local_date
from edge_agent.selling.rejections import Rejections
from edge_agent.selling.slot_vend import SlotVends
from edge_agent.selling.stock import StockBook
from edge_agent.selling.storage_watch import StorageWatch
from edge_agent.selling.texts import SlotFault
from edge_agent.selling.vend_book import VendAnswer, VendOrder
from edge_agent.store import StorageError, Store
from protocol.desired import Desired
from protocol.errors import ProtocolError, SignatureRejectedError
from protocol.events import BlockedSlot, StockMoved
from protocol.matching import Goods, Place
from protocol.signatures import SignedKind

FAILURES_MAX = 3
"""edge-agent, Selling: three failures in a row pause the slot."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """What the cabinet is made of; `agent.build` joins them."""

    cabinet: str
    slot_doors: dict[str, str]
    store: Store
    time: Timekeeper
    contact: Contact
    rules: RuleBook
    asking: TimeAsking
    desired: DesiredBook
    stock: StockBook
    doors: Doors
    faults: FaultBook
    vends: SlotVends
    storage: StorageWatch


class Cabinet:
    """The parts, and what needs several of them."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.rejections = Rejections(parts.faults, parts.time)
        self._blocks: dict[str, tuple[object, tuple[Block, ...]]] = {}
        self._paused_noted: set[str] = set()
        self._service_noted = parts.faults.is_open("SERVICE_MODE")
        self._clock_noted = not parts.faults.is_open("CLOCK_UNTRUSTED")
        parts.vends.recover()

    # What may be sold

    def door_of(self, slot: str) -> str:
        """Door of a slot. Raises UnknownSlotError."""
        if slot not in self.parts.slot_doors:
            raise UnknownSlotError(slot)
        return self.parts.slot_doors[slot]

    def decide(self, slot: str) -> Allowed | Refused:
        """Ask the gate about one slot. Raises UnknownSlotError."""
        return decide(self.facts(slot))

    def unfit_behind(self, door: str) -> Refused | None:
        """Say why nothing may be handed out of the slots of a door; None when it may."""
        slots = [slot for slot, behind in self.parts.slot_doors.items() if behind == door]
        refusals = (unfit(self.facts(slot)) for slot in slots)
        return next((refused for refused in refusals if refused is not None), None)

    def facts(self, slot: str) -> SlotFacts:
        """Everything the gate looks at, now."""
        parts = self.parts
        lots = parts.stock.lots(slot)
        planned = parts.desired.planned.get(slot)
        return SlotFacts(
            rules_held=parts.rules.version > 0,
            rules_pending=parts.contact.rules_pending(parts.rules.version),
            blocks=self.blocks(slot, lots),
            storage_ok=parts.storage.ok,
            safety_hold=parts.faults.safety_hold,
            planned=planned,
            lots=lots,
            today=local_date(parts.time.now(), parts.desired.zone),
            clock_trusted=parts.time.trusted,
            silent_seconds=parts.contact.silent_seconds(),
            lease_seconds=self._lease(chilled=planned is None or planned.chilled),
            service_mode=parts.faults.in_service,
            fault=self._fault(slot),
        )

    def blocks(self, slot: str, lots: tuple[Lot, ...]) -> tuple[Block, ...]:
        """Recalls and holds on what lies in a slot."""
        rules = self.parts.rules
        key = (rules.version, self.parts.desired.version, lots)
        known = self._blocks.get(slot)
        if known is None or known[0] != key:
            goods = [Goods(lot.gtin, lot.lot, None, lot.expiry, lot.production) for lot in lots]
            known = (key, blocks(rules.rules, goods, self._place(slot)))
            self._blocks[slot] = known
        return known[1]

    def blocked(self) -> list[BlockedSlot]:
        """Every blocked slot, for the acknowledgement of a bundle."""
        return [
            BlockedSlot(slot, block.recall, block.match)
            for slot in self.parts.slot_doors
            for block in self.blocks(slot, self.parts.stock.lots(slot))
        ]

    def vend(self, order: VendOrder) -> VendAnswer:
        """Sell one unit for a payment; the answer is final or says `pulsed`.

        The same order again gets the same answer. Raises UnknownSlotError,
        PaymentReferenceReusedError, SealingKeyMissingError; then nothing was done.
        """
        door = self.door_of(order.slot)
        vends = self.parts.vends
        known = vends.known(order)
        if known is not None:
            return known.answer
        decision = self.decide(order.slot)
        if isinstance(decision, Refused):
            return vends.refuse(order, door, decision)
        currency, version = self._desired.currency, self.parts.rules.version
        return vends.begin(order, door, decision, currency=currency, rules_version=version)

    # What lies in the slots

    def load(self, moved: StockMoved) -> None:
        """Load goods. Raises UnknownSlotError, StockRefusedError, MalformedMessageError."""
        self._check_slot_free(moved.slot)
        self.parts.stock.load(moved, self._check_loadable)

    def count(self, found: StockMoved) -> None:
        """Take a count. Raises as `load`."""
        self._check_slot_free(found.slot)
        self.parts.stock.count(found)

    def remove(self, moved: StockMoved) -> None:
        """Take goods out, which no rule ever forbids. Raises as `load`."""
        self._check_slot_free(moved.slot)
        self.parts.stock.remove(moved)

    # What the server wants

    def take_rules(self, data: bytes) -> bool:
        """Take a signed bundle; return whether it is new.

        Raises ProtocolError, VersionRefusedError, StorageError; the held bundle stays.
        """
        try:
            return self.parts.rules.receive(data)
        except SignatureRejectedError:
            self.rejections.note(SignedKind.RULES)
            raise
        except VersionRefusedError as error:
            self.parts.rules.refuse(error)
            raise

    def take_desired(self, data: bytes) -> bool:
        """Take a signed desired state; return whether it is new. Raises as `take_rules`."""
        try:
            new = self.parts.desired.receive(data)
        except SignatureRejectedError:
            self.rejections.note(SignedKind.DESIRED)
            raise
        except VersionRefusedError as error:
            self.parts.desired.refuse_version(error)
            raise
        if new:
            self.parts.faults.use(thresholds(self.parts.desired.desired))
        return new

    def take_time(self, data: bytes) -> bool:
        """Take a signed answer about the time; return whether it counts. Raises as `take_rules`."""
        try:
            return self.parts.asking.hear(data)
        except SignatureRejectedError:
            self.rejections.note(SignedKind.REPLY)
            raise

    def obey(self, kind: SignedKind, data: bytes) -> None:
        """Take what came signed from the wire; what is wrong with it is logged and told."""
        takes = {
            SignedKind.RULES: self.take_rules,
            SignedKind.DESIRED: self.take_desired,
            SignedKind.REPLY: self.take_time,
        }
        try:
            takes[kind](data)
        except (ProtocolError, VersionRefusedError, ThresholdError) as error:
            log.warning("document.refused", extra={"kind": str(kind), "reason": str(error)})

    # What the devices tell

    def observe(self, reading: Reading) -> None:
        """Take one reading. Raises StorageError."""
        self.parts.faults.observe(reading)
        if isinstance(reading, DoorReading | DeviceFailure):
            edge = self.parts.doors.observe(reading, in_service=self.parts.faults.in_service)
            if edge is not None:
                self._door_moved(edge)
            elif isinstance(reading, DoorReading) and reading.state is DoorState.CLOSED:
                self.parts.vends.door_stays_closed(reading.door)
        elif isinstance(reading, PulseFailed):
            self.parts.doors.forget(reading.door)
            self.parts.vends.pulse_failed(reading.order_id, reading.error)

    def step(self) -> None:
        """One bounded turn of everything that only time moves.

        A part that finds the disk full tries again in the next turn; the others go on.
        """
        for part in (
            self._watch_storage,
            self._write_doors,
            self.parts.vends.step,
            self._note_paused,
            self._note_service,
            self._note_clock,
            self.rejections.step,
            self.parts.faults.step,
            self._acknowledge_rules,
        ):
            # The store has logged it once, and the gate sells nothing until it takes writes.
            with contextlib.suppress(StorageError):
                part()

    def _watch_storage(self) -> None:
        if self.parts.storage.step():
            self.parts.faults.notice("STORAGE_FULL", "storage", bad=not self.parts.storage.ok)

    def _acknowledge_rules(self) -> None:
        if self.parts.rules.unacknowledged and not self.parts.vends.open_vends():
            self.parts.rules.acknowledge(self.blocked())

    def _door_moved(self, edge: DoorEdge) -> None:
        if edge.opened:
            self.parts.vends.prove(edge.door)
        self._write_doors()

    def _write_doors(self) -> None:
        """Write what moved, and the sales it proves; with a full disk both wait."""
        if not self.parts.doors.waiting:
            return
        with self.parts.store.transaction():
            self.parts.doors.write()
            self.parts.vends.complete()
        self.parts.doors.written()

    def _note_paused(self) -> None:
        paused = self.parts.stock.failing(FAILURES_MAX)
        for slot in paused ^ self._paused_noted:
            self.parts.faults.notice("VEND_FAIL", slot, bad=slot in paused)
        self._paused_noted = paused

    def _note_service(self) -> None:
        in_service = self.parts.faults.in_service
        if in_service != self._service_noted:
            self.parts.faults.notice("SERVICE_MODE", "cabinet", bad=in_service)
            self._service_noted = in_service

    def _note_clock(self) -> None:
        trusted = self.parts.time.trusted
        if trusted != self._clock_noted:
            self.parts.faults.notice("CLOCK_UNTRUSTED", "clock", bad=not trusted)
            self._clock_noted = trusted

    def _fault(self, slot: str) -> SlotFault | None:
        door = self.parts.slot_doors[slot]
        if any(vend.door == door for vend in self.parts.vends.open_vends()):
            return SlotFault.BUSY
        if self.parts.stock.failures(slot) >= FAILURES_MAX:
            return SlotFault.PAUSED
        state = self.parts.doors.state(door)
        if state is DoorState.OPEN:
            return SlotFault.DOOR_OPEN
        return SlotFault.DOOR_UNKNOWN if state is DoorState.UNKNOWN else None

    def _check_slot_free(self, slot: str) -> None:
        door = self.door_of(slot)
        if any(vend.door == door for vend in self.parts.vends.open_vends()):
            raise StockRefusedError(slot, "a vend is under way")

    def _check_loadable(self, moved: StockMoved) -> None:
        planned = self.parts.desired.planned.get(moved.slot)
        if planned is not None and planned.gtin != moved.gtin:
            raise StockRefusedError(moved.slot, "another product is planned here", planned.gtin)
        if planned is not None and planned.perishable and moved.expiry is None:
            raise StockRefusedError(moved.slot, "perishable goods need their expiry date")
        goods = Goods(moved.gtin, moved.lot, None, moved.expiry, moved.production)
        found = blocks(self.parts.rules.rules, [goods], self._place(moved.slot))
        if found:
            raise StockRefusedError(moved.slot, "the goods are blocked", found[0].recall)
        today = local_date(self.parts.time.now(), self.parts.desired.zone)
        if moved.expiry is not None and moved.expiry < today:
            raise StockRefusedError(moved.slot, "the goods are expired", moved.expiry.isoformat())

    @property
    def _desired(self) -> Desired:
        return self.parts.desired.desired or _NOTHING_DESIRED

    def _lease(self, *, chilled: bool) -> float:
        desired = self._desired
        return desired.lease_chilled_seconds if chilled else desired.lease_other_seconds

    def _place(self, slot: str) -> Place:
        desired = self.parts.desired.desired
        site, region = (None, None) if desired is None else (desired.site, desired.region)
        return Place(self.parts.cabinet, slot, site, region)


_NOTHING_DESIRED = Desired(SignedKind.DESIRED, "", "", 0, "", "")
"""Defaults of the protocol until the first desired state is here."""
