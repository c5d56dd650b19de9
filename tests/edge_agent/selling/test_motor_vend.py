"""Slots that a motor hands out: the controller's word is the proof, doubt is never a sale."""

from collections.abc import Callable

import pytest

from edge_agent.drivers.errors import OrdersFullError
from edge_agent.drivers.readings import (
    DeviceFailure,
    DispenseEnded,
    DispenseOutcome,
    MachinePart,
    MachineReading,
    SelectionReading,
    SelectionState,
)
from edge_agent.selling.motor_pauses import (
    AGAIN_SECONDS,
    RESUMES_MAX,
    TOLD_AT_ONCE_MAX,
    MotorPauses,
)
from edge_agent.selling.motors import Motors
from edge_agent.selling.slot_vend import MOTOR_SECONDS, SETTLE_SECONDS
from edge_agent.selling.vend_book import VendOrder
from edge_agent.settings import BusSettings, DeviceSettings
from protocol.rules import BlockKind, Lots, Notice, Rule, Terms
from tests.edge_agent.model_server import GTIN_A
from tests.edge_agent.workbench import Bench, planned

Made = Callable[..., Bench]
SLOTS = {"A1": 11, "A2": 12}
BUSES = [BusSettings("nowhere", [DeviceSettings("vmc", "fa-fb", slots=SLOTS)])]


@pytest.fixture
def bench(make_bench: Made) -> Bench:
    bench = make_bench(buses=BUSES)
    bench.doors.state = {}
    bench.doors.stuck = True  # a motor moves no door
    bench.server.rules_version = 1
    bench.steps(3)
    bench.link.send_rules(bench.server.rules(1, []))
    bench.link.send_desired(bench.server.desired(1, [planned("A1"), planned("A2")]))
    bench.steps(3)
    bench.load()
    selection(bench, SelectionState.NORMAL)
    return bench


def selection(bench: Bench, state: SelectionState, slot: str = "A1") -> None:
    at = bench.clock.elapsed()
    bench.agent.readings.put(SelectionReading("vmc", slot, state, at))
    bench.steps(1)


def ended(bench: Bench, outcome: DispenseOutcome) -> None:
    ((slot, order),) = bench.doors.pulses[-1:]
    at = bench.clock.elapsed()
    bench.agent.readings.put(DispenseEnded("vmc", slot, order, outcome, "", at))
    bench.steps(2)


def outcome(bench: Bench, reference: str = "pay-1") -> tuple[str, str]:
    vend = bench.agent.cabinet.parts.vends.find(reference)
    assert vend is not None
    return str(vend.state), vend.answer.reason


def test_a_motor_that_dropped_its_goods_is_a_sale(bench: Bench) -> None:
    bench.vend("pay-1")
    assert outcome(bench) == ("pulsed", "")
    ended(bench, DispenseOutcome.DISPENSED)
    assert outcome(bench) == ("dispensed", "")
    assert len(bench.bodies("sale.completed")) == 1
    assert bench.units() == 4


@pytest.mark.parametrize(
    "word",
    [
        DispenseOutcome.JAMMED,
        DispenseOutcome.MOTOR_DID_NOT_STOP,
        DispenseOutcome.NO_MOTOR,
        DispenseOutcome.ELEVATOR,
        DispenseOutcome.ABORTED,
    ],
)
def test_a_motor_that_failed_is_no_sale_and_says_why(bench: Bench, word: DispenseOutcome) -> None:
    bench.vend("pay-1")
    ended(bench, word)
    assert outcome(bench) == ("failed", str(word))
    (failed,) = bench.bodies("vend.failed")
    assert (failed["cause"], failed["amount_minor"]) == (str(word), 1250)
    assert bench.units() == 5


def test_three_failures_pause_the_slot(bench: Bench) -> None:
    for number in range(3):
        bench.vend(f"pay-{number}")
        ended(bench, DispenseOutcome.JAMMED)
    refused = bench.vend("pay-9")
    assert (refused.outcome, refused.detail) == ("refused", "paused")
    assert [body["code"] for body in bench.bodies("fault.raised")] == ["VEND_FAIL"]


def test_a_controller_that_cannot_say_leaves_doubt_and_no_sale(bench: Bench) -> None:
    bench.vend("pay-1")
    ended(bench, DispenseOutcome.UNKNOWN)
    assert outcome(bench) == ("unknown", "no_word_of_the_motor")
    assert bench.bodies("vend.failed")[0]["outcome"] == "unknown"
    assert bench.bodies("sale.completed") == []


def test_a_controller_without_a_word_leaves_doubt_after_its_time(bench: Bench) -> None:
    bench.vend("pay-1")
    bench.steps(int(MOTOR_SECONDS) - 5)
    assert outcome(bench)[0] == "pulsed"
    bench.steps(10)
    assert outcome(bench)[0] == "unknown"


def test_a_dispensing_that_surely_did_not_begin_is_a_failed_vend(bench: Bench) -> None:
    bench.doors.refusing = True
    bench.vend("pay-1")
    assert outcome(bench) == ("failed", "NoAnswer")


def test_a_power_cut_while_the_motor_turns_leaves_doubt_and_never_turns_it_again(
    bench: Bench, make_bench: Made
) -> None:
    bench.agent.cabinet.vend(VendOrder("pay-1", "A1"))
    bench.crash()
    again = make_bench(
        server=bench.server, clock=bench.clock, doors=bench.doors, seed=9, buses=BUSES
    )
    again.steps(int(SETTLE_SECONDS) + 3)
    assert outcome(again) == ("unknown", "power_cut")
    assert again.vend("pay-1").outcome == "unknown"
    assert len(again.doors.pulses) == 1


@pytest.mark.parametrize(
    ("state", "detail"),
    [
        (SelectionState.OUT_OF_STOCK, "sold_out"),
        (SelectionState.ABSENT, "motor_unknown"),
        (SelectionState.PAUSED, "paused_by_machine"),
    ],
)
def test_a_selection_that_cannot_turn_is_refused(
    bench: Bench, state: SelectionState, detail: str
) -> None:
    selection(bench, state)
    assert bench.vend("pay-1").detail == detail
    assert bench.doors.pulses == []


def test_a_silent_controller_or_an_open_machine_sells_nothing(bench: Bench) -> None:
    at = bench.clock.elapsed()
    failure = DeviceFailure("vmc", "spiral_board", "NoAnswerError", "", 1, tuple(SLOTS), at)
    bench.agent.readings.put(failure)
    bench.steps(1)
    assert bench.vend("pay-1").detail == "motor_unknown"
    bench.agent.readings.put(
        MachineReading("vmc", MachinePart.DOOR, good=False, at_elapsed=bench.clock.elapsed())
    )
    bench.steps(1)
    assert bench.vend("pay-2").detail == "door_open"


def recall(version: int, *lots: str) -> list[Rule]:
    terms = Terms(gtins=[GTIN_A], lots=Lots(exact=list(lots)))
    return [Rule("R-1", version, BlockKind.RECALL, terms, Notice("召回", "recalled"))]


def shown(bench: Bench, stock: int, slot: str = "A1") -> None:
    """The controller shows one selection."""
    at = bench.clock.elapsed()
    reading = SelectionReading("vmc", slot, SelectionState.NORMAL, at, stock=stock)
    bench.agent.readings.put(reading)
    bench.steps(1)


def test_a_recalled_slot_is_paused_at_its_controller_and_resumed_with_what_the_book_says(
    bench: Bench, make_bench: Made
) -> None:
    """The keypad of the machine must not sell it either; the gate blocks it anyway."""
    bench.link.send_rules(bench.server.rules(2, recall(2, "L1")))
    bench.steps(3)
    assert bench.doors.units_told == [("A1", 0)]
    assert bench.vend("pay-1").reason == "recall"
    bench.crash()
    again = make_bench(
        server=bench.server, clock=bench.clock, doors=bench.doors, seed=9, buses=BUSES
    )
    again.steps(3)
    assert len(bench.doors.units_told) == 1  # nobody is there to be told
    shown(again, 0)
    again.steps(3)
    assert bench.doors.units_told == [("A1", 0)] * 2
    again.link.send_rules(again.server.rules(3, []))
    again.steps(3)
    assert bench.doors.units_told[2:] == [("A1", 5)]
    shown(again, 5)
    again.steps(200)
    assert len(bench.doors.units_told) == 3


def test_a_pause_is_told_again_until_the_controller_shows_it(bench: Bench) -> None:
    bench.link.send_rules(bench.server.rules(2, recall(2, "L1")))
    bench.steps(3)
    shown(bench, 5)  # the word was lost
    bench.steps(int(AGAIN_SECONDS))
    assert bench.doors.units_told == [("A1", 0)] * 2
    shown(bench, 0)
    bench.steps(3 * int(AGAIN_SECONDS))
    assert len(bench.doors.units_told) == 2
    shown(bench, 5)  # it lost power, and counts again what it once was told
    bench.steps(2)
    assert len(bench.doors.units_told) == 3


def test_a_selection_that_stays_empty_is_resumed_a_few_times_and_left_to_its_sensor(
    bench: Bench,
) -> None:
    bench.link.send_rules(bench.server.rules(2, recall(2, "L1")))
    bench.steps(3)
    bench.link.send_rules(bench.server.rules(3, []))
    bench.steps(2)
    shown(bench, 0)
    bench.steps(10 * int(AGAIN_SECONDS))
    assert bench.doors.units_told == [("A1", 0)] + [("A1", 5)] * RESUMES_MAX


class NarrowBus:
    """A bus that takes a few words, and more only after a while."""

    def __init__(self) -> None:
        self.room = 3
        self.told: list[str] = []

    def set_units(self, slot: str, units: int) -> None:
        assert units == 0
        if self.room == 0:
            raise OrdersFullError("16 orders wait already", port="nowhere")
        self.room -= 1
        self.told.append(slot)


def test_every_slot_of_a_large_machine_is_paused_however_little_its_bus_takes_at_once(
    bench: Bench,
) -> None:
    slots = [f"B{number}" for number in range(40)]
    motors = Motors({"vmc": slots})
    motors.observe(SelectionReading("vmc", "B1", SelectionState.NORMAL, 0.0))
    bus = NarrowBus()
    pauses = MotorPauses(bench.agent.cabinet.parts.store, motors, bus.set_units)
    most = 0
    for second in range(200):
        before, bus.room = len(bus.told), 12 if second % 7 == 0 else bus.room
        pauses.step(set(slots), lambda _slot: 5, float(second))
        most = max(most, len(bus.told) - before)
        if len(bus.told) >= len(slots):
            break
    assert sorted(bus.told) == sorted(slots)
    assert most == TOLD_AT_ONCE_MAX


def test_the_door_of_a_machine_is_told_and_never_called_forced(bench: Bench) -> None:
    for good in (True, False, True):
        at = bench.clock.elapsed()
        reading = MachineReading("vmc", MachinePart.DOOR, good=good, at_elapsed=at)
        bench.agent.readings.put(reading)
        bench.steps(2)
    assert bench.bodies("door.opened") == [{"door": "vmc", "cause": "unknown"}]
    (closed,) = bench.bodies("door.closed")
    assert closed["open_seconds"] == 2.0
    assert "DOOR_FORCED" not in [body["code"] for body in bench.bodies("fault.raised")]
