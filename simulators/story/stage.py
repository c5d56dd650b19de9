"""The stage: one server, three cabinets, the people; everything real, on free ports."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_agent.seed import Chance
from protocol.service_pin import hash_pin
from simulators.hosts.cabinet_host import CabinetHost, CabinetPorts
from simulators.hosts.fleet_host import FleetHost
from simulators.hosts.link import CuttableLink
from simulators.hosts.ports import free_ports
from simulators.hosts.server_host import ServerHost
from simulators.people.http import Person
from simulators.people.shopper import Shopper
from simulators.people.technician import Technician
from simulators.waiting import wait_until

SLOTS = 4
ONLINE_SECONDS_MAX = 60.0
PIN = "482913"
PASSWORD = "a password of the demo"  # noqa: S105  # printed by `make run`, for the demo only

PEOPLE: dict[str, list[str]] = {
    "admin": ["admin", "supervisor"],
    "operator": ["operator", "dispatcher"],
    "author": ["recall_author"],
    "approver": ["recall_approver"],
}


@dataclass(frozen=True)
class Product:
    """What is sold in the story. Prices in fen."""

    gtin: str
    name_zh: str
    name_en: str
    price_minor: int
    perishable: bool


SANDWICH = Product("06901234567892", "金枪鱼三明治", "Tuna sandwich", 1280, perishable=True)
WATER = Product("06902345678903", "矿泉水", "Mineral water", 250, perishable=False)
PRODUCTS = (SANDWICH, WATER)


@dataclass(frozen=True)
class Load:
    """One load of a slot."""

    slot: str
    product: Product
    lot: str
    quantity: int
    expiry: str


@dataclass
class Stage:
    """Everything on it; `close` leaves nothing running."""

    folder: Path
    server: ServerHost | FleetHost
    chance: Chance
    cabinets: dict[str, CabinetHost] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    shoppers: list[Shopper] = field(default_factory=list)
    technicians: list[Technician] = field(default_factory=list)
    site_ids: dict[str, str] = field(default_factory=dict)
    link: Callable[[int, int], CuttableLink] = CuttableLink
    """Makes the link of a cabinet to the broker."""
    is_open: bool = False
    units_removed: int = 0
    """Taken out by technicians, by their own count."""

    def open(self) -> None:
        """Start the server and sign the people in."""
        self.server.start()
        self.server.add_user("admin", PEOPLE["admin"], PASSWORD)
        for name, roles in PEOPLE.items():
            if name != "admin":
                grants = [{"role": role} for role in roles]
                draft = {"username": name, "password": PASSWORD, "grants": grants}
                self.admin.post("/users", draft, key=f"user-{name}")
            self.people[name] = Person(self.server.url)
            self.people[name].sign_in(name, PASSWORD)
        self.is_open = True

    def close(self) -> None:
        """Stop everything that runs."""
        for cabinet in self.cabinets.values():
            cabinet.unplug()
        for person in self.people.values():
            person.close()
        for technician in self.technicians:
            technician.close()
        self.server.stop()

    @property
    def admin(self) -> Person:
        """Sets things up."""
        return self.people["admin"]

    @property
    def operator(self) -> Person:
        """Sits in the control room."""
        return self.people["operator"]

    def add_technician(self, name: str, latitude: float, longitude: float) -> Technician:
        """A qualified technician on shift, with a phone."""
        technician = Technician(name, Person(self.server.url), latitude, longitude)
        technician.join(self.admin, PASSWORD)
        self.technicians.append(technician)
        return technician

    def add_site(self, name: str, latitude: float, longitude: float) -> str:
        """Register a site; its id."""
        site = {
            "name": name,
            "address": f"{name}, Shanghai",
            "region": "shanghai",
            "latitude": latitude,
            "longitude": longitude,
        }
        self.site_ids[name] = self.admin.post("/sites", site, key=f"site-{name}")["id"]
        return self.site_ids[name]

    def add_cabinet(self, cabinet_id: str, site_id: str) -> CabinetHost:
        """Register a cabinet, wire its hardware, let it join and start its agent."""
        local, link = free_ports(2)
        cabinet = CabinetHost(
            cabinet_id,
            self.folder,
            SLOTS,
            self.server.broker_port,
            CabinetPorts(local, link),
            self.link,
        )
        draft = {
            "id": cabinet_id,
            "serial_number": cabinet.serial_number,
            "site_id": site_id,
            "perishable": True,
        }
        self.admin.post("/cabinets", draft, key=f"cabinet-{cabinet_id}")
        claim = self.admin.post(f"/cabinets/{cabinet_id}/claims", {"lifetime_hours": 1})
        cabinet.plug_in()
        self.cabinets[cabinet_id] = cabinet
        cabinet.enrol(self.server.url, claim["claim_code"])
        cabinet.agent.start()
        return cabinet

    def plan(self, cabinet: CabinetHost, plan: dict[str, Product]) -> None:
        """Give a cabinet its planogram, prices and PIN, and wait until it says it applied them."""
        wanted = self.put_plan(cabinet, plan)
        wait_until(
            f"{cabinet.cabinet_id} applies desired state {wanted}",
            lambda: self.shown(cabinet)["desired_applied_version"] >= wanted,
            ONLINE_SECONDS_MAX,
        )

    def put_plan(self, cabinet: CabinetHost, plan: dict[str, Product]) -> int:
        """Give a cabinet its planogram, prices and PIN; the version. The PIN's salt is new."""
        desired = {
            "planogram": [
                {
                    "slot": slot,
                    "gtin": product.gtin,
                    "price_minor": product.price_minor,
                    "name_zh": product.name_zh,
                    "name_en": product.name_en,
                    "capacity": 20,
                    "par": 2,
                    "perishable": product.perishable,
                    "chilled": product.perishable,
                    "returnable": not product.perishable,
                }
                for slot, product in plan.items()
            ],
            "threshold_profile": "demo",
            "service_pin_hash": hash_pin(PIN, self.chance.token_bytes(16)),
        }
        answer = self.admin.put(f"/cabinets/{cabinet.cabinet_id}/desired", desired)
        return int(answer["version"])

    def load(self, cabinet: CabinetHost, loads: list[Load]) -> None:
        """A technician on site loads by lot, behind the PIN."""
        with_token = Person(cabinet.screen.address, prefix="")
        token = with_token.post("/service/login", {"pin": PIN})["token"]
        with_token.carry(token)
        for load in loads:
            order = {
                "slot": load.slot,
                "gtin": load.product.gtin,
                "quantity": load.quantity,
                "lot": load.lot,
                "expiry": load.expiry,
            }
            with_token.post("/stock/loads", order)
        with_token.post("/service/logout")
        with_token.close()

    def shown(self, cabinet: CabinetHost) -> dict[str, Any]:
        """What the server shows of a cabinet."""
        shown: dict[str, Any] = self.operator.get(f"/cabinets/{cabinet.cabinet_id}")
        return shown
