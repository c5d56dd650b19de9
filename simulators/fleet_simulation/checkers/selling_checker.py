"""No sale of what is blocked; each unit taken is one sale; the stock book balances."""

from collections import Counter
from collections.abc import Mapping

from simulators.fleet_simulation.cabinet import SimulatedCabinet
from simulators.fleet_simulation.checkers.database_view import DatabaseView
from simulators.fleet_simulation.errors import InvariantBrokenError
from simulators.fleet_simulation.shelves import Purchase


class SellingChecker:
    """Holds hands, agents and ledger against each other."""

    def __init__(self, view: DatabaseView, cabinets: Mapping[str, SimulatedCabinet]) -> None:
        self._view = view
        self._cabinets = cabinets
        self._judged: set[str] = set()

    def look(self) -> None:
        """Hold the stock book against itself."""
        wrong = self._view.rows(
            "SELECT cabinet_id, slot, lot FROM stock_lines WHERE loaded <>"
            " sold + removed + transferred + explained + unexplained + in_cabinet"
        )
        if wrong:
            self._fail(f"the stock line {wrong[0]} does not balance")

    def look_at_agents(self) -> None:
        """A lock moves once for an order, and never for what is blocked."""
        for cabinet in self._cabinets.values():
            twice = [order for order, count in cabinet.shelves.pulses.items() if count > 1]
            if twice:
                self._fail(f"{cabinet.id}: a lock moved twice for {twice[0]}")
            if cabinet.shelves.forbidden:
                self._fail(f"{cabinet.id}: {cabinet.shelves.forbidden[0]}")

    def end(self) -> None:
        """Everything is drained: purchases, sales and stock agree."""
        sold = Counter(
            reference for (reference,) in self._view.rows("SELECT payment_reference FROM sales")
        )
        failed = self._unsure()
        for cabinet in self._cabinets.values():
            for purchase in cabinet.shelves.purchases.values():
                self._judge(cabinet, purchase, sold[purchase.reference], failed)
            if not cabinet.store_was_lost:
                self._compare_stock(cabinet)

    def _judge(
        self, cabinet: SimulatedCabinet, purchase: Purchase, sales: int, unsure: set[str]
    ) -> None:
        what = f"{cabinet.id} {purchase}"
        if sales > 1:
            self._fail(f"{what}: {sales} sales")
        if purchase.unit is None and sales and not purchase.was_empty:
            self._fail(f"{what}: sold and not taken")
        taken_for_nothing = purchase.unit is not None and not sales
        if taken_for_nothing and purchase.reference not in unsure and not purchase.excused:
            self._fail(f"{what}: taken, and neither sold nor in doubt")

    def _unsure(self) -> set[str]:
        """Payment references of vends whose outcome the cabinet does not know."""
        rows = self._view.rows(
            "SELECT json_extract(body, '$.payment_reference') FROM journal_events"
            " WHERE type = 'vend.failed' AND json_extract(body, '$.outcome') = 'unknown'"
        )
        return {reference for (reference,) in rows}

    def _compare_stock(self, cabinet: SimulatedCabinet) -> None:
        agent = cabinet.agent
        if agent is None:
            raise AssertionError(f"{cabinet.id} is off in the end")
        stock = agent.cabinet.parts.stock
        mine = Counter[tuple[str, str]]()
        for slot in cabinet.shelves.slots:
            for lot in stock.lots(slot):
                mine[slot, lot.lot or ""] += lot.quantity
        theirs = Counter(
            {
                (slot, lot): units
                for slot, lot, units in self._view.rows(
                    "SELECT slot, lot, in_cabinet FROM stock_lines WHERE cabinet_id = ?",
                    cabinet.id,
                )
                if units
            }
        )
        if +mine != theirs:
            self._fail(f"{cabinet.id}: stock {dict(mine)}, the server has {dict(theirs)}")

    def _fail(self, detail: str) -> None:
        raise InvariantBrokenError("selling", detail)
