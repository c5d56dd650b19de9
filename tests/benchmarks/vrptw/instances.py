"""Reads the Solomon / Homberger format.

NAME, then VEHICLE with NUMBER CAPACITY, then CUSTOMER with seven columns a line: number, x, y,
demand, ready time, due date, service time; the first customer is the depot.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, isqrt
from pathlib import Path

COLUMNS = 7
TENTHS = 10


class InstanceError(Exception):
    """A file that is no instance in Solomon's format."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path.name}, line {line}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


@dataclass(frozen=True)
class Customer:
    """One line; times and places in the file's own units."""

    number: int
    x: float
    y: float
    demand: int
    ready: float
    due: float
    service: float


@dataclass(frozen=True)
class Instance:
    """One file; `customers[0]` is the depot."""

    name: str
    vehicles: int
    capacity: int
    customers: tuple[Customer, ...]

    @property
    def distances(self) -> list[list[int]]:
        """Tenths of each arc: floor(10 x euclid)."""
        return [[_tenths(one, other) for other in self.customers] for one in self.customers]


def cost_tenths(distances: list[list[int]], routes: list[list[int]]) -> int:
    """Total distance of routes of customer numbers, from the depot and back."""
    return sum(distances[one][other] for route in routes for one, other in pairwise([0, *route, 0]))


def read(path: Path) -> Instance:
    """Read one file. Raises InstanceError."""
    lines = [line.split() for line in _text(path).splitlines()]
    filled = [(number, words) for number, words in enumerate(lines, 1) if words]
    if not filled:
        raise InstanceError(path, 1, "the file is empty")
    at = {words[0].upper(): place for place, (_, words) in enumerate(filled)}
    for heading in ("VEHICLE", "CUSTOMER"):
        if heading not in at:
            raise InstanceError(path, 1, f"there is no {heading} section")
    vehicles, capacity = _fleet(path, filled[at["VEHICLE"] + 1 :])
    rows = filled[at["CUSTOMER"] + 1 :]
    customers = tuple(_customer(path, line, words) for line, words in rows if _is_row(words))
    _check(path, customers, capacity)
    return Instance(filled[0][1][0].upper(), vehicles, capacity, customers)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InstanceError(path, 1, f"not a text file: {error.reason}") from error


def _fleet(path: Path, rows: list[tuple[int, list[str]]]) -> tuple[int, int]:
    for line, words in rows:
        if words[0].isdecimal():
            if len(words) != 2 or not words[1].isdecimal() or min(map(int, words)) < 1:
                raise InstanceError(path, line, "NUMBER and CAPACITY are two whole numbers above 0")
            return int(words[0]), int(words[1])
        if words[0].upper() == "CUSTOMER":
            break
    raise InstanceError(path, 1, "VEHICLE has no numbers")


def _is_row(words: list[str]) -> bool:
    """The heading (CUST NO. XCOORD. ...) is the one line that does not begin with a number."""
    return words[0].upper() not in {"CUST", "CUST."}


def _customer(path: Path, line: int, words: list[str]) -> Customer:
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise InstanceError(path, line, f"not a number: {error}") from error
    if len(numbers) != COLUMNS or not all(map(isfinite, numbers)):
        raise InstanceError(path, line, f"a customer has {COLUMNS} numbers, not {len(numbers)}")
    number, x, y, demand, ready, due, service = numbers
    if ready > due or min(demand, ready, service) < 0:
        raise InstanceError(path, line, "a window ends before it begins, or a number is negative")
    return Customer(int(number), x, y, int(demand), ready, due, service)


def _check(path: Path, customers: tuple[Customer, ...], capacity: int) -> None:
    if len(customers) < 2:
        raise InstanceError(path, 1, "there is no customer beside the depot")
    for place, customer in enumerate(customers):
        if customer.number != place:
            raise InstanceError(path, 1, f"customer {place} is numbered {customer.number}")
        if customer.demand > capacity:
            raise InstanceError(path, 1, f"customer {place} asks for more than a vehicle holds")


def _tenths(one: Customer, other: Customer) -> int:
    """Exact where coordinates are whole, as they are in every published file."""
    x, y = one.x - other.x, one.y - other.y
    squared = (x * x + y * y) * TENTHS * TENTHS
    return isqrt(int(squared)) if squared == int(squared) else int(squared**0.5)
