"""Stock by lot and slot: loaded, sold, counted, removed; each with its event, in one transaction.

First in, first out within a slot. Loading blocked or expired goods is refused; taking goods out
never is. A count or a load tells that someone looked into the slot, so it ends a pause.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from edge_agent.outbox.store import Outbox
from edge_agent.selling.errors import StockRefusal, StockRefusedError
from edge_agent.selling.gate import Lot
from edge_agent.store import Store
from protocol.events import LotConfidence, StockCounted, StockMoved
from protocol.gtin import checked_gtin

QUANTITY_MAX = 1_000
"""Units of one load or count; a slot that holds more is a slip of the scanner."""

_COLUMNS = "SELECT id, gtin, lot, quantity, expiry, production FROM stock"


@dataclass(frozen=True)
class Units:
    """Units of one lot that left a slot; `gtin` is None beyond what the book had."""

    gtin: str | None
    lot: str | None
    expiry: date | None
    quantity: int
    confidence: LotConfidence


class StockBook:
    """The ledger of what lies where."""

    def __init__(self, store: Store, outbox: Outbox) -> None:
        self._store = store
        self._outbox = outbox

    def lots(self, slot: str) -> tuple[Lot, ...]:
        """Lots in a slot, oldest first."""
        rows = self._store.rows(f"{_COLUMNS} WHERE slot = ? ORDER BY id", slot)
        return tuple(_lot(row) for row in rows)

    def load(self, moved: StockMoved, check: Callable[[StockMoved], None]) -> None:
        """Add units; `check` raises StockRefusedError for goods that may not come in."""
        moved = _checked(moved)
        check(moved)
        with self._store.transaction():
            self._add(moved)
            self._store.write("INSERT OR IGNORE INTO slot_filled VALUES (?)", moved.slot)
            self._reset_failures(moved.slot)
            self._outbox.append("stock.loaded", moved)

    def units(self, slot: str) -> int:
        """Units in a slot, by the book."""
        return sum(lot.quantity for lot in self.lots(slot))

    def booked(self, slot: str, gtin: str, lot: str | None) -> int:
        """Units of one lot in a slot, by the book."""
        return sum(row.quantity for row in self._of_lot(slot, gtin, lot))

    def count(self, found: StockMoved) -> None:
        """Set what is there of one lot (`quantity` counted); the event tells what the book had."""
        checked_gtin(found.gtin)
        if not 0 <= found.quantity <= QUANTITY_MAX:
            raise StockRefusedError(found.slot, StockRefusal.QUANTITY, f"0 to {QUANTITY_MAX}")
        rows = self._of_lot(found.slot, found.gtin, found.lot)
        booked = sum(row.quantity for row in rows)
        with self._store.transaction():
            self._set(found, rows, booked)
            self._reset_failures(found.slot)
            self._outbox.append("stock.counted", _counted(found, booked))

    def remove(self, moved: StockMoved) -> None:
        """Take units out, by hand; never more than the book has."""
        moved = _checked(moved)
        rows = self._of_lot(moved.slot, moved.gtin, moved.lot)
        booked = sum(row.quantity for row in rows)
        if moved.quantity > booked:
            raise StockRefusedError(moved.slot, StockRefusal.NOT_BOOKED, f"{booked}")
        with self._store.transaction():
            self._take(rows, moved.quantity)
            self._outbox.append("stock.removed", moved)

    def take_one(self, row: int) -> None:
        """Book one sold unit of a load, in the caller's transaction."""
        kept = self._store.write(
            "UPDATE stock SET quantity = quantity - 1 WHERE id = ? AND quantity > 1", row
        )
        if not kept:
            self._store.write("DELETE FROM stock WHERE id = ?", row)

    def take(self, slot: str, quantity: int) -> list[Units]:
        """Book sold units first in, first out, in the caller's transaction.

        What the book does not have leaves as units of an unknown lot.
        """
        lots = self.lots(slot)
        sure = confidence(lots) if lots else LotConfidence.UNKNOWN
        taken: list[Units] = []
        for lot in lots:
            count = min(quantity, lot.quantity)
            if count:
                how = LotConfidence.UNKNOWN if lot.lot is None else sure
                taken.append(Units(lot.gtin, lot.lot, lot.expiry, count, how))
                quantity -= count
        self._take(lots, sum(units.quantity for units in taken))
        if quantity:
            taken.append(Units(None, None, None, quantity, LotConfidence.UNKNOWN))
        return taken

    def filled(self) -> set[str]:
        """Slots that were loaded at least once."""
        return {row[0] for row in self._store.rows("SELECT slot FROM slot_filled")}

    def failures(self, slot: str) -> int:
        """Vends that failed in a row."""
        found = self._store.row("SELECT failures FROM slot_health WHERE slot = ?", slot)
        return 0 if found is None else int(found[0])

    def failing(self, failures: int) -> set[str]:
        """Slots that failed at least so often in a row."""
        rows = self._store.rows("SELECT slot FROM slot_health WHERE failures >= ?", failures)
        return {row[0] for row in rows}

    def note_failure(self, slot: str) -> int:
        """Count one failed vend, in the caller's transaction; return how many in a row."""
        self._store.write(
            "INSERT INTO slot_health VALUES (?, 1)"
            " ON CONFLICT (slot) DO UPDATE SET failures = failures + 1",
            slot,
        )
        return self.failures(slot)

    def note_success(self, slot: str) -> None:
        """Forget failures in a row, in the caller's transaction."""
        self._reset_failures(slot)

    def _set(self, found: StockMoved, rows: Sequence[Lot], booked: int) -> None:
        surplus = found.quantity - booked
        if surplus < 0:
            self._take(rows, -surplus)
        elif surplus and rows:
            grown = rows[-1].quantity + surplus
            self._store.write("UPDATE stock SET quantity = ? WHERE id = ?", grown, rows[-1].row)
        elif surplus:
            self._add(found)

    def _reset_failures(self, slot: str) -> None:
        self._store.write("DELETE FROM slot_health WHERE slot = ?", slot)

    def _of_lot(self, slot: str, gtin: str, lot: str | None) -> tuple[Lot, ...]:
        return tuple(row for row in self.lots(slot) if row.gtin == gtin and row.lot == lot)

    def _add(self, moved: StockMoved) -> None:
        self._store.write(
            "INSERT INTO stock (slot, gtin, lot, expiry, production, quantity)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            moved.slot,
            moved.gtin,
            moved.lot,
            _text(moved.expiry),
            _text(moved.production),
            moved.quantity,
        )

    def _take(self, rows: Sequence[Lot], quantity: int) -> None:
        for row in rows:
            if quantity >= row.quantity:
                self._store.write("DELETE FROM stock WHERE id = ?", row.row)
            elif quantity > 0:
                left = row.quantity - quantity
                self._store.write("UPDATE stock SET quantity = ? WHERE id = ?", left, row.row)
            quantity = max(0, quantity - row.quantity)


def confidence(lots: Sequence[Lot]) -> LotConfidence:
    """How surely the lot of the next unit sold is known."""
    if lots[0].lot is None:
        return LotConfidence.UNKNOWN
    if any((lot.gtin, lot.lot) != (lots[0].gtin, lots[0].lot) for lot in lots):
        return LotConfidence.FIFO
    units = sum(lot.quantity for lot in lots)
    return LotConfidence.EXACT if units == 1 else LotConfidence.SINGLE


def _counted(found: StockMoved, booked: int) -> StockCounted:
    return StockCounted(
        found.slot,
        found.gtin,
        found.lot,
        counted=found.quantity,
        booked=booked,
        by=found.by,
        work_order=found.work_order,
    )


def _checked(moved: StockMoved) -> StockMoved:
    if not 1 <= moved.quantity <= QUANTITY_MAX:
        raise StockRefusedError(moved.slot, StockRefusal.QUANTITY, f"1 to {QUANTITY_MAX}")
    checked_gtin(moved.gtin)
    return moved


def _lot(row: tuple[int, str, str | None, int, str | None, str | None]) -> Lot:
    number, gtin, lot, quantity, expiry, production = row
    return Lot(number, gtin, lot, quantity, _date(expiry), _date(production))


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
