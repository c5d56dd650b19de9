"""A whole fleet of real processes on one broker, every part of which can be killed."""

import random  # noqa: TID251  # seeded, the seed is printed
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from edge_agent.seed import Chance
from fleet_server.settings import Settings
from simulators.errors import UnexpectedAnswerError
from simulators.hosts.broker_host import BrokerHost, downlink_qos
from simulators.hosts.cabinet_host import CabinetHost
from simulators.hosts.fleet_host import FleetHost, FleetOrder
from simulators.hosts.postgres_host import PostgresHost
from simulators.hosts.troubled_link import Trouble, TroubledLink
from simulators.load.registration import roll_of
from simulators.load.runner import Load as Simulated
from simulators.load.runner import LoadOrder, LoadReport
from simulators.people.shopper import Shopper
from simulators.story.stage import SANDWICH, WATER, Load, Stage
from tests.soak.restoring import Restoring

AGENTS = 3
SIMULATED = 60
SIMULATED_EVENTS_PER_SECOND = 60.0
UNITS = 1_000
TROUBLE = Trouble(copied=0.05, delayed=0.05, delay_seconds_max=0.3)
BUY_EVERY_SECONDS = 0.4

BrokerKind = Callable[[Path, Path, str], BrokerHost]


class World:
    """Database, broker, server processes, real agents, simulated cabinets, shoppers."""

    def __init__(self, broker: BrokerKind, seed: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fleet-soak-"))
        self.chance = random.Random(seed)
        self._seed = seed
        self.postgres = PostgresHost()
        self.postgres.start()
        data_dir = self.folder / "server"
        data_dir.mkdir()
        settings = Settings(data_dir=data_dir, database_url=self.postgres.url)
        self._roll = roll_of(settings, SIMULATED)
        (self.folder / "broker").mkdir()
        self.broker = broker(self.folder / "broker", data_dir, self.postgres.url)
        self._roll = replace(self._roll, downlink_qos=downlink_qos(self.broker))
        order = FleetOrder(
            folder=self.folder,
            database_url=self.postgres.url,
            broker_url=self.broker.server_url,
            cabinet_port=urlsplit(self.broker.url).port or 0,
            downlink_qos=downlink_qos(self.broker),
            ingests=2,
            workers=2,
        )
        self.fleet = FleetHost(order)
        self.links: list[TroubledLink] = []
        self.stage = Stage(self.folder, self.fleet, Chance.from_seed(seed), link=self._link)
        self.cabinets: list[CabinetHost] = []
        self.shoppers: list[Shopper] = []
        self.problems: list[str] = []
        self.report: LoadReport | None = None
        self._fell_back: Counter[str] = Counter()
        self._restores = 0
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        spread = {"spread_seconds": 2.0, "connect_per_second": 100.0, "batch": 5}
        known = LoadOrder(self._roll, self.broker.url, SIMULATED_EVENTS_PER_SECOND, seed=seed)
        self._load = Simulated(replace(known, **spread))  # type: ignore[arg-type]  # by name

    def start(self) -> None:
        """Start everything, load the goods, let shoppers and simulated cabinets begin."""
        self.broker.start()
        self.broker.watch()
        self.stage.open()
        site = self.stage.add_site("Tower", 31.23, 121.47)
        for number in range(1, AGENTS + 1):
            cabinet = self.stage.add_cabinet(f"C{number}", site)
            self.stage.plan(cabinet, {"A1": SANDWICH, "A2": WATER})
            loads = [("A1", SANDWICH, "L1"), ("A2", WATER, "W1")]
            self.stage.load(cabinet, [Load(*one, UNITS, "2099-01-01") for one in loads])
            self.cabinets.append(cabinet)
            self.shoppers.append(Shopper(f"shopper-{number}"))
        for link in self.links:
            link.trouble = TROUBLE
        for shopper, cabinet in zip(self.shoppers, self.cabinets, strict=True):
            self._go(self._buy, shopper, cabinet)
        self._go(self._simulate)

    def rest(self) -> None:
        """End the traffic, heal what is cut, and wait until the simulated cabinets are done."""
        self._stop.set()
        self.fleet.revive()
        for link in self.links:
            link.trouble = Trouble()
            link.mend()
        self._load.stop.set()
        for thread in self._threads:
            thread.join()

    def restore(self, restoring: Restoring) -> None:
        """Kill every part of the server, put the older copy of its database back, start.

        The API is there first, and the same things are changed before a cabinet is heard.
        """
        for one in self.fleet.processes:
            one.kill()
        for wire in self._load.wires:
            self._fell_back[wire.cabinet.member.cabinet] = wire.cabinet.fell_back
        self._restores += 1
        restoring.put_back()
        self.fleet.api.start()
        self.fleet.wait_ready()
        restoring.change()
        for one in (*self.fleet.ingests, *self.fleet.workers):
            one.start()

    @property
    def receipts_ahead(self) -> int:
        """Receipts the database did not keep; a restore explains one for each cabinet."""
        return sum(self._fell_back.values()) + sum(
            max(0, wire.cabinet.fell_back - self._fell_back[name] - self._restores)
            for wire in self._load.wires
            for name in (wire.cabinet.member.cabinet,)
        )

    def close(self) -> None:
        """Leave nothing running."""
        self._stop.set()
        self._load.abandon.set()
        self._load.stop.set()
        self.stage.close()
        self.broker.stop()
        self.postgres.stop()

    def _go(self, job: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=job, args=arguments, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _link(self, port: int, target_port: int) -> TroubledLink:
        link = TroubledLink(port, target_port, Trouble(), self._seed + len(self.links))
        self.links.append(link)
        return link

    def _buy(self, shopper: Shopper, cabinet: CabinetHost) -> None:
        slots = ("A1", "A2")
        while not self._stop.wait(BUY_EVERY_SECONDS):
            try:
                shopper.buy(cabinet, slots[len(shopper.log) % 2])
            except UnexpectedAnswerError as error:
                self.problems.append(f"{cabinet.cabinet_id}: {error} {cabinet.agent.tail()}")

    def _simulate(self) -> None:
        try:
            self.report = self._load.run()
        except Exception as error:  # noqa: BLE001  # told at the end; the run goes on
            self.problems.append(f"simulated cabinets: {error!r}")
