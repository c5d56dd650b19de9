"""An engine in a process of its own: killed when it hangs, started anew, gone with its parent."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from fleet_server.dispatch.planner.formulation import Question
from fleet_server.dispatch.solvers.engines import Budget, Engine
from fleet_server.dispatch.solvers.errors import SolverFailedError, SolverTimedOutError
from fleet_server.dispatch.solvers.pool import SolverPool
from fleet_server.dispatch.solvers.worker import Worker
from tests.fleet_server.dispatch.solvers.days import day, question_of

pytestmark = pytest.mark.real_parts

BUDGET = Budget(20.0, 50)
GONE_SECONDS = 20.0
"""A bound on waiting for a process to notice that its parent closed the socket."""


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker(Engine.PYVRP, grace_seconds=0.5)
    yield made
    made.close()


@pytest.fixture(scope="module")
def question() -> Question:
    return question_of(day(1, technicians=3, jobs=12))[1]


def test_a_worker_answers_as_the_engine_does_and_keeps_its_process(
    worker: Worker, question: Question
) -> None:
    one = worker.solve(question, BUDGET, 3)
    pid = worker.pid
    assert worker.solve(question, BUDGET, 3) == one
    assert worker.pid == pid
    assert any(one)


def test_an_engine_that_hangs_is_killed_and_the_next_question_has_a_new_process(
    worker: Worker, question: Question
) -> None:
    worker.start()
    hung = worker.pid
    assert hung is not None
    os.kill(hung, signal.SIGSTOP)
    with pytest.raises(SolverTimedOutError, match="killed"):
        worker.solve(question, Budget(0.2), 1)
    with pytest.raises(ProcessLookupError):
        os.kill(hung, 0)
    assert any(worker.solve(question, BUDGET, 1))
    assert worker.pid != hung


class Fatal:
    """Whoever unpickles it dies."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (3,)


def test_a_process_that_dies_with_a_question_is_a_typed_error(
    worker: Worker, question: Question
) -> None:
    with pytest.raises(SolverFailedError, match="ended"):
        worker.solve(Fatal(), BUDGET, 1)  # type: ignore[arg-type]  # that is the test
    assert any(worker.solve(question, BUDGET, 1))


def test_what_an_engine_raises_is_told_and_the_process_goes_on(
    worker: Worker, question: Question
) -> None:
    worker.start()
    pid = worker.pid
    with pytest.raises(SolverFailedError, match="AttributeError"):
        worker.solve("no question", BUDGET, 1)  # type: ignore[arg-type]  # that is the test
    assert any(worker.solve(question, BUDGET, 1))
    assert worker.pid == pid


def test_a_process_ends_when_its_parent_is_gone() -> None:
    ours, theirs = socket.socketpair()
    module = "fleet_server.dispatch.solvers.engine_process"
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(theirs.fileno()), "pyvrp"],
            pass_fds=[theirs.fileno()],
        )
    ours.close()
    assert process.wait(GONE_SECONDS) is not None


def test_a_pool_answers_in_the_order_of_its_questions_whoever_was_free(
    question: Question,
) -> None:
    other = question_of(day(2, technicians=3, jobs=12))[1]
    for processes in (1, 2):
        pool = SolverPool([Engine.PYVRP], processes)
        try:
            answers = pool.ask([question, other, question], BUDGET, 5)
        finally:
            pool.close()
        found = [answer.routes[0] for answer in answers]
        if processes == 1:
            expected = found
    assert found == expected


def test_engines_side_by_side_both_answer_and_one_that_fails_is_named(question: Question) -> None:
    pool = SolverPool([Engine.PYVRP, Engine.VROOM])
    try:
        (both,) = pool.ask([question], Budget(2.0, 1), 1)
        (neither,) = pool.ask(["no question"], BUDGET, 1)  # type: ignore[list-item]  # the test
    finally:
        pool.close()
    assert len(both.routes) == 2
    assert [error.engine for error in neither.failures] == ["pyvrp", "vroom"]


def test_one_or_two_cores_have_one_engine_and_more_have_both() -> None:
    assert SolverPool.for_machine(2).engines == (Engine.PYVRP,)
    assert SolverPool.for_machine(4).engines == (Engine.PYVRP, Engine.VROOM)
    assert SolverPool([]).is_empty
