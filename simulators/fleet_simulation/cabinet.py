"""One cabinet: the real agent core over simulated devices, and what is truly so beside it.

The agent is stepped by us instead of by its thread; nothing else of it is replaced. A crash stops
it at a moment of one of its transactions (`edge_agent.store.Moment`), as a power cut does.
"""

import copy
import shutil
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from edge_agent.agent import Agent, World, build
from edge_agent.drivers.readings import (
    DeviceFailure,
    DoorReading,
    Reading,
    TemperatureReading,
)
from edge_agent.seed import Chance
from edge_agent.selling.vend_book import VendOrder
from edge_agent.settings import BusSettings, DeviceSettings, LocalApiSettings, Settings
from edge_agent.store import STORE_FILE, Moment
from protocol.enrolment import EnrolmentAnswer
from simulators.fleet_simulation.broker import Broker
from simulators.fleet_simulation.cabinet_link import CabinetLink
from simulators.fleet_simulation.dice import Dice
from simulators.fleet_simulation.errors import InvariantBrokenError, MachineCrashed, shortly
from simulators.fleet_simulation.goods import unit
from simulators.fleet_simulation.ground import Ground
from simulators.fleet_simulation.journal_truth import JournalTruth
from simulators.fleet_simulation.rules_oracle import RulesOracle
from simulators.fleet_simulation.shelves import LOCKS, Purchase, Shelves, Unit
from simulators.fleet_simulation.virtual_clock import VirtualClock

SLOTS = ("A1", "A2", "A3")
FINE_CELSIUS = 3.0
RECONNECT_SPREAD_SECONDS = 20.0
"""A third of the product's: a run lasts an hour."""
SEED_MAX = 2**62
FAILED_POLLS = 3
"""In a row, as a dead device is told of."""


@dataclass
class _Copy:
    """An older copy of the store, as an image of the disk has it."""

    folder: Path
    epoch: str
    oracle: RulesOracle


class SimulatedCabinet:
    """One cabinet on its site."""

    def __init__(
        self, folder: Path, identity: EnrolmentAnswer, broker: Broker, dice: Dice, ground: Ground
    ) -> None:
        self.id = identity.cabinet
        self.site = ""
        self.dice = dice
        self.trace = ground.trace
        self.clock = VirtualClock(ground.timeline)
        self.truth = JournalTruth(self.id)
        self.oracle = RulesOracle()
        self.shelves = Shelves(SLOTS)
        self.shelves.why_not = self._why_not_sold
        self.stores = 1
        """Stores it has had: each new or older one counts."""
        self.celsius = FINE_CELSIUS
        self.probe_dead = False
        self.agent: Agent | None = None
        self.store_was_lost = False
        """Lost or rolled back at least once: what it had not told is gone."""
        self.await_contact = False
        """Its store was rolled back, and it has not heard the server since (ADR 0008)."""
        self.crash_in: int | None = None
        """Moments of its store until it crashes."""
        self._identity = identity
        self._broker = broker
        self._folder = folder / self.id
        self._copy: _Copy | None = None
        self._in_doubt: list[bytes] = []
        """Bundles taken in the step it crashed in: stored or not."""
        self._lives = 0
        self._restock = False

    def boot(self, *, power: bool = True) -> None:
        """Start the agent; with the power, elapsed time begins anew."""
        self._lives += 1
        if power:
            self.clock.restart()
        self.link = CabinetLink(self._broker, self.id)
        world = World(
            clock=self.clock,
            chance=Chance.from_seed(self.dice.number(0, SEED_MAX)),
            machine_boot=f"machine-{self._lives}",
            storage_life=lambda: None,
            link=self.link,
            devices=self.shelves,
            witness=self._witness,
        )
        self.agent = build(self._settings(), self._identity, world)
        self.truth.read(self.agent)
        for payload in self._in_doubt:
            self.oracle.reached_if_held(payload, self.agent.cabinet.parts.rules.version)
        self._in_doubt.clear()
        if self._restock:
            self._put_what_is_booked(self.agent)
        self.trace.note(self.id, "boots", self._lives)

    def crash(self) -> None:
        """The power goes."""
        agent, self.agent = self.agent, None
        self.crash_in = None
        if agent is None:
            return
        self.truth.read(agent)  # what was committed stays, whatever was not
        agent.abandon()
        self.link.close(None)
        self.trace.note(self.id, "crashes")

    def step(self) -> None:
        """Poll the devices and let the agent take its turn. Raises what the agent raises."""
        agent = self.agent
        if agent is None:
            return
        for reading in self._readings():
            agent.readings.put(reading)
        self.acting(agent.step)

    def acting(self, act: Callable[[], object]) -> None:
        """Have the agent do something; it may crash in it."""
        agent = self.agent
        if agent is None:
            return
        try:
            act()
        except MachineCrashed:
            self._in_doubt += self.link.taken_rules
            self.crash()
        except Exception as error:
            raise InvariantBrokenError("agent", f"{self.id}: {shortly(error)}") from error
        else:
            self._look(agent)

    def lose_store(self) -> None:
        """The disk is empty; the board is off."""
        self._forget_untold()
        for path in sorted(self._folder.glob(f"{STORE_FILE}*")):
            path.unlink()
        self._in_doubt.clear()
        self.oracle.forgets()
        self.truth.store_lost()
        self._copy = None
        self.trace.note(self.id, "store lost")

    def keep_copy(self) -> None:
        """Keep an image of the disk, as it is between two transactions."""
        if self.agent is None:
            return
        folder = self._folder / "copy"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for path in sorted(self._folder.glob(f"{STORE_FILE}*")):
            if not path.name.endswith("-shm"):
                shutil.copy(path, folder / path.name)
        self._copy = _Copy(folder, self.truth.epoch, copy.deepcopy(self.oracle))
        self.trace.note(self.id, "store copied")

    def can_roll_back(self) -> bool:
        """Whether there is a copy of this epoch (past a change of it, people decide: ADR 0008)."""
        return self._copy is not None and self._copy.epoch == self.truth.epoch

    def roll_back(self) -> None:
        """Put the older image back; the board is off."""
        kept = self._copy
        if kept is None:
            raise AssertionError("there is no copy")
        self._forget_untold()
        for path in sorted(self._folder.glob(f"{STORE_FILE}*")):
            path.unlink()
        for path in sorted(kept.folder.iterdir()):
            shutil.copy(path, self._folder / path.name)
        self.oracle = copy.deepcopy(kept.oracle)
        self.truth.rolled_back()
        self.await_contact = True
        self.trace.note(self.id, "store rolled back")

    def excuse(self, references: Collection[str]) -> None:
        """Neither this store nor the server holds these purchases any more."""
        for reference in references:
            self.shelves.purchases[reference].excused = True

    def buy(self, purchase: Purchase) -> None:
        """A shopper has paid for a slot."""
        agent = self.agent
        if agent is None:
            return
        self.shelves.purchases[purchase.reference] = purchase
        self.shelves.buying = purchase
        order = VendOrder(purchase.reference, purchase.slot)
        self.acting(lambda: agent.cabinet.vend(order))
        self.shelves.buying = None

    def _why_not_sold(self, piece: Unit) -> str:
        blocked_by = self.oracle.blocks(piece)
        if blocked_by:
            return f"blocked by {blocked_by} of rules {self.oracle.version}"
        if self.link.named_rules > self.oracle.version:
            return f"rules {self.link.named_rules} are named, {self.oracle.version} reached it"
        return ""

    def _put_what_is_booked(self, agent: Agent) -> None:
        """Who brings the disk arranges the goods as the older book has them."""
        self._restock = False
        for slot in SLOTS:
            self.shelves.units[slot] = deque(
                unit(lot.gtin, lot.lot or "")
                for lot in agent.cabinet.parts.stock.lots(slot)
                for _ in range(lot.quantity)
            )

    def _forget_untold(self) -> None:
        """What the server was not told of dies with the store; excuse those purchases."""
        self.store_was_lost = True
        self.stores += 1
        self._restock = True
        for purchase in self.shelves.purchases.values():
            if purchase.reference not in self.truth.told_references:
                purchase.excused = True

    def _look(self, agent: Agent) -> None:
        """Follow what became durable in this turn."""
        for payload in self.link.taken_rules:
            self.oracle.reached(payload)
        self.link.taken_rules.clear()
        self.truth.read(agent)
        if self.await_contact and agent.uplink.connected and self.link.named_rules:
            self.await_contact = False

    def _witness(self, _moment: Moment) -> None:
        if self.crash_in is None:
            return
        self.crash_in -= 1
        if self.crash_in <= 0:
            self.crash_in = None
            raise MachineCrashed

    def _readings(self) -> list[Reading]:
        at = self.clock.elapsed()
        readings: list[Reading] = self.shelves.told(at)
        if self.shelves.dead:
            readings.append(_failure(LOCKS, "lock_board", SLOTS, at))
        else:
            readings += [
                DoorReading(LOCKS, door, state, at) for door, state in self.shelves.state.items()
            ]
            self.shelves.seen()
        if self.probe_dead:
            readings.append(_failure("probe", "temperature", ("cabinet",), at))
        else:
            readings.append(TemperatureReading("probe", "cabinet", self.celsius, 50.0, at))
        return readings

    def _settings(self) -> Settings:
        doors = {slot: number for number, slot in enumerate(SLOTS, start=1)}
        return Settings(
            data_dir=str(self._folder),
            buses=[BusSettings("nowhere", [DeviceSettings(LOCKS, "cu16", 0, doors)])],
            clock_trusted=True,
            local_api=LocalApiSettings(port=0),
            telemetry_commit_seconds=5.0,
            reconnect_spread_seconds=RECONNECT_SPREAD_SECONDS,
        )


def _failure(device: str, kind: str, parts: tuple[str, ...], at: float) -> DeviceFailure:
    return DeviceFailure(device, kind, "NoAnswerError", "no answer", FAILED_POLLS, parts, at)
