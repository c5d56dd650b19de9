"""What the core itself notices and tells as faults: stock, locks on goods, storage, service, clock.

Each is a level: a set of parts that are bad now. Only changes are reported, and what was open
before a restart counts as reported. Levels that follow from the store are looked at when it, the
rules, the plan or the date changed, so an idle cabinet costs nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from edge_agent.outbox.link_quality import LinkQuality
from edge_agent.outbox.starts import Starts
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.selling.faults import FaultBook
from edge_agent.selling.gate import Lot
from edge_agent.selling.inspection import FAILURES_MAX, Inspection
from edge_agent.selling.local_date import local_date
from edge_agent.selling.storage_watch import StorageWatch
from edge_agent.store import Store

WEAR_PERCENT = 80
"""Fault catalogue, STORAGE_WEAR: more than 80 % of its life used."""
WEAR_EVERY_SECONDS = 86_400.0
"""Flash does not age in hours."""

STARTS_EVERY_SECONDS = 600.0
"""The count falls only as the day passes; a cut life is seen at the next start."""


@dataclass(frozen=True)
class Senses:
    """What tells of the machine itself."""

    storage: StorageWatch
    starts: Starts
    quality: LinkQuality
    storage_life: Callable[[], int | None]


class SelfWatch:
    """Compares what is with what was told."""

    def __init__(
        self,
        store: Store,
        faults: FaultBook,
        inspection: Inspection,
        senses: Senses,
        time: Timekeeper,
    ) -> None:
        self._store = store
        self._faults = faults
        self._look = inspection
        self._senses = senses
        self._time = time
        self._wear_at = self._starts_at = time.elapsed()
        self._told: dict[str, set[str]] = {}
        self._seen: tuple[object, ...] = ()
        if self._told_of("COMMS_POOR"):
            senses.quality.resume_poor(time.elapsed())

    def step(self) -> None:
        """Look at everything once. Raises StorageError; then the next step tells again."""
        storage = self._senses.storage
        storage.step()
        self._tell("STORAGE_FULL", set() if storage.ok else {"storage"})
        self._tell("SERVICE_MODE", {"cabinet"} if self._faults.in_service else set())
        self._tell("CLOCK_UNTRUSTED", set() if self._time.trusted else {"clock"})
        self._look_at_machine()
        self._look_at_slots()

    @property
    def locked(self) -> set[str]:
        """Slots that a rule or their date blocks, as of the last step."""
        return self._told_of("RECALL_LOCK") | self._told_of("EXPIRY_LOCK")

    def count_differs(self, slot: str, *, differs: bool) -> None:
        """Take the outcome of a count: it opens or ends STOCK_MISMATCH."""
        told = self._told_of("STOCK_MISMATCH")
        self._tell("STOCK_MISMATCH", told | {slot} if differs else told - {slot})

    def _look_at_machine(self) -> None:
        elapsed, senses = self._time.elapsed(), self._senses
        senses.quality.step(elapsed)
        self._tell("COMMS_POOR", {"link"} if senses.quality.poor else set())
        if elapsed >= self._wear_at:
            self._wear_at = elapsed + WEAR_EVERY_SECONDS
            used = senses.storage_life()
            if used is not None:
                self._tell("STORAGE_WEAR", {"storage"} if used >= WEAR_PERCENT else set())
        if elapsed >= self._starts_at:
            self._starts_at = elapsed + STARTS_EVERY_SECONDS
            self._tell("CPU_RESETS", {"controller"} if senses.starts.too_many else set())

    def _look_at_slots(self) -> None:
        today = local_date(self._time.now(), self._look.desired.zone)
        versions = (self._look.rules.version, self._look.desired.version)
        trusted = self._time.trusted
        seen = (self._store.commits, *versions, today, trusted)
        if seen == self._seen:
            return
        lots = {slot: self._look.stock.lots(slot) for slot in self._look.layout.targets}
        self._tell("RECALL_LOCK", {slot for slot in lots if self._look.blocks(slot, lots[slot])})
        self._tell("EXPIRY_LOCK", self._expired(lots, today if trusted else None))
        self._tell("SLOT_EMPTY", self._empty(lots))
        self._tell("SLOT_LOW", self._low(lots))
        self._tell("VEND_FAIL", self._look.stock.failing(FAILURES_MAX))
        self._seen = seen

    def _empty(self, lots: dict[str, tuple[Lot, ...]]) -> set[str]:
        filled = self._look.stock.filled()
        return {slot for slot in self._planned() & filled if not lots.get(slot)}

    def _expired(self, lots: dict[str, tuple[Lot, ...]], today: date | None) -> set[str]:
        """Slots with expired goods; while nobody knows the date, those of before that hold any."""
        if today is not None:
            return {slot for slot in lots if _expired(lots[slot], today)}
        told = self._told_of("EXPIRY_LOCK")
        return {slot for slot in told if any(lot.expiry for lot in lots.get(slot, ()))}

    def _low(self, lots: dict[str, tuple[Lot, ...]]) -> set[str]:
        planned = self._look.desired.planned
        return {
            slot
            for slot in self._planned()
            if 0 < sum(lot.quantity for lot in lots.get(slot, ())) < planned[slot].par
        }

    def _planned(self) -> set[str]:
        return {slot for slot, row in self._look.desired.planned.items() if row.sellable}

    def _told_of(self, code: str) -> set[str]:
        if code not in self._told:
            episodes = self._faults.open_episodes()
            self._told[code] = {episode.part for episode in episodes if episode.code == code}
        return self._told[code]

    def _tell(self, code: str, bad: set[str]) -> None:
        for part in bad ^ self._told_of(code):
            self._faults.notice(code, part, bad=part in bad)
        self._told[code] = bad


def _expired(lots: tuple[Lot, ...], today: date) -> bool:
    return any(lot.expiry is not None and lot.expiry < today for lot in lots)
