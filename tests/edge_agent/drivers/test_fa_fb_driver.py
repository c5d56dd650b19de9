"""The FA FB driver against the simulated controller: one order, one turn, one honest word."""

import pytest

from edge_agent.drivers.errors import NoAnswerError
from edge_agent.drivers.polled import Order, SetUnits
from edge_agent.drivers.readings import (
    DeviceFailure,
    DispenseEnded,
    DispenseOutcome,
    MachinePart,
    MachineReading,
    PulseFailed,
    SelectionReading,
    SelectionState,
    TemperatureReading,
)
from edge_agent.drivers.spiral_board.fa_fb.dispensing import ORDERS_REMEMBERED_MAX
from edge_agent.drivers.spiral_board.fa_fb.frames import FaFbCommand
from edge_agent.drivers.spiral_board.fa_fb.vend_command import VendCommand
from tests.edge_agent.drivers.fa_fb_bench import FaFbBench


def ended(bench: FaFbBench, slot: str, order_id: str = "order-1") -> DispenseEnded:
    """Order, wait for the end, and be sure it was told once."""
    bench.bus.order(slot, order_id)
    (outcome,) = bench.outcomes(15.0)
    assert isinstance(outcome, DispenseEnded)
    assert (outcome.device, outcome.slot, outcome.order_id) == ("machine", slot, order_id)
    return outcome


def started(**kwargs: object) -> FaFbBench:
    bench = FaFbBench(**kwargs)  # type: ignore[arg-type]  # seed and vend only
    bench.run(5.0)
    return bench


def test_every_poll_is_answered_within_its_time() -> None:
    bench = started()
    bench.run(60.0)
    assert bench.board.slowest_answer_seconds < 0.1


def test_an_order_turns_its_motor_once_and_the_boards_word_is_told() -> None:
    bench = started()
    assert ended(bench, "B1").outcome is DispenseOutcome.DISPENSED
    assert (bench.board.turns, bench.board.dropped) == ({300: 1}, {300: 1})
    drives = [frame for frame in bench.board.heard if frame.command == FaFbCommand.DRIVE]
    assert [frame.text for frame in drives] == [b"\x01\x00\x01\x2c"]


@pytest.mark.parametrize(
    ("vend", "command", "text"),
    [
        (VendCommand(drop_sensor=False), FaFbCommand.DRIVE, b"\x00\x00\x00\x02"),
        (VendCommand(elevator=True), FaFbCommand.DRIVE, b"\x01\x01\x00\x02"),
        (VendCommand(FaFbCommand.BUY), FaFbCommand.BUY, b"\x00\x02"),
    ],
)
def test_the_settings_choose_the_command_and_its_flags(
    vend: VendCommand, command: FaFbCommand, text: bytes
) -> None:
    bench = started(vend=vend)
    assert ended(bench, "A2").outcome is DispenseOutcome.DISPENSED
    sent = [frame.text for frame in bench.board.heard if frame.command == command]
    assert sent == [text]


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("jammed", DispenseOutcome.JAMMED),
        ("without_motor", DispenseOutcome.NO_MOTOR),
        ("motor_runs_on", DispenseOutcome.MOTOR_DID_NOT_STOP),
        ("aborts", DispenseOutcome.ABORTED),
    ],
)
def test_a_motor_that_fails_is_told_as_it_failed(fault: str, outcome: DispenseOutcome) -> None:
    bench = started()
    getattr(bench.board.faults, fault).add(1)
    assert ended(bench, "A1").outcome is outcome
    asked = [f.text for f in bench.board.heard if f.command == FaFbCommand.CHECK_SELECTION]
    assert asked == [b"\x00\x01\x00"], "and the board is asked how the selection stands"


def test_an_elevator_that_fails_is_told_as_such() -> None:
    bench = started(vend=VendCommand(elevator=True))
    bench.board.faults.elevator_error = True
    assert ended(bench, "A1").outcome is DispenseOutcome.ELEVATOR


def test_a_board_that_never_says_its_last_word_makes_the_outcome_unknown() -> None:
    bench = started()
    bench.board.faults.never_ends.add(1)
    bench.bus.order("A1", "order-1")
    assert bench.outcomes(58.0) == []
    (outcome,) = bench.outcomes(5.0)
    assert isinstance(outcome, DispenseEnded)
    assert outcome.outcome is DispenseOutcome.UNKNOWN
    assert "0x01" in outcome.detail


def test_after_an_unknown_outcome_no_order_is_taken_until_its_late_word_cannot_come() -> None:
    bench = started()
    bench.board.faults.never_ends.add(1)
    bench.bus.order("A1", "order-1")
    bench.outcomes(65.0)
    bench.bus.order("A1", "order-2")
    (refused,) = bench.outcomes(1.0)
    assert isinstance(refused, PulseFailed)
    assert "may still be dispensing A1" in refused.detail
    bench.run(60.0)
    bench.board.restart()
    bench.board.faults.never_ends.clear()
    bench.run(5.0)
    assert ended(bench, "A1", "order-3").outcome is DispenseOutcome.DISPENSED
    assert bench.board.turns[1] == 2


def test_a_second_order_while_one_is_under_way_is_refused_and_moves_nothing() -> None:
    bench = started()
    bench.bus.order("A1", "order-1")
    bench.bus.order("A2", "order-2")
    outcomes = {row.order_id: row for row in bench.outcomes(5.0)}
    assert isinstance(outcomes["order-2"], PulseFailed)
    assert isinstance(outcomes["order-1"], DispenseEnded)
    assert bench.board.turns == {1: 1}


def test_an_order_given_twice_moves_once_and_its_outcome_can_be_asked_for() -> None:
    bench = started()
    first = ended(bench, "A1")
    bench.bus.order("A1", "order-1")
    assert bench.outcomes(5.0) == [first]
    bench.bus.order("A1", "order-2")
    bench.bus.order("A1", "order-2")
    assert len(bench.outcomes(10.0)) == 1
    assert bench.board.turns[1] == 2


def test_the_outcomes_kept_are_bounded() -> None:
    bench = started()
    bench.board.faults.without_motor.add(1)
    for number in range(ORDERS_REMEMBERED_MAX + 1):
        bench.bus.order("A1", str(number))
        bench.run(4.0)
    assert bench.driver.carry_out(Order("A1", "1")) != ()
    assert bench.driver.carry_out(Order("A1", "0")) == (), "forgotten, so it is a new order"


def test_an_order_to_a_silent_board_fails_and_is_never_carried_out_later() -> None:
    bench = started()
    bench.board.faults.silent = True
    bench.run(5.0)
    bench.bus.order("A1", "order-1")
    (outcome,) = bench.outcomes(1.0)
    assert isinstance(outcome, PulseFailed)
    assert outcome.error == "NoAnswerError"
    bench.board.faults.silent = False
    bench.run(30.0)
    assert bench.board.turns == {}


def test_a_board_that_falls_silent_before_it_took_the_order_never_gets_it() -> None:
    bench = started()
    bench.board.faults.silent = True
    bench.bus.order("A1", "order-1")
    (outcome,) = bench.outcomes(7.0)
    assert isinstance(outcome, PulseFailed)
    assert outcome.error == "NotTaken"
    bench.board.faults.silent = False
    bench.run(30.0)
    assert bench.board.turns == {}


def test_lost_acknowledgements_repeat_the_command_and_the_motor_turns_once() -> None:
    bench = started()
    bench.board.faults.loses_ack = 1.0
    bench.board.faults.says_only_the_end = True
    bench.bus.order("A1", "order-1")
    bench.run(15.0)
    drives = [frame for frame in bench.board.heard if frame.command == FaFbCommand.DRIVE]
    assert len(drives) > 1
    assert len({frame.number for frame in drives}) == 1
    assert bench.board.turns == {1: 1}


def test_a_command_the_board_never_heard_ends_unknown_after_five_tries_and_not_failed() -> None:
    """Nobody can tell lost commands from lost acknowledgements."""
    bench = started()
    bench.board.faults.deaf = True
    bench.bus.order("A1", "order-1")
    (outcome,) = bench.outcomes(15.0)
    assert isinstance(outcome, DispenseEnded)
    assert outcome.outcome is DispenseOutcome.UNKNOWN
    assert "5 tries" in outcome.detail
    bench.board.faults.deaf = False
    bench.run(200.0)
    assert bench.board.turns == {}


def test_a_status_proves_that_a_command_without_acknowledgement_was_taken() -> None:
    bench = started()
    bench.board.faults.loses_ack = 1.0
    assert ended(bench, "A1").outcome is DispenseOutcome.DISPENSED


def test_a_board_without_memory_for_numbers_turns_once_when_commands_are_not_repeated() -> None:
    bench = started(vend=VendCommand(repeats=False))
    bench.board.faults.ignores_numbers = bench.board.faults.says_only_the_end = True
    bench.board.faults.loses_ack = 1.0
    assert ended(bench, "A1").outcome is DispenseOutcome.DISPENSED
    assert bench.board.turns == {1: 1}


def test_a_board_that_restarts_is_not_sent_the_command_again() -> None:
    """It has lost the packet numbers, so it could not tell the repetition."""
    bench = started()
    bench.board.faults.loses_ack = bench.board.faults.loses_status = 1.0
    bench.bus.order("A1", "order-1")
    while not bench.board.turns:
        bench.run(0.05)
    bench.board.restart()
    bench.run(20.0)
    assert bench.board.turns == {1: 1}


def test_a_port_that_goes_while_the_command_is_written_makes_the_outcome_unknown() -> None:
    bench = started()
    bench.board.faults.never_ends.add(1)
    bench.bus.order("A1", "order-1")
    bench.gone_while_writing(1)
    outcomes = bench.outcomes(70.0)
    assert [type(row) for row in outcomes] == [DispenseEnded]
    assert bench.board.turns == {1: 1}


def test_what_was_told_is_not_lost_when_the_port_goes_before_the_answer() -> None:
    bench = started()
    bench.bus.order("A1", "order-1")
    while not bench.board.dropped:
        bench.run(0.05)
    bench.run(0.5)
    bench.gone_while_writing(6)
    (outcome,) = bench.outcomes(10.0)
    assert isinstance(outcome, DispenseEnded)
    assert outcome.outcome is DispenseOutcome.DISPENSED


def test_a_sale_at_the_keypad_is_nobodys_order() -> None:
    bench = started()
    bench.board.select_at_keypad(1)
    assert bench.outcomes(5.0) == []
    bench.board.select_at_keypad(1)
    bench.run(2.0)
    assert ended(bench, "A1").outcome is DispenseOutcome.DISPENSED
    assert bench.board.turns[1] == 3


def test_a_trailing_word_of_one_order_does_not_end_the_next_of_the_same_slot() -> None:
    bench = started()
    bench.board.faults.says_take_out_too = True
    bench.bus.order("A1", "order-1")
    while not (first := bench.outcomes(0.05)):
        pass
    bench.board.faults.jammed.add(1)
    bench.bus.order("A1", "order-2")
    (second,) = bench.outcomes(10.0)
    assert [row.outcome for row in (*first, second) if isinstance(row, DispenseEnded)] == [
        DispenseOutcome.DISPENSED,
        DispenseOutcome.JAMMED,
    ]


def test_a_word_from_before_the_command_was_written_does_not_end_the_order() -> None:
    bench = started()
    bench.board.select_at_keypad(1)
    bench.run(0.5)
    bench.board.faults.jammed.add(1)
    bench.bus.order("A1", "order-1")
    (outcome,) = bench.outcomes(10.0)
    assert isinstance(outcome, DispenseEnded)
    assert outcome.outcome is DispenseOutcome.JAMMED


def test_half_a_frame_does_not_swallow_the_next_poll() -> None:
    bench = started()
    bench.run(0.3)
    answered = len(bench.line.written)
    bench.line.put(b"\xfa\xfb\x04\x20\x01")
    bench.run(2.0)
    assert len(bench.line.written) - answered >= 6


def test_a_silent_board_fails_its_polls_and_recovers() -> None:
    bench = started()
    bench.board.faults.silent = True
    failures = [row for row in bench.run(8.0) if isinstance(row, DeviceFailure)]
    assert failures[0].kind == "spiral_board"
    assert failures[0].parts == ("A1", "A2", "B1")
    assert failures[0].error == "NoAnswerError"
    bench.board.faults.silent = False
    after = bench.run(15.0)
    assert any(isinstance(row, SelectionReading) for row in after), "it is synchronized anew"
    with pytest.raises(NoAnswerError):
        FaFbBench().driver.carry_out(Order("A1", "x"))


def test_selections_are_told_as_the_board_has_them() -> None:
    bench = FaFbBench()
    bench.board.paused.add(2)
    told = {row.slot: row for row in bench.run(5.0) if isinstance(row, SelectionReading)}
    assert (told["A1"].state, told["A1"].stock, told["A1"].price_minor, told["A1"].capacity) == (
        SelectionState.NORMAL,
        5,
        350,
        8,
    )
    assert told["A2"].state is SelectionState.PAUSED


def test_parts_and_temperature_are_told_and_a_door_does_not_flap() -> None:
    bench = FaFbBench()
    bench.board.faults.delivery_door_open = True
    told = bench.run(40.0)
    air = [row for row in told if isinstance(row, TemperatureReading)]
    assert (air[0].part, air[0].celsius, air[0].humidity_percent) == ("cabinet", 4.0, None)
    parts = {row.part: row for row in told if isinstance(row, MachineReading)}
    assert {part for part, row in parts.items() if not row.good} == {
        MachinePart.COIN_MECH,
        MachinePart.DOOR,
    }
    doors = [row.good for row in told if isinstance(row, MachineReading) and row.part == "door"]
    assert doors[2:] == [False] * len(doors[2:])
    assert parts[MachinePart.DOOR].detail == "delivery door open"


def test_a_pause_empties_the_selection_and_is_read_back_and_undone() -> None:
    bench = started()
    bench.driver.set_units(SetUnits("A2", 0))
    told = [row for row in bench.run(12.0) if isinstance(row, SelectionReading)]
    assert {row.slot: row.stock for row in told} == {"A1": 5, "A2": 0, "B1": 5}
    bench.driver.set_units(SetUnits("A2", 5))
    told = [row for row in bench.run(12.0) if isinstance(row, SelectionReading)]
    assert {row.slot: row.stock for row in told}["A2"] == 5
