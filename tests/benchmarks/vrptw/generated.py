"""Instances like Solomon's, by his recipe, from a seed: the files themselves are not ours to ship.

R: places at random. C: in clusters. RC: half and half. Classes 1 have short days and small
vehicles, classes 2 long ones; windows lie at random where a customer can be reached (Solomon 1987,
section 4).
"""

import random  # noqa: TID251  # instances are drawn from a seed
from dataclasses import dataclass
from math import hypot
from pathlib import Path

from tests.benchmarks.vrptw.instances import Customer, Instance

SIDE = 100
CLUSTERS = 10
SPREAD = 5.0


@dataclass(frozen=True)
class Recipe:
    """One class: capacity of a vehicle, length of the day, service; half widths of windows."""

    capacity: int
    horizon: int
    service: int
    half_widths: tuple[int, int]


RECIPES = {
    "R1": Recipe(200, 230, 10, (5, 60)),
    "R2": Recipe(1000, 1000, 10, (60, 350)),
    "C1": Recipe(200, 1236, 90, (30, 180)),
    "C2": Recipe(700, 3390, 90, (80, 360)),
    "RC1": Recipe(200, 240, 10, (15, 60)),
    "RC2": Recipe(1000, 960, 10, (60, 240)),
}


def generated(
    kind: str, seed: int, customers: int = 100, tightness: float = 0.5, share: float = 1.0
) -> Instance:
    """Draw an instance; `tightness` 0..1 narrows windows, `share` of customers has one."""
    chance = random.Random(f"{kind}-{seed}-{customers}")
    recipe = RECIPES[kind]
    places = [(SIDE / 2, SIDE / 2), *_places(kind, customers, chance)]
    low, high = recipe.half_widths
    half = high - tightness * (high - low)
    rows = [Customer(0, *places[0], 0, 0, recipe.horizon, 0)]
    for number, place in enumerate(places[1:], 1):
        way = hypot(place[0] - places[0][0], place[1] - places[0][1])
        first, last = round(way) + 1, round(recipe.horizon - way - recipe.service) - 1
        middle = chance.uniform(first, last)
        ready, due = max(first, round(middle - half)), min(last, round(middle + half))
        if chance.random() > share:
            ready, due = 0, last
        demand = min(max(round(chance.gauss(15, 10)), 1), 50)
        rows.append(Customer(number, *place, demand, ready, max(due, ready), recipe.service))
    return Instance(f"{kind}-{seed}", max(customers // 4, 2), recipe.capacity, tuple(rows))


def write(instance: Instance, folder: Path) -> Path:
    """Write an instance as Solomon did; return the file."""
    lines = [instance.name, "", "VEHICLE", "NUMBER     CAPACITY"]
    lines += [f"{instance.vehicles:5d} {instance.capacity:12d}", "", "CUSTOMER"]
    lines += ["CUST NO.  XCOORD.  YCOORD.  DEMAND  READY TIME  DUE DATE  SERVICE TIME", ""]
    for one in instance.customers:
        columns = (one.number, one.x, one.y, one.demand, one.ready, one.due, one.service)
        lines.append("".join(f"{column:10.0f}" for column in columns))
    path = folder / f"{instance.name}.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _places(kind: str, count: int, chance: random.Random) -> list[tuple[int, int]]:
    scattered = {"R": count, "C": 0}.get(kind[:-1], count // 2)
    places = [(chance.randint(0, SIDE), chance.randint(0, SIDE)) for _ in range(scattered)]
    middles = [(chance.randint(10, 90), chance.randint(10, 90)) for _ in range(CLUSTERS)]
    for number in range(count - scattered):
        x, y = middles[number % CLUSTERS]
        near = (chance.gauss(x, SPREAD), chance.gauss(y, SPREAD))
        places.append((round(min(max(near[0], 0), SIDE)), round(min(max(near[1], 0), SIDE))))
    return places
