"""Everything the gate looks at, gathered at one moment: rules, stock, holds, clock, devices."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.outbox.contact import Contact
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.rules.desired_book import DesiredBook
from edge_agent.rules.evaluate import Block, blocks
from edge_agent.rules.rule_book import RuleBook
from edge_agent.selling.door_session import DoorSessions
from edge_agent.selling.doors import Doors
from edge_agent.selling.errors import UnknownSlotError
from edge_agent.selling.faults import FaultBook
from edge_agent.selling.gate import Lot, SlotFacts
from edge_agent.selling.local_date import local_date
from edge_agent.selling.motors import Motors
from edge_agent.selling.scales import Scales
from edge_agent.selling.settling import kind_of
from edge_agent.selling.slot_vend import SlotVends
from edge_agent.selling.stock import StockBook
from edge_agent.selling.storage_watch import StorageWatch
from edge_agent.selling.texts import SlotFault
from protocol.desired import Desired
from protocol.events import BlockedSlot
from protocol.matching import Goods, Place
from protocol.signatures import SignedKind

FAILURES_MAX = 3
"""edge-agent, Selling: three failures in a row pause the slot."""

NOTHING_DESIRED = Desired(SignedKind.DESIRED, "", "", 0, "", "")
"""Defaults of the protocol until the first desired state is here."""


@dataclass(frozen=True)
class Layout:
    """How the cabinet is built: what hands out each slot, and in an open-door one which shelf.

    `targets`: slot -> door or motor. `shelves`: slot -> shelf, empty in a slot cabinet. `locks`:
    every door that a lock board watches.
    """

    cabinet: str
    targets: Mapping[str, str]
    shelves: Mapping[str, str]
    locks: frozenset[str] = frozenset()

    @property
    def open_door(self) -> str | None:
        """Door of an open-door cabinet; None for a slot cabinet."""
        return next(iter(self.targets.values())) if self.shelves else None


@dataclass(frozen=True)
class Inspection:
    """The parts that are looked at."""

    layout: Layout
    time: Timekeeper
    contact: Contact
    rules: RuleBook
    desired: DesiredBook
    stock: StockBook
    doors: Doors
    motors: Motors
    scales: Scales
    faults: FaultBook
    vends: SlotVends
    sessions: DoorSessions
    storage: StorageWatch
    memory: dict[str, tuple[object, tuple[Block, ...]]] = field(default_factory=dict)
    """Blocks by slot, with what they were found from: rules and stock rarely change."""

    def target_of(self, slot: str) -> str:
        """Door or motor of a slot. Raises UnknownSlotError."""
        if slot not in self.layout.targets:
            raise UnknownSlotError(slot)
        return self.layout.targets[slot]

    def slots_behind(self, door: str) -> list[str]:
        """Slots that a door or motor hands out."""
        return [slot for slot, behind in self.layout.targets.items() if behind == door]

    def busy(self, target: str) -> bool:
        """Whether a vend or session of this door or motor is under way."""
        session = self.sessions.under_way()
        if session is not None and session.door == target:
            return True
        return any(vend.door == target for vend in self.vends.open_vends())

    @property
    def anything_under_way(self) -> bool:
        """Whether any vend or session is open: then no bundle is acknowledged (P-16)."""
        return bool(self.vends.open_vends()) or self.sessions.under_way() is not None

    def facts(self, slot: str) -> SlotFacts:
        """Everything the gate looks at, now."""
        lots = self.stock.lots(slot)
        planned = self.desired.planned.get(slot)
        return SlotFacts(
            rules_held=self.rules.version > 0,
            rules_pending=self.contact.rules_pending(self.rules.version),
            blocks=self.blocks(slot, lots),
            storage_ok=self.storage.ok,
            safety_hold=self.faults.safety_hold,
            planned=planned,
            lots=lots,
            today=local_date(self.time.now(), self.desired.zone),
            clock_trusted=self.time.trusted,
            silent_seconds=self.contact.silent_seconds(),
            lease_seconds=self._lease(chilled=planned is None or planned.chilled),
            service_mode=self.faults.in_service,
            fault=self._fault(slot),
        )

    def blocks(self, slot: str, lots: tuple[Lot, ...]) -> tuple[Block, ...]:
        """Recalls and holds on what lies in a slot."""
        key = (self.rules.version, self.desired.version, lots)
        known = self.memory.get(slot)
        if known is None or known[0] != key:
            goods = [Goods(lot.gtin, lot.lot, None, lot.expiry, lot.production) for lot in lots]
            known = (key, self.blocks_on(goods, slot))
            self.memory[slot] = known
        return known[1]

    def blocks_on(self, goods: list[Goods], slot: str) -> tuple[Block, ...]:
        """Recalls and holds on goods that are, or would be, in a slot."""
        return blocks(self.rules.rules, goods, self._place(slot))

    def blocked(self) -> list[BlockedSlot]:
        """Every blocked slot, for the acknowledgement of a bundle."""
        return [
            BlockedSlot(slot, block.recall, block.match)
            for slot in self.layout.targets
            for block in self.blocks(slot, self.stock.lots(slot))
        ]

    def shelf_grams(self, shelf: str) -> float | None:
        """Weight on a shelf at rest now; None when it cannot be said."""
        return self.scales.at_rest(shelf)

    @property
    def settings(self) -> Desired:
        """The desired state, or the protocol's defaults."""
        return self.desired.desired or NOTHING_DESIRED

    def _fault(self, slot: str) -> SlotFault | None:
        target = self.layout.targets[slot]
        if self.busy(target):
            return SlotFault.BUSY
        if self.stock.failures(slot) >= FAILURES_MAX:
            return SlotFault.PAUSED
        if slot in self.motors.slots:
            return self.motors.fault(slot)
        state = self.doors.state(target)
        if state is not DoorState.CLOSED:
            is_open = state is DoorState.OPEN
            return SlotFault.DOOR_OPEN if is_open else SlotFault.DOOR_UNKNOWN
        return self._scale_fault(slot)

    def _scale_fault(self, slot: str) -> SlotFault | None:
        shelf = self.layout.shelves.get(slot)
        if shelf is None:
            return None
        planned = self.desired.planned.get(slot)
        if planned is not None and not kind_of(planned, booked=0).can_be_weighed:
            return SlotFault.WEIGHT_NOT_PLANNED
        return SlotFault.SCALE_UNKNOWN if self.shelf_grams(shelf) is None else None

    def _lease(self, *, chilled: bool) -> float:
        desired = self.settings
        return desired.lease_chilled_seconds if chilled else desired.lease_other_seconds

    def _place(self, slot: str) -> Place:
        desired = self.desired.desired
        site, region = (None, None) if desired is None else (desired.site, desired.region)
        return Place(self.layout.cabinet, slot, site, region)
