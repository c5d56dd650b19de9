"""Promise 7: a run is its seed. The same seed gives the same trace, in any process."""

import os
import subprocess
import sys

import pytest

from simulators.fleet_simulation.dice import Dice
from simulators.fleet_simulation.runner import Plan, run_seed

STEPS = 60
SEED = 4

PROGRAM = f"""
from simulators.fleet_simulation.runner import Plan, run_seed
outcome = run_seed({SEED}, Plan(steps={STEPS}))
print(outcome.digest, outcome.failure)
"""


@pytest.mark.real_parts
def test_two_processes_with_other_hashes_give_the_same_trace() -> None:
    told = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert told[0] == told[1]
    assert len(told[0].split()) == 1


def test_another_seed_gives_another_trace() -> None:
    plan = Plan(steps=5)
    digests = {run_seed(seed, plan).digest for seed in (1, 2)}
    assert len(digests) == 2


def test_streams_of_one_seed_do_not_disturb_each_other() -> None:
    first, second = Dice("seed 1"), Dice("seed 1")
    second.stream("somebody").number(0, 9)
    assert [first.stream("me").number(0, 999) for _ in range(3)] == [
        second.stream("me").number(0, 999) for _ in range(3)
    ]
