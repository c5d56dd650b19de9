"""`python -m tests.edge_agent.forbidden_sales --runs 10000 --seed 0`: nothing forbidden is sold.

Plays seeded runs in two processes with progress; prints the seed of each that fails, and ends
with 1 then. A seed alone repeats its run.
"""

import argparse
import logging
import multiprocessing
import os
import sys
import traceback
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from edge_agent.clock import SystemClock
from tests.benchmarks.figures import Goal, report
from tests.edge_agent.forbidden_sales.runs import play

SHOWN_MAX = 10
SEEDS_AT_ONCE = 16


def played(seed: int) -> tuple[int, int, str]:
    """Play one run: its seed, how often a lock moved, and what went wrong."""
    logging.disable(logging.CRITICAL)
    try:
        return seed, play(seed), ""
    except AssertionError as error:
        return seed, 0, f"{error}\n{traceback.format_exc(limit=-3)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="Seeded runs; an oracle stands at every lock.")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="seed of the first run")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    console, clock = Console(), SystemClock()
    began, moves, failed = clock.elapsed(), 0, 0
    seeds = range(options.seed, options.seed + options.runs)
    columns = (TextColumn("runs"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        multiprocessing.Pool(options.processes) as pool,
        Progress(*columns, console=console) as progress,
    ):
        task = progress.add_task("runs", total=options.runs)
        for seed, moved, wrong in pool.imap_unordered(played, seeds, SEEDS_AT_ONCE):
            progress.advance(task)
            moves += moved
            if wrong:
                failed += 1
                if failed <= SHOWN_MAX:
                    console.print(f"[bold]seed {seed}[/bold]", markup=True)
                    console.print(wrong, markup=False)
    seconds = clock.elapsed() - began
    figures = {"runs": options.runs, "failed": failed, "moves": moves, "seconds": round(seconds)}
    note = f"seeds {seeds.start} to {seeds.stop - 1}"
    goals = {"failed": Goal("<=", 0), "runs": Goal(">=", options.runs)}
    report(console, "forbidden_sales", figures, goals, note)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
