"""Best-known values that lie beside the instances.

`NAME.sol` (lines `Route #1: 5 3 7` and `Cost 827.3`), or a list `NAME cost` in a csv, json or txt
file of any name. Where a `.sol` holds routes they count, not its cost: many were computed with
another rounding.
"""

import csv
import json
import re
from pathlib import Path

from tests.benchmarks.vrptw.instances import TENTHS, Instance, InstanceError, cost_tenths

LIST_WORDS = ("best", "bks", "known", "optimal", "solutions")
"""A list says by its name that it is one; instances are txt files, too."""
COST_COLUMNS = ("cost", "best", "bks", "best_known", "distance", "value")
"""What the column or key of the cost may be called, the first choice first."""
_NUMBER = re.compile(r"^\s*[0-9]+(\.[0-9]+)?\s*$")
_ROUTE = re.compile(r"^\s*route\s*#?\s*\d+\s*:\s*(.*)$", re.IGNORECASE)
_COST = re.compile(r"^\s*cost\s*:?\s*([0-9.]+)\s*$", re.IGNORECASE)


def is_list(path: Path) -> bool:
    """Whether a file of the folder is a list of best-known values, by its name."""
    named = any(word in path.stem.lower() for word in LIST_WORDS)
    return path.suffix.lower() in {".csv", ".json"} or (path.suffix.lower() == ".txt" and named)


def listed(folder: Path) -> dict[str, float]:
    """Costs of every list in the folder, by NAME in capitals."""
    known: dict[str, float] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and is_list(path):
            known |= _pairs(path)
    return known


def best_known(path: Path, instance: Instance, lists: dict[str, float]) -> float | None:
    """Return the best-known cost of an instance read from `path`, if there is one."""
    names = {path.with_suffix(".sol").name.lower(), f"{instance.name.lower()}.sol"}
    for solution in sorted(path.parent.iterdir()):
        if solution.name.lower() in names and (cost := _of_solution(solution, instance)):
            return cost
    return lists.get(instance.name, lists.get(path.stem.upper()))


def _of_solution(path: Path, instance: Instance) -> float | None:
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [match[1] for line in lines if (match := _ROUTE.match(line))]
    routes = [[int(word) for word in route.split() if word.isdecimal()] for route in found]
    placed = sorted(customer for route in routes for customer in route)
    if placed == list(range(1, len(instance.customers))):
        return cost_tenths(instance.distances, routes) / TENTHS
    costs = [float(match[1]) for line in lines if (match := _COST.match(line))]
    return costs[0] if costs else None


def _pairs(path: Path) -> dict[str, float]:
    try:
        rows = _json_rows(path) if path.suffix.lower() == ".json" else _text_rows(path)
        return {str(name).strip().upper(): float(cost) for name, cost in rows}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InstanceError(path, 1, f"no list of best-known values: {error}") from error


def _json_rows(path: Path) -> list[tuple[object, str]]:
    """`{"R101": 1637.7}`, `{"R101": {"cost": 1637.7}}` or `[{"name": "R101", "cost": 1637.7}]`."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(content, list):
        return [(entry.get("name", entry.get("instance")), _cost(entry)) for entry in content]
    return [(name, _cost(entry)) for name, entry in content.items()]


def _cost(entry: object) -> str:
    if isinstance(entry, dict):
        return str(entry[next((name for name in COST_COLUMNS if name in entry), "cost")])
    return str(entry)


def _text_rows(path: Path) -> list[tuple[str, str]]:
    """Rows `NAME cost`; a heading may say that the cost stands in another column."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if path.suffix.lower() == ".csv":
        rows = list(csv.reader(lines))
    else:
        rows = [re.split(r"[\s,;]+", line.strip()) for line in lines]
    heading = [word.strip().lower() for word in next((row for row in rows if row), [])]
    at = next((heading.index(name) for name in COST_COLUMNS if name in heading), 1)
    return [(row[0], row[at]) for row in rows if len(row) > at and _NUMBER.match(row[at])]
