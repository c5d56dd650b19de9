"""A vend on a whole agent: proof, failure, idempotence, and power cuts between any two steps."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.selling.errors import PaymentReferenceReusedError, UnknownSlotError
from edge_agent.selling.slot_vend import SETTLE_SECONDS
from edge_agent.selling.vend_book import VendOrder
from tests.edge_agent.workbench import Bench, copied_store, ready

Made = Callable[..., Bench]


def test_the_same_payment_reference_never_vends_twice_and_is_answered_the_same(
    bench: Bench,
) -> None:
    first = bench.vend("pay-1")
    bench.close_doors()
    bench.steps(2)
    assert bench.vend("pay-1") == first
    assert len(bench.doors.pulses) == 1
    assert bench.units() == 4
    assert len(bench.bodies("sale.completed")) == 1


def test_another_order_under_a_used_payment_reference_is_an_error(bench: Bench) -> None:
    bench.vend("pay-1")
    with pytest.raises(PaymentReferenceReusedError):
        bench.vend("pay-1", slot="A2")
    with pytest.raises(PaymentReferenceReusedError):
        bench.vend("pay-1", buyer_reference="somebody else")
    assert len(bench.doors.pulses) == 1


def test_an_unknown_slot_is_an_error_and_uses_up_nothing(bench: Bench) -> None:
    with pytest.raises(UnknownSlotError):
        bench.vend("pay-1", slot="Z9")
    assert bench.vend("pay-1").outcome == "dispensed"


def test_a_refused_payment_reference_stays_refused(bench: Bench) -> None:
    refused = bench.vend("pay-1", slot="A2")
    assert (refused.outcome, refused.reason, refused.detail) == ("refused", "fault", "sold_out")
    bench.load(slot="A2")
    assert bench.vend("pay-1", slot="A2") == refused
    assert bench.vend("pay-2", slot="A2").outcome == "dispensed"
    assert [body["reason"] for body in bench.bodies("sale.refused")] == ["fault"]


def test_a_door_that_does_not_open_is_a_failed_vend_and_no_sale(bench: Bench) -> None:
    bench.doors.stuck = True
    bench.vend("pay-1")
    bench.steps(12)
    (failed,) = bench.bodies("vend.failed")
    assert (failed["cause"], failed["amount_minor"]) == ("door_did_not_open", 1250)
    assert failed.get("outcome", "not_dispensed") == "not_dispensed"
    assert bench.bodies("sale.completed") == []
    assert bench.units() == 5


def test_a_pulse_that_was_not_sent_is_a_failed_vend(bench: Bench) -> None:
    bench.doors.refusing = True
    assert bench.vend("pay-1").outcome == "failed"
    assert bench.bodies("vend.failed")[0]["cause"] == "NoAnswer"


def test_three_failures_in_a_row_pause_the_slot_until_someone_looked(bench: Bench) -> None:
    bench.doors.refusing = True
    for number in range(3):
        assert bench.vend(f"pay-{number}").outcome == "failed"
    bench.doors.refusing = False
    assert bench.vend("pay-9").detail == "paused"
    raised = [body["code"] for body in bench.bodies("fault.raised")]
    assert raised == ["VEND_FAIL"]
    bench.load(quantity=1)
    assert bench.vend("pay-10").outcome == "dispensed"
    assert [body["code"] for body in bench.bodies("fault.cleared")] == ["VEND_FAIL"]


def test_an_open_door_and_an_unseen_door_do_not_sell(bench: Bench) -> None:
    bench.doors.state["A1"] = DoorState.OPEN
    bench.steps(1)
    assert bench.vend("pay-1").detail == "door_open"
    bench.doors.state["A1"] = DoorState.UNKNOWN
    bench.steps(1)
    assert bench.vend("pay-2").detail == "door_unknown"


def test_a_second_vend_of_a_slot_waits_for_the_first(bench: Bench) -> None:
    bench.doors.stuck = True
    bench.vend("pay-1")
    assert bench.vend("pay-2").detail == "busy"
    assert len(bench.doors.pulses) == 1


def crashed_at_each_commit(make_bench: Made, tmp_path: Path, *, stuck: bool) -> list[Path]:
    """Copies of the store at each commit of one vend, as a power cut then would leave it."""
    copies: list[Path] = []
    taking = False

    def copy() -> None:
        if taking:
            copies.append(copied_store(tmp_path / "first"))

    bench = ready(make_bench(tmp_path / "first", after_commit=copy))
    bench.doors.stuck = stuck
    taking = True
    bench.vend("pay-1")
    bench.steps(12)
    taking = False
    assert len(copies) >= 3
    return copies


@pytest.mark.parametrize("was_open", [True, False])
def test_a_power_cut_at_any_commit_of_a_vend_is_settled_and_never_vends_twice(
    make_bench: Made, tmp_path: Path, *, was_open: bool
) -> None:
    outcomes = []
    for copy in crashed_at_each_commit(make_bench, tmp_path, stuck=not was_open):
        again = make_bench(copy)
        if was_open:
            again.doors.state["A1"] = DoorState.OPEN
        again.steps(int(SETTLE_SECONDS) + 2)
        vends = again.agent.cabinet.parts.vends
        vend = vends.find("pay-1")
        assert vend is not None
        assert vends.open_vends() == ()
        told = again.bodies("sale.completed") + again.bodies("vend.failed")
        assert [body["payment_reference"] for body in told] == ["pay-1"]
        sold = len(again.bodies("sale.completed"))
        assert again.units() == 5 - sold
        pulses = len(again.doors.pulses)
        assert again.agent.cabinet.vend(VendOrder("pay-1", "A1")).outcome == vend.state
        assert len(again.doors.pulses) == pulses == 0
        outcomes.append(str(vend.state))
    assert outcomes[0] == "failed"
    assert outcomes[1] == ("dispensed" if was_open else "unknown")
    assert outcomes[-1] == ("dispensed" if was_open else "failed")


def test_a_lock_board_that_stays_silent_after_the_boot_leaves_the_vend_unknown(
    make_bench: Made, tmp_path: Path
) -> None:
    pulsed = crashed_at_each_commit(make_bench, tmp_path, stuck=True)[1]
    again = make_bench(pulsed)
    again.doors.state.clear()
    again.steps(int(SETTLE_SECONDS) + 2)
    (failed,) = again.bodies("vend.failed")
    assert (failed["outcome"], failed["cause"]) == ("unknown", "power_cut")
