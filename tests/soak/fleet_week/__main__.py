"""`make soak-week`: a week of 50 technicians and 2,000 cabinets, and what must hold in it.

`python -m tests.soak.fleet_week [--technicians N] [--cabinets N] [--days N] [--seed N]`. Ends with
1 when anything did not hold; the seed is printed.
"""

import argparse
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from fleet_server.settings import Settings
from tests.benchmarks.figures import Goal, report
from tests.soak.fleet_week.town import Order
from tests.soak.fleet_week.week import Week, short_plans

BEGIN = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)
"""Monday, 06:00 in Shanghai."""


def main() -> int:
    """Play, report, and say whether all of it held."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--technicians", type=int, default=50)
    parser.add_argument("--cabinets", type=int, default=2_000)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    console = Console()
    console.print(f"seed {wanted.seed}")
    short_plans()
    order = Order(wanted.technicians, wanted.cabinets, wanted.days)
    with tempfile.TemporaryDirectory(prefix="fleet-week-") as folder:
        settings = Settings(data_dir=Path(folder), session_lifetime=timedelta(days=400))
        with Progress(console=console) as progress:
            task = progress.add_task("week", total=1.0)
            week = Week(settings, order, wanted.seed, BEGIN)
            outcome = week.play(lambda share: progress.update(task, completed=share))
    for problem, count in outcome.problems.most_common(20):
        console.print(f"{count} x {problem}", markup=False)
    figures = {
        **outcome.figures,
        "kills": float(outcome.kills),
        "problems": float(outcome.problems.total()),
    }
    goals = {"problems": Goal("<=", 0)}
    report(console, "week", figures, goals, f"seed {wanted.seed}, {order}")
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
