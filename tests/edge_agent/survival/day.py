"""A day of a cabinet as a list of actions, played on a real store; it can go on after any death.

Every action is written as people and servers behave: what was not answered is asked again, under
the same payment reference, with the same signed bytes, after a look into the book.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from edge_agent.clock import ManualClock
from edge_agent.drivers.readings import (
    DispenseEnded,
    DispenseOutcome,
    SelectionReading,
    SelectionState,
    WeightReading,
)
from edge_agent.store import Moment
from protocol.events import StockMoved
from protocol.presence import PresenceState
from tests.edge_agent.model_server import GTIN_A, START, FakeLink, ModelServer
from tests.edge_agent.survival.world import WitnessedDoors, WitnessedLink, World
from tests.edge_agent.workbench import EXPIRY, Bench

Action = Callable[["Day"], None]
SETTLE_STEPS_MAX = 400


@dataclass(frozen=True)
class Scenario:
    """What is played: how the cabinet is built, and what happens to it."""

    actions: tuple[Action, ...]
    doors: tuple[str, ...] = ("A1", "A2")
    motors: tuple[str, ...] = ()
    grams: dict[str, float] = field(default_factory=dict)
    settings: dict[str, object] = field(default_factory=dict)

    def world(self) -> World:
        """World before the first action."""
        clock = ManualClock(START)
        doors = WitnessedDoors(() if self.motors else self.doors)
        doors.stuck = bool(self.motors)  # a motor moves no door
        return World(ModelServer(), doors, clock, grams=dict(self.grams), motors=self.motors)


class Day:
    """One scenario being played by one life of the agent after another."""

    def __init__(
        self,
        scenario: Scenario,
        folder: Path,
        world: World,
        *,
        witness: Callable[[str], None] | None = None,
        seed: int = 1,
    ) -> None:
        self.scenario = scenario
        self.world = world
        self.done = 0
        """Actions that are over; the one of this number is under way."""
        self._folder = folder
        self._witness = witness
        self._seed = seed
        self._births_seen = len(world.server.presences)
        self._living = False
        self.bench = self._born()
        self._living = True

    def play(self, first: int = 0) -> None:
        """Play the actions from `first` on, then let everything come to rest."""
        for number, action in enumerate(self.scenario.actions[first:], start=first):
            self.done = number
            action(self)
        self.done = len(self.scenario.actions)
        self.settle()

    def restart(self) -> None:
        """End this life cleanly and begin another."""
        self.bench.stop()
        self._living = False
        self.bench = self._born()
        self._living = True

    def step(self, seconds: float = 1.0, count: int = 1) -> None:
        """Let time pass; devices are polled, the server does its chores."""
        for _ in range(count):
            self.world.clock.advance(seconds)
            self.bench.celsius = self.world.celsius
            self._poll()
            self.bench.poll()
            self.bench.agent.step()
            self._serve()
            self._look()

    def settle(self) -> None:
        """Let the wire work and the doors be shut until nothing is under way."""
        self.bench.link.reachable = True
        self.world.shut()
        for _ in range(SETTLE_STEPS_MAX):
            self.step(5.0)
            head = self.bench.agent.uplink.standing().journal.head
            at_rest = not self.bench.agent.cabinet.look.anything_under_way
            if at_rest and self.bench.agent.outbox.committed == head and not self._unheard():
                return
        raise AssertionError(f"no rest: {head=} {self.bench.agent.outbox.committed=} {at_rest=}")

    def move(self, name: str, moved: StockMoved, by: Callable[[StockMoved], None]) -> None:
        """Move goods once: who got no answer looks into the book before trying again."""
        booked = self.bench.agent.cabinet.parts.stock.booked(moved.slot, moved.gtin, moved.lot)
        if self.world.book_before.setdefault(name, booked) == booked:
            by(moved)
        self.step(1.0)

    def goods(
        self, slot: str, quantity: int, lot: str | None = "L1", expiry: date | None = EXPIRY
    ) -> StockMoved:
        """Goods of a slot."""
        gtin = self._gtins.get(slot, GTIN_A)
        return StockMoved(slot, gtin, lot, quantity, "tester", expiry=expiry)

    def _born(self) -> Bench:
        world, witness = self.world, self._witness
        world.lives += 1
        tell = witness or (lambda _what: None)
        world.doors.tell = tell
        self._turned: set[str] = {order for _, order in world.doors.pulses}

        def link(server: ModelServer) -> FakeLink:
            return WitnessedLink(server, tell)

        return Bench(
            self._folder,
            world.server,
            seed=self._seed * 1_000 + world.lives,
            clock=world.clock,
            doors=world.doors,
            witness=_Watch(self, tell),
            link_kind=link,  # type: ignore[arg-type]  # made the same way
            **{"reconnect_spread_seconds": 2.0, **self.scenario.settings},
        )

    @property
    def _gtins(self) -> dict[str, str]:
        return {
            row.slot: row.gtin for row in self.bench.agent.cabinet.parts.desired.planned.values()
        }

    def _poll(self) -> None:
        at, put = self.world.clock.elapsed(), self.bench.agent.readings.put
        for shelf, grams in self.world.grams.items():
            put(
                WeightReading(
                    "scales", shelf, grams, None, over_capacity=False, at_rail=False, at_elapsed=at
                )
            )
        for slot in self.world.motors:
            put(SelectionReading("vmc", slot, SelectionState.NORMAL, at))
        for slot, order in self.world.doors.pulses:
            if slot in self.world.motors and order not in self._turned:
                self._turned.add(order)
                put(DispenseEnded("vmc", slot, order, DispenseOutcome.DISPENSED, "", at))

    def _serve(self) -> None:
        """Send again what the cabinet does not hold, as each birth shows it (P-14, P-15)."""
        births = self.world.server.presences[self._births_seen :]
        self._births_seen += len(births)
        for birth in births:
            if birth.state is not PresenceState.ONLINE:
                continue
            if birth.rules_version < self.world.server.rules_version:
                self.bench.link.send_rules(self.world.rules)
            if birth.desired_version < self.world.server.desired_version:
                self.bench.link.send_desired(self.world.desired)

    def _look(self) -> None:
        """Write down what must stay true from now on."""
        parts = self.bench.agent.cabinet.parts
        held = parts.rules.version
        if held < self.world.rules_seen:
            self.world.wrongs.append(f"rules version fell from {self.world.rules_seen} to {held}")
        self.world.rules_seen = max(held, self.world.rules_seen)
        if self.world.hold_latched and not parts.faults.safety_hold:
            self.world.wrongs.append("the food-safety hold is gone")
        self.world.hold_latched = self.world.hold_latched or parts.faults.safety_hold

    def _unheard(self) -> bool:
        """Whether the server wants something of the cabinet that is not done yet."""
        server, parts = self.world.server, self.bench.agent.cabinet.parts
        return (
            parts.rules.version < server.rules_version
            or parts.desired.version < server.desired_version
            or parts.rules.unacknowledged
        )

    def saw_commit(self) -> None:
        """Look for an acknowledgement that left while a vend or session is open (P-16)."""
        if not self._living:
            return
        store = self.bench.agent.cabinet.parts.store
        row = store.row("SELECT max(seq) FROM journal WHERE type = 'rules.applied'")
        seq = 0 if row is None or row[0] is None else int(row[0])
        if seq > self.world.acknowledged and self.bench.agent.cabinet.look.anything_under_way:
            self.world.wrongs.append(f"rules acknowledged as event {seq} with a sale under way")
        self.world.acknowledged = max(seq, self.world.acknowledged)


class _Watch:
    """Witness of the store: hands each moment on, and looks at each commit."""

    def __init__(self, day: Day, tell: Callable[[str], None]) -> None:
        self._day = day
        self._tell = tell

    def __call__(self, moment: Moment) -> None:
        if moment is Moment.AFTER_COMMIT:
            self._day.saw_commit()
        self._tell(moment)
