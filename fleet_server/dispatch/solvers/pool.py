"""Several workers: independent questions are thought about at the same time.

On more than two cores every installed engine thinks about each question, side by side; on one or
two the first alone, for a second engine would take its time from the first (dispatch, Solvers).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue

from fleet_server.dispatch.planner.formulation import Question
from fleet_server.dispatch.solvers.engines import Budget, Engine, Routes, installed
from fleet_server.dispatch.solvers.errors import SolverError
from fleet_server.dispatch.solvers.worker import GRACE_SECONDS, Worker

CORES_FOR_BOTH = 3


@dataclass(frozen=True)
class Answers:
    """What the engines said to one question; `failures` of those that said nothing."""

    routes: tuple[Routes, ...]
    failures: tuple[SolverError, ...]


class SolverPool:
    """Workers of some engines, `processes` of each. With no engine it answers nothing."""

    def __init__(
        self,
        engines: Sequence[Engine],
        processes: int = 1,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self.engines = tuple(engines)
        self.processes = processes
        self._workers = [
            Worker(engine, grace_seconds) for engine in engines for _ in range(processes)
        ]
        self._free: dict[Engine, SimpleQueue[Worker]] = {one: SimpleQueue() for one in engines}
        for worker in self._workers:
            self._free[worker.engine].put(worker)

    @classmethod
    def for_machine(cls, cores: int) -> "SolverPool":
        """Return the pool that suits so many cores."""
        found = installed()
        if cores >= CORES_FOR_BOTH:
            return cls(found, max(cores // max(len(found), 1), 1))
        return cls(found[:1], 1)

    @property
    def is_empty(self) -> bool:
        """Whether there is nobody to ask: insertion alone serves."""
        return not self.engines

    def start(self) -> None:
        """Start every process before it is needed. Raises SolverFailedError."""
        for worker in self._workers:
            worker.start()

    def ask(self, questions: Sequence[Question], budget: Budget, seed: int) -> list[Answers]:
        """Ask every engine every question; each run has the whole budget.

        Question n is asked with seed + n, so answers do not depend on which process was free.
        """
        if self.is_empty or not questions:
            return [Answers((), ()) for _ in questions]
        with ThreadPoolExecutor(len(self._workers)) as threads:
            running = [
                [
                    threads.submit(self._asked, engine, question, budget, seed + number)
                    for engine in self.engines
                ]
                for number, question in enumerate(questions)
            ]
            found = [[one.result() for one in runs] for runs in running]
        return [_answers(one) for one in found]

    def close(self) -> None:
        """End every process."""
        for worker in self._workers:
            worker.close()

    def _asked(
        self, engine: Engine, question: Question, budget: Budget, seed: int
    ) -> Routes | SolverError:
        worker = self._free[engine].get()
        try:
            return worker.solve(question, budget, seed)
        except SolverError as error:
            return error
        finally:
            self._free[engine].put(worker)


def _answers(found: Sequence[Routes | SolverError]) -> Answers:
    return Answers(
        tuple(one for one in found if not isinstance(one, SolverError)),
        tuple(one for one in found if isinstance(one, SolverError)),
    )
