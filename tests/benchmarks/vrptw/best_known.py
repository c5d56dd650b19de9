"""Best-known values that lie beside the instances.

`NAME.sol` (lines `Route #1: 5 3 7` and `Cost 827.3`), or a list `NAME cost` in a csv, json or txt
file of any name. Where a `.sol` holds routes they count, not its cost: many were computed with
another rounding.
"""

import csv
import json
import re
from pathlib import Path

from tests.benchmarks.vrptw.instances import TENTHS, Instance, cost_tenths

LIST_WORDS = ("best", "bks", "known", "optimal", "solutions")
"""A list says by its name that it is one; instances are txt files, too."""
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
    for solution in (path.with_suffix(".sol"), path.with_suffix(".SOL")):
        if solution.is_file() and (cost := _of_solution(solution, instance)) is not None:
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
    if path.suffix.lower() == ".json":
        content = json.loads(path.read_text(encoding="utf-8"))
        rows = content.items() if isinstance(content, dict) else map(_row, content)
        return {str(name).upper(): float(cost) for name, cost in rows}
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix.lower() == ".csv":
            words = [list(row) for row in csv.reader(file)]
        else:
            words = [re.split(r"[\s,;]+", line.strip()) for line in file]
    return {
        row[0].strip().upper(): float(row[1])
        for row in words
        if len(row) >= 2 and _is_number(row[1])
    }


def _row(entry: dict[str, object]) -> tuple[str, float]:
    name = entry.get("name", entry.get("instance"))
    return str(name), float(str(entry.get("cost", entry.get("best"))))


def _is_number(word: str) -> bool:
    return re.fullmatch(r"\s*[0-9]+(\.[0-9]+)?\s*", word) is not None
