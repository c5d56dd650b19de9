"""What people do at a cabinet with their hands: buy, load, mend, leave doors open."""

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.selling.errors import StockRefusedError
from protocol.events import ClearedBy, StockMoved
from simulators.fleet_simulation.broker import Broker
from simulators.fleet_simulation.cabinet import FINE_CELSIUS, SLOTS, SimulatedCabinet
from simulators.fleet_simulation.goods import EXPIRY, LOTS, PLANOGRAM, unit
from simulators.fleet_simulation.shelves import Purchase

CLOSE_SECONDS = (1.0, 9.0)
CARELESS = 0.06
"""Of the shoppers leave the door open."""


class OnSite:
    """Hands at all cabinets."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker  # its agenda serves people as well
        self._count = 0

    def buy(self, cabinet: SimulatedCabinet) -> None:
        """Pay, take what the door lets out, close the door."""
        self._count += 1
        slot = cabinet.dice.one_of(SLOTS)
        if cabinet.agent is None or cabinet.shelves.state[slot] is DoorState.OPEN:
            return
        purchase = Purchase(f"pay-{self._count}", slot, cabinet.clock.elapsed())
        cabinet.buy(purchase)
        cabinet.trace.note(cabinet.id, "buys", slot, purchase.reference, purchase.unit is not None)
        if not cabinet.dice.happens(CARELESS):
            self._broker.later(cabinet.dice.seconds(*CLOSE_SECONDS), lambda: self._shut(cabinet))

    def load(self, cabinet: SimulatedCabinet, slot: str) -> None:
        """Put some pieces of one lot in, if the cabinet takes them."""
        agent, lot = cabinet.agent, cabinet.dice.one_of(LOTS)
        if agent is None:
            return
        quantity = cabinet.dice.number(1, 6)
        moved = StockMoved(slot, PLANOGRAM[slot], lot, quantity, "loader", expiry=EXPIRY)
        taken: list[bool] = []

        def put() -> None:
            try:
                agent.cabinet.load(moved)
            except StockRefusedError:
                return
            taken.append(True)

        cabinet.acting(put)
        if taken:
            cabinet.shelves.units[slot].extend([unit(PLANOGRAM[slot], lot)] * quantity)
        cabinet.trace.note(cabinet.id, "loads", slot, lot, quantity, bool(taken))

    def remove_blocked(self, cabinet: SimulatedCabinet) -> None:
        """Take out whatever is recalled or on hold, lot by lot."""
        for slot, units in cabinet.shelves.units.items():
            for lot in LOTS:
                blocked = [one for one in units if one.lot == lot and cabinet.oracle.blocks(one)]
                if blocked and cabinet.agent is not None:
                    self._remove(cabinet, slot, lot, len(blocked))

    def mend(self, cabinet: SimulatedCabinet) -> None:
        """Everything is well again, and what was latched is released."""
        shelves = cabinet.shelves
        shelves.stuck = shelves.dead = cabinet.probe_dead = False
        cabinet.celsius = FINE_CELSIUS
        self._shut(cabinet)
        agent = cabinet.agent
        if agent is None:
            return
        faults = agent.cabinet.parts.faults

        def release() -> None:
            for episode in faults.open_episodes():
                if episode.latched:
                    faults.release(
                        episode.code,
                        episode.part,
                        by="tech",
                        ground="pin",
                        cleared_by=ClearedBy.ONSITE,
                    )

        cabinet.acting(release)
        cabinet.trace.note(cabinet.id, "is mended")

    def _shut(self, cabinet: SimulatedCabinet) -> None:
        if cabinet.agent is None or cabinet.shelves.dead:
            cabinet.shelves.close()
        else:
            cabinet.shelves.push()

    def _remove(self, cabinet: SimulatedCabinet, slot: str, lot: str, quantity: int) -> None:
        agent = cabinet.agent
        if agent is None:
            return
        gtin = PLANOGRAM[slot]
        moved = StockMoved(slot, gtin, lot, quantity, "tech", why="recall", bag="B1")
        taken: list[bool] = []

        def take() -> None:
            try:
                agent.cabinet.remove(moved)
            except StockRefusedError:
                return
            taken.append(True)

        cabinet.acting(take)
        if taken:
            units = cabinet.shelves.units[slot]
            for _ in range(quantity):
                units.remove(next(one for one in units if one.lot == lot))
        cabinet.trace.note(cabinet.id, "removes", slot, lot, quantity, bool(taken))
