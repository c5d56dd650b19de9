"""`cabinet-sim simulate`: seeds one after another, with progress; stops at the first failure."""

from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from simulators.fleet_simulation.runner import Outcome, Plan, run_seed

TOLD = (
    "lost",
    "will",
    "cuts",
    "cuts the server",
    "restarts",
    "crashes",
    "store lost",
    "store rolled back",
    "database restored",
    "rival begins",
    "clock is wrong by",
    "writes poison",
    "rubbish",
    "replays",
    "breaks",
)
"""Troubles that are counted in the summary."""


def simulate_seeds(console: Console, seeds: Iterable[int], plan: Plan) -> int:
    """Run seeds; exit code 0 when all held, 1 at the first that did not, 130 when interrupted."""
    wanted = list(seeds)
    counts: Counter[str] = Counter()
    virtual_seconds, done = 0.0, 0
    failed: Outcome | None = None
    try:
        with _progress(console) as progress:
            task = progress.add_task(f"seed {wanted[0]}", total=len(wanted))
            for seed in wanted:
                progress.update(task, description=f"seed {seed}")
                outcome = run_seed(seed, plan)
                counts += outcome.counts
                virtual_seconds += outcome.virtual_seconds
                done += 1
                progress.advance(task)
                if outcome.failure:
                    failed = outcome
                    break
                if len(wanted) == 1:
                    console.print(f"trace {outcome.digest}")
    except KeyboardInterrupt:
        console.print(f"interrupted after {done} seeds, none of which failed")
        return 130
    _print_summary(console, done, virtual_seconds, counts)
    if failed is not None:
        _print_failure(console, failed)
    return 0 if failed is None else 1


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


def _print_summary(
    console: Console, seeds: int, virtual_seconds: float, counts: Counter[str]
) -> None:
    troubles = {what: counts[what] for what in TOLD if counts[what]}
    told = ", ".join(f"{count} x {what}" for what, count in troubles.items())
    console.print(
        f"{seeds} seeds, {virtual_seconds / 3600:.1f} virtual hours,"
        f" {counts.total()} events, {sum(troubles.values())} troubles: {told}",
        highlight=False,
    )


def _print_failure(console: Console, failed: Outcome) -> None:
    for line in failed.tail:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    console.print(f"seed {failed.seed} failed: {failed.failure}", highlight=False, markup=False)
    console.print(f"options: {failed.options}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"repeat it: {failed.command}", highlight=False, markup=False, soft_wrap=True)
