"""What must never be sold, decided from the requirements alone (invariants 2, 3, 9, 10).

Nothing of the agent is used: rules, matching, stock and dates are kept here a second time, in the
plainest way there is. `protocol.matching` is asked as a second opinion on every match and must
agree.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from protocol.matching import Goods, Place, match
from protocol.rules import (
    BlockKind,
    DateRange,
    LotRange,
    Lots,
    Notice,
    OpenDoorAction,
    RecallClass,
    Rule,
    Terms,
    Where,
)
from tests.edge_agent.model_server import CABINET

CABINET_ZONE = ZoneInfo("Asia/Shanghai")
SITE, REGION = "site-1", "region-1"
CLOCK_SLACK = timedelta(seconds=300)
"""A clock that is wrong by less counts as right (fault catalogue, CLOCK_UNTRUSTED)."""


@dataclass(frozen=True)
class Unit:
    """Goods as they were recorded at loading: requirements, decision 1."""

    gtin: str
    lot: str | None
    expiry: date | None
    perishable: bool


@dataclass(frozen=True)
class Recall:
    """One rule in words of our own; None is a term that is not given."""

    name: str
    gtin: str | None = None
    exact: str | None = None
    prefix: str | None = None
    span: tuple[str, str] | None = None
    expiry: tuple[date | None, date | None] | None = None
    slot: str | None = None
    site: str | None = None
    warns: bool = False
    class_one: bool = False

    def means(self, unit: Unit, slot: str) -> bool:
        """Whether these goods are meant, or may be: what is not known is never a reason for no."""
        if self.gtin is not None and unit.gtin != self.gtin:
            return False
        if self.slot is not None and slot != self.slot:
            return False
        if self.site is not None and self.site != SITE:
            return False
        if self.expiry is not None and unit.expiry is not None:
            low, high = self.expiry
            if (low is not None and unit.expiry < low) or (high is not None and unit.expiry > high):
                return False
        return not self._names_lots or unit.lot is None or self._has(unit.lot)

    @property
    def locks(self) -> bool:
        """Whether it keeps an open-door cabinet shut: class I always does (invariant 2)."""
        return self.class_one or not self.warns

    @property
    def _names_lots(self) -> bool:
        return not (self.exact is None and self.prefix is None and self.span is None)

    def _has(self, lot: str) -> bool:
        if lot == self.exact or (
            self.prefix is not None and lot[: len(self.prefix)] == self.prefix
        ):
            return True
        if self.span is None:
            return False
        low, high = self.span
        return len(lot) == len(low) and low <= lot <= high

    def written(self) -> Rule:
        """The rule as the server signs it."""
        lots = None
        if self._names_lots:
            lots = Lots(
                [] if self.exact is None else [self.exact],
                [] if self.prefix is None else [self.prefix],
                [] if self.span is None else [LotRange(*self.span)],
            )
        return Rule(
            self.name,
            1,
            BlockKind.RECALL,
            Terms(
                [] if self.gtin is None else [self.gtin],
                lots,
                expiry=None if self.expiry is None else DateRange(*self.expiry),
            ),
            Notice("停", "Stop"),
            RecallClass.I if self.class_one else RecallClass.III,
            Where(
                slots=[] if self.slot is None else [self.slot],
                sites=[] if self.site is None else [self.site],
            ),
            OpenDoorAction.WARN if self.warns else OpenDoorAction.LOCK,
        )


@dataclass
class Oracle:
    """What is true, and what follows from it."""

    open_door: bool
    versions: dict[int, tuple[Recall, ...]] = field(default_factory=dict)
    """Every bundle the server ever signed as a new one."""
    held: int = 0
    """Highest version the cabinet was seen to hold."""
    named: int = 0
    """Version that the latest receipt named to the cabinet."""
    warm: bool = False
    """Whether perishable goods were too warm since the last release on site."""
    book: dict[str, list[Unit]] = field(default_factory=dict)

    @property
    def active(self) -> tuple[Recall, ...]:
        """Recalls in force in the cabinet."""
        return self.versions.get(self.held, ())

    def why_not(self, slots: list[str], now: datetime) -> str:
        """Why nothing may leave these slots together; empty when it may. `now` is the true time."""
        if self.held == 0:
            return "no rules are held"
        if self.held < self.named:
            return f"rules {self.named} are named by the server, {self.held} are held"
        for slot in slots:
            for unit in self.book.get(slot, []):
                why = self._why_not(unit, slot, now)
                if why:
                    return f"{slot}: {why} {unit}"
        return ""

    def may_load(self, unit: Unit, slot: str) -> bool:
        """Whether no recall in force means these goods (invariant 9)."""
        return not any(self._meant(recall, unit, slot) for recall in self.active)

    def load(self, slot: str, unit: Unit, count: int) -> None:
        self.book.setdefault(slot, []).extend([unit] * count)

    def remove(self, slot: str, gtin: str, lot: str | None, count: int) -> None:
        """Take the oldest units of a lot out."""
        for _ in range(count):
            kept = self.book[slot]
            kept.remove(next(unit for unit in kept if (unit.gtin, unit.lot) == (gtin, lot)))

    def count(
        self,
        slot: str,
        gtin: str,
        lot: str | None,
        found: int,
        expiry: date | None,
        *,
        perishable: bool,
    ) -> None:
        """Someone counted: what was not known before has only what the count says."""
        units = self.book.setdefault(slot, [])
        same = [unit for unit in units if (unit.gtin, unit.lot) == (gtin, lot)]
        if found < len(same):
            self.remove(slot, gtin, lot, len(same) - found)
            return
        more = same[-1] if same else Unit(gtin, lot, expiry, perishable)
        # Units more of a known lot stand where its last ones stand.
        at = max((place for place, unit in enumerate(units) if unit == more), default=len(units))
        units[at + 1 : at + 1] = [more] * (found - len(same))

    def sell(self, slot: str, count: int = 1) -> None:
        """First in, first out."""
        del self.book[slot][:count]

    def _why_not(self, unit: Unit, slot: str, now: datetime) -> str:
        for recall in self.active:
            # Behind a door a recall may only warn; a slot is blocked by either.
            if self._meant(recall, unit, slot) and (recall.locks or not self.open_door):
                return "recalled"
        if unit.expiry is not None and unit.expiry < _local(now - CLOCK_SLACK):
            return "expired"
        if self.warm and unit.perishable:
            return "too warm"
        return ""

    @staticmethod
    def _meant(recall: Recall, unit: Unit, slot: str) -> bool:
        mine = recall.means(unit, slot)
        goods = Goods(unit.gtin, unit.lot, None, unit.expiry, None)
        theirs = match(recall.written(), goods, Place(CABINET, slot, SITE, REGION)).blocks
        assert mine == theirs, f"two opinions: {recall} {unit} {slot}"
        return mine


def _local(now: datetime) -> date:
    return now.astimezone(CABINET_ZONE).date()
