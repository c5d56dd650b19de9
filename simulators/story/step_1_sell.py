"""Step 1: cabinets enrol, are loaded by lot, sell.

Proven: the shoppers' own log = sale lines of the server = what is missing in the agents, in units
and in fen.
"""

from typing import Any

from simulators.errors import NotProvenError
from simulators.hosts.cabinet_host import CabinetHost
from simulators.people.shopper import Shopper
from simulators.story.proofs import units_and_money, wait_until_committed
from simulators.story.stage import SANDWICH, WATER, Load, Stage
from simulators.waiting import wait_until

SITES = {"Harbour Tower": (31.2304, 121.4737), "Science Park": (31.2010, 121.5900)}
CABINETS = {"harbour-1": "Harbour Tower", "harbour-2": "Harbour Tower", "science-1": "Science Park"}
PLAN = {"A1": SANDWICH, "A2": WATER, "A3": SANDWICH, "A4": WATER}
RECALLED_LOT, SAFE_LOT = "L2611A", "L2611B"
LOADS = [
    Load("A1", SANDWICH, RECALLED_LOT, 10, "2099-12-31"),
    Load("A2", WATER, "W7", 10, "2099-12-31"),
    Load("A3", SANDWICH, SAFE_LOT, 10, "2099-12-31"),
    Load("A4", WATER, "W7", 10, "2099-12-31"),
]
UNITS_LOADED = sum(load.quantity for load in LOADS)
CONTACT = "13800138000"
SALES_SECONDS_MAX = 30.0


def play(stage: Stage) -> dict[str, object]:
    """Play the step; what was measured."""
    _people(stage)
    _cabinets(stage)
    _buy(stage)
    return prove_sales(stage)


def prove_sales(stage: Stage) -> dict[str, object]:
    """Compare the three books: shoppers, server, agents."""
    wait_until_committed(stage.cabinets.values())
    units, money = units_and_money(one for shopper in stage.shoppers for one in shopper.log)
    sold = wait_until(
        f"the server has the {units} units of the shoppers' log",
        lambda: (found := server_sales(stage))[0] >= units and found,
        SALES_SECONDS_MAX,
    )
    if sold != (units, money):
        raise NotProvenError("shoppers = sale lines", f"{(units, money)} is not {sold}")
    gone = sum(UNITS_LOADED - units_inside(cabinet) for cabinet in stage.cabinets.values())
    if gone != units + stage.units_removed:
        expected = f"{units} sold + {stage.units_removed} removed"
        raise NotProvenError("shoppers = stock in the agents", f"{expected} is not {gone}")
    return {"units sold": units, "fen": money}


def server_sales(stage: Stage) -> tuple[int, int]:
    """Units and money of all sale lines at the server."""
    sales = all_sales(stage)
    units = sum(line["quantity"] for sale in sales for line in sale["lines"])
    return units, sum(sale["total_minor"] for sale in sales)


def all_sales(stage: Stage) -> list[dict[str, Any]]:
    """Every sale the server has."""
    sales: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        page = stage.operator.get("/sales", limit=500, **({"after": after} if after else {}))
        sales += page["items"]
        after = page["next"]
        if after is None:
            return sales


def units_inside(cabinet: CabinetHost) -> int:
    """Units in a cabinet by its own book."""
    return sum(int(slot["units"]) for slot in cabinet.state()["slots"])


def _people(stage: Stage) -> None:
    stage.add_technician("chen", 31.2350, 121.4800)
    stage.add_technician("wu", 31.2100, 121.5600)
    stage.shoppers += [Shopper("anna"), Shopper("bo")]


def _cabinets(stage: Stage) -> None:
    for product in {SANDWICH, WATER}:
        draft = {
            "gtin": product.gtin,
            "name_zh": product.name_zh,
            "name_en": product.name_en,
            "category": "food",
            "price_minor": product.price_minor,
            "perishable": product.perishable,
            "chilled": product.perishable,
            "returnable": not product.perishable,
        }
        stage.admin.post("/products", draft, key=f"product-{product.gtin}")
    for name, (latitude, longitude) in SITES.items():
        stage.add_site(name, latitude, longitude)
    for cabinet_id, site in CABINETS.items():
        stage.add_cabinet(cabinet_id, stage.site_ids[site])
    for cabinet in stage.cabinets.values():
        stage.plan(cabinet, PLAN)
        stage.load(cabinet, LOADS)


def _buy(stage: Stage) -> None:
    anna, bo = stage.shoppers
    for cabinet in stage.cabinets.values():
        for slot in PLAN:
            # Anna leaves a safety contact, Bo does not: later one is told, the other reads it.
            for purchase in (anna.buy(cabinet, slot, CONTACT), bo.buy(cabinet, slot)):
                if purchase.outcome != "dispensed":
                    raise NotProvenError("the shoppers get their goods", str(purchase))
