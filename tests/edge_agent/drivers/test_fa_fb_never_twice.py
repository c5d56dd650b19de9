"""Whatever frames are lost: a motor turns at most once per order, and every word is true.

No order is called dispensed that dropped nothing, nor "surely nothing moved" that turned a motor.
The seed stands in the name of the test.
"""

import pytest

from edge_agent.drivers.readings import DispenseEnded, DispenseOutcome, PulseFailed
from edge_agent.drivers.spiral_board.fa_fb.vend_command import VendCommand
from edge_agent.seed import Chance
from tests.edge_agent.drivers.fa_fb_bench import SLOTS, FaFbBench

ORDERS = 6
SEEDS = range(25)
LOSSES = ("loses_heard", "loses_ack", "loses_status", "loses_other", "wrong_check")
MACHINE_FAULTS = ("jammed", "without_motor", "motor_runs_on", "never_ends")


class Shop:
    """A machine with a wire as bad as the seed says, and orders one after the other."""

    def __init__(self, seed: int, *, repeats: bool) -> None:
        self.chance = Chance.from_seed(seed)
        self.bench = FaFbBench(seed=seed, vend=VendCommand(repeats=repeats))
        self.board = self.bench.board
        self.board.faults.ignores_numbers = not repeats
        self.board.faults.says_only_the_end = self.chance.happens(0.5)
        for name in LOSSES:
            worst = self.chance.uniform(0.0, 0.9)
            setattr(self.board.faults, name, worst if self.chance.happens(0.5) else 0.0)
        for name in MACHINE_FAULTS:
            selections = {number for number in SLOTS.values() if self.chance.happens(0.15)}
            setattr(self.board.faults, name, selections)
        self.bench.run(5.0)

    def sell(self, order_id: str) -> None:
        """Order something, disturb it, wait for its end, and compare it with the truth."""
        slot = list(SLOTS)[int(self.chance.uniform(0, 2.999))]
        turns, dropped = self.count()
        self.bench.bus.order(slot, order_id)
        if self.chance.happens(0.3):
            self.bench.bus.order(slot, order_id)
        told = self.bench.outcomes(self.chance.uniform(0.0, 1.5))
        self.disturb()
        told += self.bench.outcomes(75.0)
        ends = [row for row in told if row.order_id == order_id]
        later_turns, later_dropped = self.count()
        assert later_turns - turns <= 1
        assert len({type(row) for row in ends}) == 1, "an order ends, and in one way"
        self.compare(ends[0], later_turns - turns, later_dropped - dropped)

    def compare(self, end: DispenseEnded | PulseFailed, turned: int, dropped: int) -> None:
        if isinstance(end, PulseFailed):
            assert turned == 0
        elif end.outcome is DispenseOutcome.DISPENSED:
            assert dropped == 1

    def disturb(self) -> None:
        if self.chance.happens(0.2):
            self.bench.gone_while_writing(1)
        if self.chance.happens(0.15):
            self.board.restart()

    def count(self) -> tuple[int, int]:
        return sum(self.board.turns.values()), sum(self.board.dropped.values())


@pytest.mark.parametrize("repeats", [True, False], ids=["numbers", "no numbers, no repeats"])
@pytest.mark.parametrize("seed", SEEDS)
def test_no_order_turns_twice_and_no_word_is_false(seed: int, *, repeats: bool) -> None:
    shop = Shop(seed, repeats=repeats)
    for number in range(ORDERS):
        shop.sell(f"{seed}-{number}")


def test_a_good_wire_loses_no_order() -> None:
    bench = FaFbBench()
    bench.run(5.0)
    for number in range(ORDERS):
        bench.bus.order("A1" if number % 2 else "A2", str(number))
        (end,) = bench.outcomes(5.0)
        assert isinstance(end, DispenseEnded)
        assert end.outcome is DispenseOutcome.DISPENSED
    assert bench.board.turns == bench.board.dropped == {1: 3, 2: 3}
