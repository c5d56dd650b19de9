"""How every benchmark reports: a table, and JSON that names figures, goals and machine."""

import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

BUILD = Path(__file__).parents[2] / "build" / "bench"


@dataclass(frozen=True)
class Goal:
    """A figure compared with a number of the design."""

    relation: str
    number: float

    def met(self, figure: float) -> bool:
        """Whether the figure keeps to it."""
        return figure >= self.number if self.relation == ">=" else figure <= self.number


def report(
    console: Console, name: str, figures: dict[str, float], goals: dict[str, Goal], note: str
) -> None:
    """Print the table and write `build/bench/NAME.json`."""
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "note": note}
    table = Table(title=f"bench-{name}: {note}", title_justify="left")
    for column in ("figure", "value", "goal", ""):
        table.add_column(column)
    for figure, value in figures.items():
        goal = goals.get(figure)
        shown = f"{goal.relation} {goal.number:g}" if goal else ""
        verdict = ("met" if goal.met(value) else "missed") if goal else ""
        table.add_row(figure, f"{value:,.3f}", shown, verdict)
    console.print(table)
    BUILD.mkdir(parents=True, exist_ok=True)
    written = {
        "figures": figures,
        "goals": {key: [goal.relation, goal.number] for key, goal in goals.items()},
        "machine": machine,
    }
    (BUILD / f"{name}.json").write_text(json.dumps(written, indent=1))
