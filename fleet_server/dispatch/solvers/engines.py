"""What an engine is: one function from a question and a budget to routes.

Both budgets count, whichever ends first. With a budget of iterations and seconds that are ample,
the same seed gives the same routes, bit for bit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec

from fleet_server.dispatch.planner.formulation import Question
from fleet_server.dispatch.solvers.errors import SolverMissingError


class Engine(StrEnum):
    """The engines we know, the first choice first (dispatch, Solvers)."""

    PYVRP = "pyvrp"
    VROOM = "vroom"


@dataclass(frozen=True)
class Budget:
    """How long an engine may think: `seconds` of one core, and `iterations` if given."""

    seconds: float
    iterations: int | None = None

    def split(self, count: int) -> "Budget":
        """Return the share of one of `count` runs."""
        iterations = None if self.iterations is None else max(self.iterations // count, 1)
        return Budget(self.seconds / count, iterations)


Routes = Sequence[Sequence[int]]
Solve = Callable[[Question, Budget, int], Routes]
"""Routes are task indices, one route for each vehicle of the question, in its order."""

_MODULES: Mapping[Engine, str] = {
    Engine.PYVRP: "fleet_server.dispatch.solvers.pyvrp_solver",
    Engine.VROOM: "fleet_server.dispatch.solvers.vroom_solver",
}


def installed() -> list[Engine]:
    """Return the engines whose package is here, without importing them."""
    return [engine for engine in Engine if find_spec(engine) is not None]


def solve_of(engine: Engine) -> Solve:
    """Import an engine. Raises SolverMissingError."""
    if find_spec(engine) is None:
        raise SolverMissingError(engine)
    solve: Solve = import_module(_MODULES[engine]).solve
    return solve
