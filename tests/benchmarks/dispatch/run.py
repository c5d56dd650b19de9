"""`make bench-dispatch`: the engine alone, simulated days under every policy, VRPTW files.

`VRPTW_DIR=folder BUDGET_S=5 make bench-dispatch` solves only the Solomon-format files of that
folder. `FULL=1` plays more loads, seeds and a larger region, and times 500 technicians with 5,000
jobs. Seeds are printed; days are played with budgets of iterations, so that a figure does not
depend on what else the machine does. Figures of time do.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from fleet_server.clock import SystemClock
from fleet_server.dispatch.planner.building import built
from fleet_server.dispatch.solvers.engines import Budget, Engine
from fleet_server.dispatch.solvers.pool import SolverPool
from fleet_server.dispatch.solvers.rolling import improve
from fleet_server.service_levels.rules import Priority
from simulators.dispatch.figures import Figures, figures_of
from simulators.dispatch.hindsight import in_hindsight
from simulators.dispatch.play import Played, play
from simulators.dispatch.policies import Planned, earliest_due, first_come, nearest
from simulators.dispatch.scenario import drawn
from simulators.dispatch.warnings import Warnings, warned
from tests.benchmarks import dispatch_engine as engine
from tests.benchmarks.dispatch.plots import plot
from tests.benchmarks.figures import BUILD, Goal, report
from tests.benchmarks.vrptw.solve import mean_gap_percent, solve_folder

SEED = 1
GOALS = {
    "candidates_p95_ms_50x400": Goal("<=", 50),
    "candidates_p95_ms_200x2000": Goal("<=", 150),
    "urgent_replan_p95_s": Goal("<=", 1),
    "accepted_moved_mean": Goal("<=", 0.5),
    "pinned_moved": Goal("<=", 0),
    "on_time_over_insertion_points": Goal(">=", 5),
    "on_time_over_nearest_points": Goal(">=", 12),
    "on_time_of_hindsight": Goal(">=", 0.96),
    "brier": Goal("<=", 0.08),
    "warning_recall": Goal(">=", 0.85),
    "warning_precision": Goal(">=", 0.6),
    "repeatable": Goal(">=", 1),
}
POLICIES = ("fifo", "nearest", "earliest_due", "insertion", "pyvrp", "hindsight")
MORE_POLICIES = ("vroom", "both")
COMPARED_LOADS = (0.85, 0.95)
"""Loads the goals are about."""
HINDSIGHT_SECONDS = 10.0
PROCESSES = 2
DAYS = 2
PEOPLE = 15

Key = tuple[str, float, int]


def run(console: Console) -> None:
    """Measure and report."""
    folder = os.environ.get("VRPTW_DIR")
    if folder:
        _vrptw(console, Path(folder), float(os.environ.get("BUDGET_S", "5")))
        return
    full = bool(os.environ.get("FULL"))
    figures = _engine_figures(console, full=full)
    loads = (0.70, 0.85, 0.95, 1.05) if full else COMPARED_LOADS
    seeds = range(1, 9) if full else range(1, 5)
    names = (*POLICIES, *MORE_POLICIES) if full else POLICIES
    plays = _plays(
        console, [(name, load, seed) for name in names for load in loads for seed in seeds]
    )
    found = {
        (name, load): figures_of([plays[name, load, seed] for seed in seeds])
        for name in names
        for load in loads
    }
    console.print(_table(found, loads, names))
    figures |= _compared(found, names) | _warnings(plays, loads, seeds)
    plot(found, loads, names, BUILD / "dispatch.svg")
    note = (
        f"{PEOPLE} technicians, {DAYS} days, loads {loads}, seeds {list(seeds)}, see dispatch.svg"
    )
    report(console, "dispatch", figures, GOALS, note)


def _engine_figures(console: Console, *, full: bool) -> dict[str, float]:
    """Time what a dispatcher waits for."""
    clock = SystemClock()
    solvers = SolverPool.for_machine(min(os.cpu_count() or 1, PROCESSES))
    try:
        with console.status("candidates, urgent tickets") as status:
            solvers.start()
            figures = {
                "candidates_p95_ms_50x400": engine.candidates_p95_ms(50, 400, SEED, clock),
                "candidates_p95_ms_200x2000": engine.candidates_p95_ms(200, 2_000, SEED, clock),
            }
            urgent = engine.urgent_replans(SEED, solvers, clock)
            figures |= {
                "urgent_replan_p95_s": urgent.replan_p95_seconds,
                "accepted_moved_mean": urgent.accepted_moved_mean,
                "pinned_moved": urgent.pinned_moved,
                "urgent_on_time_share": urgent.on_time / urgent.asked,
            }
            status.update("repeatability")
            one = lambda: SolverPool([Engine.PYVRP], processes=1)  # noqa: E731
            figures["repeatable"] = float(engine.is_repeatable(SEED, one))
            status.update("a territory of 50 x 400")
            figures |= _territory(solvers, clock, 50, 400, 2.0, "50x400")
            if full:
                status.update("500 x 5,000")
                figures |= _territory(solvers, clock, 500, 5_000, 240.0, "500x5000")
    finally:
        solvers.close()
    return figures


def _territory(  # private; a size and its budget
    solvers: SolverPool, clock: SystemClock, people: int, jobs: int, seconds: float, name: str
) -> dict[str, float]:
    problem = engine.drawn_day(SEED, people, jobs)
    begun = clock.elapsed()
    plan = built(problem)
    inserted = clock.elapsed() - begun
    found = improve(problem, plan, Budget(max(seconds - inserted, 0.5)), SEED, solvers)
    return {
        f"territory_{name}_s": clock.elapsed() - begun,
        f"territory_{name}_late": float(
            len(found.evaluation.late) + len(found.evaluation.left_out)
        ),
        f"territory_{name}_insertion_s": inserted,
    }


def _plays(console: Console, keys: Iterable[Key]) -> dict[Key, Played]:
    """Play every policy, load and seed, two at a time."""
    wanted = list(keys)
    played: dict[Key, Played] = {}
    with (
        Progress(console=console) as progress,
        ProcessPoolExecutor(PROCESSES, get_context("spawn")) as processes,
    ):
        task = progress.add_task("days", total=len(wanted))
        for key, found in zip(wanted, processes.map(_one, wanted), strict=True):
            played[key] = found
            progress.advance(task)
    return played


def _one(key: Key) -> Played:
    name, load, seed = key
    scenario = drawn(PEOPLE, load, seed, DAYS)
    greedy: dict[str, Callable[[], object]] = {
        "fifo": first_come,
        "nearest": nearest,
        "earliest_due": earliest_due,
    }
    if name in greedy:
        return play(scenario, greedy[name]())
    solvers = SolverPool(_ENGINES.get(name, ()), processes=1)
    try:
        if name == "hindsight":
            return in_hindsight(scenario, HINDSIGHT_SECONDS, solvers)
        return play(scenario, Planned(name, solvers))
    finally:
        solvers.close()


_ENGINES: dict[str, tuple[Engine, ...]] = {
    "pyvrp": (Engine.PYVRP,),
    "vroom": (Engine.VROOM,),
    "both": (Engine.PYVRP, Engine.VROOM),
    "hindsight": (Engine.PYVRP,),
}


def _table(
    found: dict[tuple[str, float], Figures], loads: Iterable[float], names: Iterable[str]
) -> Table:
    table = Table(title="% on time (95 % interval) by policy and load", title_justify="left")
    for column in ("load", "policy", "all", "P1", "P2", "P3"):
        table.add_column(column)
    for column in ("late h, weighted", "way min", "moves per job"):
        table.add_column(column, justify="right")
    for load in loads:
        for name in names:
            one = found[name, load]
            low, high = one.all_on_time.interval
            shares = [f"{one.on_time[priority].percent:.1f}" for priority in Priority]
            table.add_row(
                f"{load:.0%}",
                name,
                f"{one.all_on_time.percent:.1f} ({low:.1f}-{high:.1f})",
                *shares,
                f"{one.weighted_late_hours:,.0f}",
                f"{one.way_minutes:.1f}",
                f"{one.moves_per_job:.2f}",
            )
    return table


def _compared(found: dict[tuple[str, float], Figures], names: Iterable[str]) -> dict[str, float]:
    def mean(name: str) -> float:
        shares = [found[name, load].all_on_time.percent for load in COMPARED_LOADS]
        return sum(shares) / len(shares)

    ours = mean("pyvrp")
    figures = {f"on_time_{name}_percent": mean(name) for name in names}
    p1 = [found["pyvrp", load].on_time[Priority.P1].percent for load in COMPARED_LOADS]
    best = [found["hindsight", load].on_time[Priority.P1].percent for load in COMPARED_LOADS]
    return figures | {
        "on_time_over_insertion_points": ours - mean("insertion"),
        "on_time_over_nearest_points": ours - mean("nearest"),
        "on_time_of_hindsight": ours / mean("hindsight"),
        "on_time_p1_percent": sum(p1) / len(p1),
        "on_time_p1_hindsight_percent": sum(best) / len(best),
        "moves_per_job": found["pyvrp", COMPARED_LOADS[0]].moves_per_job,
    }


def _warnings(
    plays: dict[Key, Played], loads: Iterable[float], seeds: Iterable[int]
) -> dict[str, float]:
    """How well 60 min ahead it is said what will be late; a fixed 4 h rule beside it."""
    many = [plays["pyvrp", load, seed] for load in loads for seed in seeds]
    ours: Warnings = warned(many)
    return {
        "brier": ours.brier,
        "warning_recall": ours.recall,
        "warning_precision": ours.precision,
        "warning_recall_4h_rule": ours.rule_recall,
        "warning_precision_4h_rule": ours.rule_precision,
    }


def _vrptw(console: Console, folder: Path, budget_seconds: float) -> None:
    """Solve the files of a folder, and nothing else."""
    table = Table(title=f"VRPTW, {budget_seconds:g} s each, seed {SEED}", title_justify="left")
    for column in ("instance", "cost", "distance", "vehicles", "feasible", "best known", "gap %"):
        table.add_column(column, justify="right")
    figures: dict[str, float] = {}
    solved = []
    for one in solve_folder(folder, budget_seconds, SEED):
        solved.append(one)
        known = "" if one.best_known is None else f"{one.best_known:.1f}"
        gap = "" if one.gap_percent is None else f"{one.gap_percent:.3f}"
        cells = (f"{one.cost:.1f}", f"{one.distance:.1f}", str(one.vehicles))
        feasible = "yes" if one.is_feasible else f"NO: {', '.join(one.broken)}"
        table.add_row(one.name, *cells, feasible, known, gap)
        console.log(f"{one.name}: {one.cost:.1f}, {one.vehicles} vehicles, {feasible} {gap}")
        figures[f"vrptw_{one.name}_cost"] = one.cost
        figures[f"vrptw_{one.name}_vehicles"] = one.vehicles
        figures[f"vrptw_{one.name}_feasible"] = float(one.is_feasible)
        if one.gap_percent is not None:
            figures[f"vrptw_{one.name}_gap_percent"] = one.gap_percent
    mean = mean_gap_percent(solved)
    if mean is not None:
        figures["vrptw_mean_gap_percent"] = mean
    console.print(table)
    report(
        console, "dispatch", figures, {}, f"VRPTW {folder.name}, {budget_seconds:g} s, seed {SEED}"
    )
