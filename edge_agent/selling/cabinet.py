"""The cabinet as a shop: what may be done with slots and goods, and what the devices tell of them.

Orders of the server (`commands`) and people at the cabinet (`local_api`) both act through here, so
that a rule holds whoever asks. What the gate looks at is gathered in `inspection.py`.
"""

import contextlib
import logging
from dataclasses import dataclass
from datetime import date

from edge_agent.detection.errors import ThresholdError
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.readings import (
    DeviceFailure,
    DispenseEnded,
    DoorReading,
    InputReading,
    InputRole,
    MachinePart,
    MachineReading,
    PulseFailed,
    Reading,
    SelectionReading,
    WeightReading,
)
from edge_agent.outbox.contact import Contact
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.rules.desired_book import DesiredBook, thresholds
from edge_agent.rules.documents import VersionRefusedError
from edge_agent.rules.rule_book import RuleBook
from edge_agent.rules.time_asking import TimeAsking
from edge_agent.selling.door_session import DoorSessions
from edge_agent.selling.doors import DoorEdge, Doors
from edge_agent.selling.errors import (
    NoOpenDoorError,
    PaymentReferenceReusedError,
    SessionNeededError,
    StockRefusal,
    StockRefusedError,
)
from edge_agent.selling.faults import FaultBook
from edge_agent.selling.gate import (
    Allowed,
    DoorAllowed,
    Refused,
    decide,
    decide_door,
    unfit,
)
from edge_agent.selling.inspection import Inspection
from edge_agent.selling.local_date import local_date
from edge_agent.selling.motor_pauses import MotorPauses
from edge_agent.selling.motors import Motors
from edge_agent.selling.rejections import Rejections
from edge_agent.selling.scales import Scales
from edge_agent.selling.self_test import SelfTest
from edge_agent.selling.self_watch import SelfWatch, Senses
from edge_agent.selling.service_doors import ServiceDoors
from edge_agent.selling.session_book import Session, SessionAnswer, SessionOrder, offer_of
from edge_agent.selling.settling import Shelf, kind_of
from edge_agent.selling.slot_vend import SlotVends
from edge_agent.selling.stock import StockBook
from edge_agent.selling.vend_book import Vend, VendAnswer, VendOrder
from edge_agent.store import Patience, StorageError, Store
from protocol.errors import ProtocolError, SignatureRejectedError
from protocol.events import StockMoved
from protocol.matching import Goods
from protocol.signatures import SignedKind

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """What the cabinet is made of; `agent.build` joins them."""

    store: Store
    time: Timekeeper
    contact: Contact
    rules: RuleBook
    asking: TimeAsking
    desired: DesiredBook
    stock: StockBook
    doors: Doors
    motors: Motors
    scales: Scales
    faults: FaultBook
    vends: SlotVends
    sessions: DoorSessions
    senses: Senses
    pauses: MotorPauses


class Cabinet:
    """The parts, and what needs several of them."""

    def __init__(self, parts: Parts, inspection: Inspection, service_doors: ServiceDoors) -> None:
        self.parts = parts
        self.look = inspection
        self.service_doors = service_doors
        self.layout = inspection.layout
        self.rejections = Rejections(parts.faults, parts.time)
        self._watch = SelfWatch(parts.store, parts.faults, inspection, parts.senses, parts.time)
        self._patience = Patience(parts.store)
        parts.vends.recover()
        parts.sessions.recover()

    def today(self) -> date:
        """Date at the cabinet, by which goods expire."""
        return local_date(self.parts.time.now(), self.parts.desired.zone)

    # What may be sold

    def decide(self, slot: str) -> Allowed | Refused:
        """Ask the gate about one slot. Raises UnknownSlotError."""
        self.look.target_of(slot)
        return decide(self.look.facts(slot))

    def decide_door(self, door: str) -> DoorAllowed | Refused:
        """Ask the gate about a door and everything behind it."""
        return decide_door([self.look.facts(slot) for slot in self.look.slots_behind(door)])

    def unfit_behind(self, door: str) -> Refused | None:
        """Say why nothing may be handed out of the slots of a door; None when it may."""
        refusals = (unfit(self.look.facts(slot)) for slot in self.look.slots_behind(door))
        return next((refused for refused in refusals if refused is not None), None)

    def vend(self, order: VendOrder) -> VendAnswer:
        """Sell one unit for a payment; the answer is final or says `pulsed`.

        The same order again gets the same answer. Raises UnknownSlotError, SessionNeededError,
        PaymentReferenceReusedError, SealingKeyMissingError; then nothing was done.
        """
        target = self.look.target_of(order.slot)
        if self.layout.open_door is not None:
            raise SessionNeededError(order.slot)
        vends = self.parts.vends
        known = vends.known(order)
        if known is not None:
            return known.answer
        self._check_unused(self.parts.sessions.find(order.payment_reference))
        decision = self.decide(order.slot)
        if isinstance(decision, Refused):
            return vends.refuse(order, target, decision)
        currency, version = self.look.settings.currency, self.parts.rules.version
        return vends.begin(order, target, decision, currency=currency, rules_version=version)

    def open_session(self, order: SessionOrder) -> SessionAnswer:
        """Release the door to a buyer, or say why not; the same order again tells how it stands.

        Raises NoOpenDoorError, PaymentReferenceReusedError, SealingKeyMissingError.
        """
        door = self.layout.open_door
        if door is None:
            raise NoOpenDoorError
        sessions = self.parts.sessions
        known = sessions.known(order)
        if known is not None:
            return known.answer
        self._check_unused(self.parts.vends.find(order.payment_reference))
        decision = self.decide_door(door)
        if isinstance(decision, Refused):
            return sessions.refuse(order, door, decision)
        planned = self.parts.desired.planned
        return sessions.begin(
            order,
            door,
            decision,
            shelves=self._shelves(),
            offers=[
                offer_of(slot, planned[slot].gtin, planned[slot].price_minor, decision)
                for slot in self.layout.shelves
                if slot in planned
            ],
            currency=self.look.settings.currency,
            rules_version=self.parts.rules.version,
        )

    def _check_unused(self, found: Vend | Session | None) -> None:
        """A reference of the other way to sell: the cabinet was rebuilt since."""
        if found is not None:
            raise PaymentReferenceReusedError(found.payment_reference)

    def _shelves(self) -> list[Shelf]:
        planned, stock = self.parts.desired.planned, self.parts.stock
        return [
            Shelf(
                shelf,
                self.look.shelf_grams(shelf),
                None,
                tuple(
                    kind_of(planned[slot], booked=stock.units(slot))
                    for slot, where in self.layout.shelves.items()
                    if where == shelf and slot in planned
                ),
            )
            for shelf in dict.fromkeys(self.layout.shelves.values())
        ]

    # What lies in the slots

    def load(self, moved: StockMoved) -> None:
        """Load goods. Raises UnknownSlotError, StockRefusedError, MalformedMessageError."""
        self._check_slot_free(moved.slot)
        self.parts.stock.load(moved, self._check_loadable)

    def count(self, found: StockMoved) -> None:
        """Take a count. Raises as `load`."""
        self._check_slot_free(found.slot)
        booked = self.parts.stock.booked(found.slot, found.gtin, found.lot)
        self.parts.stock.count(found)
        self._watch.count_differs(found.slot, differs=booked != found.quantity)

    def remove(self, moved: StockMoved) -> None:
        """Take goods out, which no rule ever forbids. Raises as `load`."""
        self._check_slot_free(moved.slot)
        self.parts.stock.remove(moved)

    def self_test(self) -> SelfTest:
        """Look at every door, the storage and the open faults; nothing moves."""
        return SelfTest(
            doors={door: str(state) for door, state in self.service_doors.states().items()},
            faults=sorted(episode.code for episode in self.parts.faults.open_episodes()),
            storage=self.parts.senses.storage.ok,
        )

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
        if isinstance(reading, WeightReading | DeviceFailure):
            self.parts.scales.observe(reading)
        if isinstance(reading, SelectionReading | MachineReading | DeviceFailure):
            self.parts.motors.observe(reading)
        if isinstance(reading, MachineReading | InputReading):
            self._observe_contact(reading)
        if isinstance(reading, DoorReading | DeviceFailure):
            self._observe_door(reading)
        elif isinstance(reading, PulseFailed):
            self.parts.doors.forget(reading.door)
            self.parts.vends.pulse_failed(reading.order_id, reading.error)
            self.parts.sessions.pulse_failed(reading.order_id, reading.error)
            self.service_doors.pulse_failed(reading.order_id)
        elif isinstance(reading, DispenseEnded):
            self.parts.vends.dispense_ended(reading.order_id, reading.outcome)

    def step(self) -> None:
        """One bounded turn of everything that only time moves.

        A part that finds the disk full tries again in the next turn; the others go on.
        """
        for part in (
            self._watch.step,
            self._write_doors,
            self.parts.vends.step,
            self.parts.sessions.step,
            self.rejections.step,
            self.parts.faults.step,
            self._pause_motors,
            self._acknowledge_rules,
        ):
            # The store has logged it once, and the gate sells nothing until it takes writes.
            with contextlib.suppress(StorageError):
                part()

    def _pause_motors(self) -> None:
        if self.parts.motors.slots:
            blocked = self._watch.locked & self.parts.motors.slots
            self.parts.pauses.step(blocked, self.parts.stock.units, self.parts.time.elapsed())

    def _acknowledge_rules(self) -> None:
        if self.parts.rules.unacknowledged and not self.look.anything_under_way:
            self.parts.rules.acknowledge(self.look.blocked())

    def _observe_door(self, reading: DoorReading | DeviceFailure) -> None:
        edge = self.parts.doors.observe(reading, in_service=self.parts.faults.in_service)
        if edge is not None:
            self._door_moved(edge)
        elif isinstance(reading, DoorReading) and reading.state is DoorState.CLOSED:
            self.parts.vends.door_stays_closed(reading.door)
            self.parts.sessions.door_stays_closed(reading.door)

    def _observe_contact(self, reading: MachineReading | InputReading) -> None:
        """Tell of a door that only a contact watches: a service door, or that of a machine."""
        if isinstance(reading, MachineReading):
            if reading.part is not MachinePart.DOOR:
                return
            door, shut = reading.device, reading.good
        elif reading.role is InputRole.DOOR_CLOSED:
            door, shut = reading.part, reading.active
        else:
            return
        if door in self.layout.locks:
            return  # its lock board tells of it
        state = DoorState.CLOSED if shut else DoorState.OPEN
        seen = DoorReading(reading.device, door, state, reading.at_elapsed)
        in_service = self.parts.faults.in_service
        if self.parts.doors.observe(seen, in_service=in_service, locked=False) is not None:
            self._write_doors()

    def _door_moved(self, edge: DoorEdge) -> None:
        if edge.opened:
            self.parts.vends.prove(edge.door)
        self.parts.sessions.note(edge.door, opened=edge.opened)
        self._write_doors()

    def _write_doors(self) -> None:
        """Write what moved, and the sales it proves; with a full disk both wait."""
        waiting = self.parts.doors.waiting or self.parts.sessions.moving
        if not waiting or not self._patience.worn_out(self.parts.time.elapsed()):
            return
        with self.parts.store.transaction():
            self.parts.doors.write()
            self.parts.vends.complete()
            self.parts.sessions.write()
        self.parts.doors.written()
        self.parts.sessions.written()

    def _check_slot_free(self, slot: str) -> None:
        if self.look.busy(self.look.target_of(slot)):
            raise StockRefusedError(slot, StockRefusal.BUSY)

    def _check_loadable(self, moved: StockMoved) -> None:
        planned = self.parts.desired.planned.get(moved.slot)
        if planned is not None and planned.gtin != moved.gtin:
            raise StockRefusedError(moved.slot, StockRefusal.OTHER_PRODUCT, planned.gtin)
        if planned is not None and planned.perishable and moved.expiry is None:
            raise StockRefusedError(moved.slot, StockRefusal.DATE_NEEDED)
        goods = Goods(moved.gtin, moved.lot, None, moved.expiry, moved.production)
        found = self.look.blocks_on([goods], moved.slot)
        if found:
            raise StockRefusedError(moved.slot, StockRefusal.BLOCKED, found[0].recall)
        today = self.today()
        if moved.expiry is not None and moved.expiry < today:
            raise StockRefusedError(moved.slot, StockRefusal.EXPIRED, moved.expiry.isoformat())
