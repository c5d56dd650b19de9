"""Runs seeds: each in a folder of its own in memory, each with its outcome."""

import shutil
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from simulators.fleet_simulation.errors import InvariantBrokenError
from simulators.fleet_simulation.log_watch import watched_logs
from simulators.fleet_simulation.options import STEPS
from simulators.fleet_simulation.simulation import Simulation

FAST = Path("/dev/shm")  # noqa: S108  # nothing here outlives its run
"""Files in memory: what a power cut costs is modelled, not suffered."""

FRAMES = 6
"""Of the place an exception came from."""


@dataclass(frozen=True)
class Plan:
    """How a seed is run; the same plan and seed give the same trace."""

    steps: int = STEPS
    cabinets: int | None = None
    trace_file: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one seed."""

    seed: int
    plan: Plan
    digest: str
    counts: Counter[str]
    virtual_seconds: float
    options: str
    failure: str = ""
    checker: str = ""
    tail: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """Exact command that repeats it."""
        cabinets = "" if self.plan.cabinets is None else f" --cabinets {self.plan.cabinets}"
        return f"cabinet-sim simulate --seed {self.seed} --steps {self.plan.steps}{cabinets}"


def run_seed(
    seed: int, plan: Plan | None = None, progress: Callable[[int], None] = lambda _step: None
) -> Outcome:
    """Run one seed; a broken promise is told in the outcome, not raised."""
    plan = plan or Plan()
    folder = Path(tempfile.mkdtemp(prefix="fleet-simulation-", dir=FAST if FAST.is_dir() else None))
    try:
        with watched_logs() as watch:
            run = Simulation(
                seed,
                folder,
                steps=plan.steps,
                cabinets=plan.cabinets,
                trace_file=plan.trace_file,
            )
            run.checkers.defects = watch.defects
            return _outcome(run, seed, plan, progress)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _outcome(run: Simulation, seed: int, plan: Plan, progress: Callable[[int], None]) -> Outcome:
    failure = checker = ""
    try:
        run.run(progress)
    except InvariantBrokenError as error:
        checker = error.checker
        cause = error.__cause__
        told = "" if cause is None else "".join(traceback.format_tb(cause.__traceback__)[-FRAMES:])
        failure = f"{error}\n{told}".rstrip()
    return Outcome(
        seed,
        plan,
        run.trace.digest,
        run.trace.counts,
        run.ground.timeline.seconds,
        run.ground.options.described,
        failure,
        checker,
        tuple(run.trace.tail) if failure else (),
    )
