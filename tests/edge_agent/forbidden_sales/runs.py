"""One seeded run: anything that can happen to a cabinet, in any order; then all is well again.

Clock jumps of seconds to years, reboots, power cuts, a lost store, network loss, bundles that are
newer, older, forged, or other content under the same version, recalls by lot, prefix, range,
expiry and place, loads, counts and removals, warm air. Raises for a forbidden sale, a version that
falls, a refused removal, a recalled load, or fine goods that do not sell in the end.
"""

import random  # noqa: TID251  # a run repeats from its seed
from datetime import date, timedelta

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.rules.documents import VersionRefusedError
from edge_agent.selling.errors import StockRefusedError
from edge_agent.selling.session_book import SessionOrder
from edge_agent.selling.vend_book import VendOrder
from protocol.errors import ProtocolError
from protocol.events import ClearedBy, StockMoved
from protocol.signatures import Signer
from tests.edge_agent.forbidden_sales.draws import LOTS, drawn_recall
from tests.edge_agent.forbidden_sales.oracle import Recall, Unit
from tests.edge_agent.forbidden_sales.place import (
    GRAMS,
    SHELVES,
    CabinetPlace,
    ForbiddenSaleError,
)

ACTIONS = 34
JUMPS_SECONDS = (30, 200, 3_600, 86_400, 40 * 86_400, 400 * 86_400, 4_000 * 86_400)
FORGER = Signer(b"f" * 32)
HOLD = "TEMP_SAFETY_HOLD"

__all__ = ["ForbiddenSaleError", "Run", "play"]


class Run:
    """State of one run."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.place = CabinetPlace(
            seed, open_door=self.chance.random() < 0.4, trusted=self.chance.random() < 0.6
        )
        self.paid = 0
        self.version = 0
        self.planned = 0
        self.forged = False
        self.log: list[str] = []

    def act(self) -> None:
        """One thing happens."""
        names = list(WEIGHTS)
        name = self.chance.choices(names, [WEIGHTS[one] for one in names])[0]
        self.log.append(name)
        getattr(self, name)()
        self.place.step()

    # Buyers

    def buy(self) -> None:
        """Somebody pays; the door may open late, or the power may go in between."""
        place = self.place
        self.paid += 1
        reference = f"pay-{self.paid}"
        place.doors.stuck = self.chance.random() < 0.1
        if place.open_door:
            self._shop(reference)
        else:
            slot = self.chance.choice(place.slots)
            place.bench.agent.cabinet.vend(VendOrder(reference, slot))
            if self.chance.random() < 0.1:
                self.restart()
            place.step(2)
        place.doors.stuck = False
        place.shut()
        place.step(2)

    def _shop(self, reference: str) -> None:
        place = self.place
        place.bench.agent.cabinet.open_session(SessionOrder(reference))
        place.step(2)
        if DoorState.OPEN in place.doors.state.values():
            slot = self.chance.choice(place.slots)
            units = min(self.chance.randint(0, 2), len(place.oracle.book.get(slot, [])))
            place.grams[SHELVES[slot]] -= units * GRAMS[slot]
            if self.chance.random() < 0.1:
                self.restart()
        place.step(1)
        place.shut()
        place.step(5)

    # Technicians

    def load(self) -> None:
        """A load of any lot and date; recalled goods must be refused."""
        place = self.place
        slot = self.chance.choice(place.slots)
        days = self.chance.choice([None, -3, 0, 1, 2, 30, 300, 3_000])
        expiry = None if days is None else place.true_now.date() + timedelta(days=days)
        unit = Unit(place.gtin(slot), self.chance.choice(LOTS), expiry, place.perishable[slot])
        moved = self._moved(slot, unit.lot, self.chance.randint(1, 3), expiry)
        try:
            place.bench.agent.cabinet.load(moved)
        except StockRefusedError:
            return
        assert place.oracle.may_load(unit, slot), f"recalled goods were loaded: {unit}"
        place.oracle.load(slot, unit, moved.quantity)

    def count(self) -> None:
        """Someone counts one lot, and finds less or more."""
        place = self.place
        slot = self.chance.choice(place.slots)
        lot, found = self.chance.choice(LOTS), self.chance.randint(0, 4)
        moved = self._moved(slot, lot, found, None)
        try:
            place.bench.agent.cabinet.count(moved)
        except StockRefusedError:
            return
        place.oracle.count(slot, moved.gtin, lot, found, None, perishable=place.perishable[slot])

    def remove(self) -> None:
        """Taking out is never refused, whatever is wrong with the goods (invariant 10)."""
        place = self.place
        slot = self.chance.choice(place.slots)
        units = place.oracle.book.get(slot, [])
        look = place.bench.agent.cabinet.look
        if not units or look.busy(look.target_of(slot)):
            return
        unit = self.chance.choice(units)
        same = sum((one.gtin, one.lot) == (unit.gtin, unit.lot) for one in units)
        count = self.chance.randint(1, same)
        place.bench.agent.cabinet.remove(self._moved(slot, unit.lot, count, unit.expiry))
        place.oracle.remove(slot, unit.gtin, unit.lot, count)

    def release(self) -> None:
        """A technician has looked, and releases the hold on site."""
        place = self.place
        place.celsius = 3.0
        place.step(3, 200.0)
        faults = place.bench.agent.cabinet.parts.faults
        for episode in faults.open_episodes():
            if episode.code == HOLD:
                faults.release(
                    HOLD, episode.part, by="tech", ground="pin", cleared_by=ClearedBy.ONSITE
                )
        place.oracle.warm = False

    def service(self) -> None:
        """A technician comes and goes."""
        faults = self.place.bench.agent.cabinet.parts.faults
        faults.service(on=True)
        self.place.step(2, 30.0)
        faults.service(on=False)

    # The server, and who pretends to be it

    def bundle(self) -> None:
        """A newer bundle; the broadcast may be lost, and births repair that."""
        place = self.place
        self.version += self.chance.choice([1, 1, 1, 4])
        recalls = tuple(
            drawn_recall(self.chance, number, place.true_now.date(), place.slots)
            for number in range(self.chance.randint(0, 3))
        )
        self._activate(recalls)
        if self.chance.random() < 0.8 and place.server.answers:
            place.bench.link.send_rules(place.rules)
            if self.chance.random() < 0.5 and place.bench.link.connected:
                place.bench.link.send(place.server.receipt())

    def _activate(self, recalls: tuple[Recall, ...]) -> None:
        place = self.place
        place.oracle.versions[self.version] = recalls
        place.server.rules_version = self.version
        place.rules = place.server.rules(self.version, [one.written() for one in recalls])

    def bad_bundle(self) -> None:
        """Replayed, forged, or other content under the held version: nothing changes."""
        place = self.place
        kind = self.chance.choice(["replayed", "forged", "other", "rubbish"])
        held = place.oracle.held
        data = {
            "replayed": lambda: place.server.rules(self.chance.randint(1, max(1, held - 1)), []),
            "forged": lambda: place.server.rules(held + 5, [], FORGER),
            "other": lambda: place.server.rules(max(1, held), []),
            "rubbish": lambda: self.chance.randbytes(200),
        }[kind]()
        if kind in ("replayed", "other") and held == 0:
            return
        if kind == "other" and not place.oracle.active:
            return  # that is the very bundle that is held
        if self.chance.random() < 0.5:
            try:
                place.bench.agent.cabinet.take_rules(data)
            except (ProtocolError, VersionRefusedError):
                self.forged = self.forged or kind == "forged"
        else:
            self.forged = self.forged or (kind == "forged" and place.bench.link.connected)
            place.bench.link.send_rules(data)
        place.step()
        # The true server may have repaired a lost bundle in the same moment.
        assert place.oracle.held in (held, self.version), f"a {kind} bundle was taken"

    def by_hand(self) -> None:
        """The newest bundle is carried in."""
        place = self.place
        if place.rules:
            place.bench.agent.cabinet.take_rules(place.rules)
            place.step()
            assert place.oracle.held == self.version

    def desired(self) -> None:
        """A new planogram; what is perishable may change."""
        place = self.place
        self.planned += 1
        if self.chance.random() < 0.3 and not place.oracle.book:
            slot = self.chance.choice(place.slots)
            place.perishable[slot] = not place.perishable[slot]
        place.plan(self.planned)

    def network(self) -> None:
        """The network goes or comes; or the broker stays and the server is away."""
        place = self.place
        way = self.chance.choice(["cut", "mend", "mend", "silent", "answering"])
        if way == "cut":
            place.bench.link.reachable = False
            place.bench.link.cut()
        elif way == "mend":
            place.bench.link.reachable = True
        else:
            place.server.answers = way == "answering"

    # The world

    def jump(self) -> None:
        """The cabinet's clock jumps either way, or is set right."""
        place = self.place
        if self.chance.random() < 0.35:
            self._set_right()
            return
        seconds = self.chance.choice(JUMPS_SECONDS) * self.chance.uniform(0.6, 1.0)
        place.clock.jump_wall(self.chance.choice([-1, 1]) * seconds)

    def _set_right(self) -> None:
        place = self.place
        place.clock.jump_wall((place.true_now - place.clock.wall()).total_seconds())

    def restart(self) -> None:
        """The agent is killed, or the power goes."""
        if self.place.trusted and self.chance.random() < 0.7:
            self._set_right()
        self.place.reboot(power=self.chance.random() < 0.5)

    def lose_store(self) -> None:
        """The disk is gone, and with it what was not sent: an alarm, perhaps."""
        self.place.lose_store()
        self.forged = False

    def hours(self) -> None:
        """Time passes."""
        self.place.step(self.chance.randint(1, 12), self.chance.choice([60.0, 600.0, 1_200.0]))

    def off(self) -> None:
        """The power is away for hours or days; a clock without a battery stands still.

        Nobody knows how warm it was meanwhile. That counts as too warm, also where only the
        server's answer tells afterwards how long it was.
        """
        place = self.place
        seconds = self.chance.choice([2 * 3_600, 86_400, 3 * 86_400])
        knew_time = place.bench.agent.cabinet.parts.time.trusted
        place.true_now += timedelta(seconds=seconds)
        wall = place.true_now if place.trusted else place.clock.wall()
        place.reboot(power=True, wall=wall)
        place.oracle.warm = place.oracle.warm or knew_time

    def warm(self) -> None:
        """The cooling fails for longer than food bears."""
        place = self.place
        place.celsius = 13.0
        place.step(7, 1_200.0)
        place.oracle.warm = True
        if self.chance.random() < 0.7:
            place.celsius = 3.0

    # In the end

    def end(self) -> None:
        """All is well again: fine goods sell."""
        place = self.place
        place.server.answers, place.bench.link.reachable = True, True
        self._set_right()
        place.reboot(power=True, wall=place.true_now)
        self.version += 1
        self._activate(())
        self.planned += 1
        place.perishable = dict.fromkeys(place.slots, True)
        place.step(6)
        place.bench.link.send_rules(place.rules)
        place.plan(self.planned)
        place.step(12, 2.0)
        self.release()
        for slot in place.slots:
            self._clear(slot)
            if self._poisoned:
                continue
            expiry = place.true_now.date() + timedelta(30)
            unit = Unit(place.gtin(slot), "FRESH", expiry, perishable=True)
            place.bench.agent.cabinet.load(self._moved(slot, "FRESH", 2, unit.expiry))
            place.oracle.load(slot, unit, 2)
        place.step(5)
        moves = place.moves
        self._buy_one()
        assert place.moves > moves or self._poisoned, "goods that are fine do not sell"
        if self.forged:
            raised = place.server.events("fault.raised")
            assert any(b"SIGNATURE_REJECTED" in bytes(event.body) for event in raised)

    @property
    def _poisoned(self) -> bool:
        """Whether a trusted clock stood in the future at a start.

        By design (P-18) the cabinet never goes below it again: until then no dated goods are sold.
        """
        bound = self.place.bench.agent.cabinet.parts.time.lower_bound()
        return self.place.trusted and bound > self.place.true_now

    def _buy_one(self) -> None:
        cabinet, slot = self.place.bench.agent.cabinet, self.place.slots[0]
        if self.place.open_door:
            cabinet.open_session(SessionOrder("last"))
        else:
            cabinet.vend(VendOrder("last", slot))

    def _clear(self, slot: str) -> None:
        """Take everything out, whatever it is (invariant 10)."""
        place = self.place
        for unit in list(dict.fromkeys(place.oracle.book.get(slot, []))):
            units = place.oracle.book[slot]
            same = sum((one.gtin, one.lot) == (unit.gtin, unit.lot) for one in units)
            if same:
                place.bench.agent.cabinet.remove(self._moved(slot, unit.lot, same, None))
                place.oracle.remove(slot, unit.gtin, unit.lot, same)

    def _moved(self, slot: str, lot: str | None, quantity: int, expiry: date | None) -> StockMoved:
        return StockMoved(slot, self.place.gtin(slot), lot, quantity, "tester", expiry=expiry)


WEIGHTS = {
    "buy": 30,
    "load": 16,
    "count": 3,
    "remove": 5,
    "release": 3,
    "service": 1,
    "bundle": 8,
    "bad_bundle": 5,
    "by_hand": 1,
    "desired": 2,
    "network": 6,
    "jump": 8,
    "restart": 7,
    "lose_store": 0.3,
    "hours": 6,
    "off": 1.5,
    "warm": 1.5,
}


def play(seed: int) -> int:
    """Play one run; how often a lock moved. Raises AssertionError with what went wrong."""
    run = Run(seed)
    place = run.place
    try:
        place.step(2)
        run.bundle()
        run.desired()
        place.step(4)
        for slot in place.slots:
            run.load()
            expiry = place.true_now.date() + timedelta(200)
            unit = Unit(place.gtin(slot), "L1", expiry, place.perishable[slot])
            if place.oracle.may_load(unit, slot):
                place.bench.agent.cabinet.load(run._moved(slot, "L1", 3, unit.expiry))
                place.oracle.load(slot, unit, 3)
        place.step(4)
        for _ in range(ACTIONS):
            run.act()
        run.end()
    except Exception as error:
        raise AssertionError(f"seed {seed}: {error!r} after {run.log[-12:]}") from error
    else:
        return place.moves
    finally:
        place.close()
