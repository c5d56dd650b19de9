"""Signed orders: at most once, answered again, never old, never for another session (P-13)."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from edge_agent.commands.handlers import HANDLERS, LOG_BYTES_MAX
from edge_agent.commands.ledger import INTERRUPTED
from edge_agent.drivers.audit.parser import parse_report
from edge_agent.drivers.audit.readings import AuditReading
from edge_agent.drivers.readings import DeviceFailure
from edge_agent.logs import configure
from edge_agent.settings import BusSettings, DeviceSettings
from protocol.commands import CommandName
from protocol.rules import BlockKind, Notice, Rule, Terms
from protocol.signatures import Envelope, Signer
from tests.edge_agent.model_server import GTIN_A
from tests.edge_agent.workbench import Bench, copied_store, ready

UNLOCK = {"door": "A1"}


def order(bench: Bench, name: CommandName, **changes: object) -> Envelope:
    envelope = bench.server.command(name, bench.clock.wall(), **changes)
    bench.link.send_command(envelope)
    bench.steps(2)
    return envelope


def outcomes(bench: Bench) -> list[tuple[object, object]]:
    return [(body["outcome"], body.get("detail", "")) for body in bench.bodies("command.finished")]


def test_every_order_of_the_protocol_has_a_handler() -> None:
    assert set(HANDLERS) == set(CommandName)


def test_unlock_succeeds_when_the_door_is_seen_open(bench: Bench) -> None:
    order(bench, CommandName.UNLOCK, args=UNLOCK)
    assert outcomes(bench) == [("succeeded", "door opened")]
    assert bench.bodies("door.opened") == [{"door": "A1", "cause": "service"}]


def test_a_pulse_alone_is_not_an_opened_door(bench: Bench) -> None:
    bench.doors.stuck = True
    order(bench, CommandName.UNLOCK, args=UNLOCK)
    assert outcomes(bench) == []
    bench.steps(11)
    assert outcomes(bench) == [("failed", "the door did not open")]


def test_an_unlock_whose_pulse_was_not_sent_fails(bench: Bench) -> None:
    bench.doors.refusing = True
    order(bench, CommandName.UNLOCK, args=UNLOCK)
    assert outcomes(bench) == [("failed", "dead")]


def test_a_test_vend_opens_the_door_of_a_slot_that_may_sell(bench: Bench) -> None:
    order(bench, CommandName.TEST_VEND, args=UNLOCK)
    assert outcomes(bench) == [("succeeded", "door opened")]


def test_p16_a_test_vend_never_opens_a_blocked_slot_and_an_unlock_does(bench: Bench) -> None:
    terms = Terms(gtins=[GTIN_A])
    rule = Rule("R-1", 1, BlockKind.HOLD, terms, Notice("召回", "recalled"))
    bench.link.send_rules(bench.server.rules(2, [rule]))
    bench.steps(2)
    order(bench, CommandName.TEST_VEND, args=UNLOCK)
    assert outcomes(bench) == [("rejected", "not handed out: recall R-1")]
    assert bench.doors.pulses == []
    order(bench, CommandName.UNLOCK, args=UNLOCK)
    assert outcomes(bench)[-1] == ("succeeded", "door opened")


def test_a_test_vend_never_opens_a_slot_under_a_safety_hold_whatever_else_is_wrong(
    bench: Bench,
) -> None:
    bench.agent.cabinet.parts.faults.notice("TEMP_SAFETY_HOLD", "cabinet", bad=True)
    order(bench, CommandName.SERVICE_MODE, args={"on": True})
    order(bench, CommandName.TEST_VEND, args=UNLOCK)
    assert outcomes(bench)[-1] == ("rejected", "not handed out: temperature")
    assert bench.doors.pulses == []
    order(bench, CommandName.UNLOCK, args=UNLOCK)
    assert outcomes(bench)[-1] == ("succeeded", "door opened")


def test_p13_a_repeated_id_is_answered_again_and_not_done_again(bench: Bench) -> None:
    envelope = order(bench, CommandName.UNLOCK, args=UNLOCK)
    bench.close_doors()
    for _ in range(3):
        bench.link.send_command(envelope)
        bench.steps(2)
    assert outcomes(bench) == [("succeeded", "door opened")] * 4
    assert len(bench.doors.pulses) == 1


def test_p13_the_counter_only_goes_up(bench: Bench) -> None:
    order(bench, CommandName.SYNC, counter=7)
    order(bench, CommandName.UNLOCK, args=UNLOCK, counter=7)
    order(bench, CommandName.UNLOCK, args=UNLOCK, counter=3)
    assert [outcome for outcome, _ in outcomes(bench)] == ["succeeded", "rejected", "rejected"]
    assert bench.doors.pulses == []
    assert bench.agent.uplink.standing().versions.command_counter == 7


def test_p13_a_physical_order_of_another_session_never_fires(bench: Bench) -> None:
    order(bench, CommandName.UNLOCK, args=UNLOCK, session=bench.agent.uplink.session - 1)
    assert outcomes(bench)[0][0] == "rejected"
    assert bench.doors.pulses == []


def test_p13_an_old_order_never_fires(bench: Bench) -> None:
    old = bench.clock.wall() - timedelta(seconds=61)
    order(bench, CommandName.UNLOCK, args=UNLOCK, issued_at=old)
    assert outcomes(bench)[0][0] == "rejected"
    assert "expired" in str(outcomes(bench)[0][1])
    assert bench.doors.pulses == []


def test_p13_a_physical_order_lives_at_most_sixty_seconds(bench: Bench) -> None:
    order(bench, CommandName.UNLOCK, args=UNLOCK, ttl_s=61)
    assert outcomes(bench)[0][0] == "rejected"
    assert bench.doors.pulses == []


def test_p13_a_power_cut_at_any_commit_of_an_order_never_does_it_twice(
    make_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    copies: list[Path] = []
    taking: list[bool] = []
    first = ready(
        make_bench(
            tmp_path / "first",
            after_commit=lambda: (
                copies.append(copied_store(tmp_path / "first")) if taking else None
            ),
        )
    )
    taking.append(True)
    envelope = order(first, CommandName.UNLOCK, args=UNLOCK)
    taking.clear()
    assert len(copies) >= 2
    for copy in copies:
        again = make_bench(copy, server=first.server)
        again.steps(3)
        again.link.send_command(envelope)
        again.steps(3)
        assert again.doors.pulses == []
        assert outcomes(again)[0] in [("failed", INTERRUPTED), ("succeeded", "door opened")]
        assert len(set(outcomes(again))) == 1


def test_p13_a_forged_order_does_nothing_and_raises_a_fault(bench: Bench) -> None:
    bench.server.signer, true = Signer(b"f" * 32), bench.server.signer
    order(bench, CommandName.UNLOCK, args=UNLOCK)
    bench.server.signer = true
    assert outcomes(bench) == []
    assert bench.doors.pulses == []
    assert [body["code"] for body in bench.bodies("fault.raised")] == ["SIGNATURE_REJECTED"]


@pytest.mark.parametrize("args", [{}, {"door": "Z9"}, {"door": 3}])
def test_an_order_for_no_door_of_ours_is_rejected(bench: Bench, args: dict[str, object]) -> None:
    order(bench, CommandName.UNLOCK, args=args)
    assert [outcome for outcome, _ in outcomes(bench)] == ["rejected"]


def test_an_order_of_a_newer_server_is_rejected_by_its_id(bench: Bench) -> None:
    envelope = bench.server.command(CommandName.SYNC, bench.clock.wall())
    payload = msgspec.json.decode(envelope.payload)
    newer = Newer(**{**payload, "name": "dance"})
    bench.link.send_command(bench.server.signer.sign(newer))
    bench.steps(2)
    assert outcomes(bench)[0][0] == "rejected"


class Newer(msgspec.Struct):
    kind: str
    fleet: str
    cabinet: str
    id: str
    name: str
    args: dict[str, object]
    issued_at: str
    ttl_s: int
    counter: int


def test_service_mode_stops_sale_until_it_ends(bench: Bench) -> None:
    order(bench, CommandName.SERVICE_MODE, args={"on": True})
    assert bench.vend("pay-1").reason == "service"
    order(bench, CommandName.SERVICE_MODE, args={"on": False})
    assert bench.vend("pay-2").outcome == "dispensed"
    assert [body["code"] for body in bench.bodies("fault.cleared")] == ["SERVICE_MODE"]


def test_orders_that_need_what_is_not_fitted_are_rejected(bench: Bench) -> None:
    order(bench, CommandName.READ_AUDIT)
    assert outcomes(bench) == [("rejected", "not fitted")]


@pytest.fixture
def logging_of_the_agent() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    # A server of another test may still tick in this process; no agent has a scheduler.
    foreign = logging.getLogger("apscheduler")
    told, foreign.propagate = foreign.propagate, False
    configure("info")
    yield
    foreign.propagate = told
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("logging_of_the_agent")
@pytest.mark.parametrize("letter", ["x", "\x01", "绿"], ids=["plain", "escaped", "wide"])
def test_collected_logs_are_the_newest_lines_within_their_bound(bench: Bench, letter: str) -> None:
    for number in range(300):
        logging.getLogger("test").info("line %d %s", number, letter * 400)
    order(bench, CommandName.COLLECT_LOGS)
    (finished,) = bench.bodies("command.finished")
    lines = finished["result"]["lines"]  # type: ignore[index]  # a JSON object
    assert "line 299 " in lines[-2]
    assert "command.begun" in lines[-1]
    told = sum(len(msgspec.json.encode(line)) + 1 for line in lines)
    assert 29 * 1024 < told <= LOG_BYTES_MAX


class WithMachine:
    """A cabinet with a machine on a DEX link; `poll_soon` notes who was asked for."""

    def __init__(self, make_bench: Callable[..., Bench]) -> None:
        buses = [BusSettings("nowhere", [DeviceSettings("snacks", "dex")])]
        self.bench = make_bench(buses=buses)
        self.asked: list[str] = []
        self.bench.agent._around.poll_soon = self.asked.append
        self.bench.steps(3)
        order(self.bench, CommandName.READ_AUDIT)

    def read(self, text: bytes) -> None:
        report = parse_report(text)
        at = self.bench.clock.elapsed()
        self.bench.agent.readings.put(AuditReading("snacks", "snacks", report, at))
        self.bench.steps(2)


REPORT = b"DXS*MEI0000001*VA*V0/6*1\r\nST*001*0001\r\nID1*SN7*M*1\r\nEA2*ENK*1*1**1*5\r\n"


def test_a_machine_is_read_on_order_and_its_report_and_faults_are_told(
    make_bench: Callable[..., Bench],
) -> None:
    cabinet = WithMachine(make_bench)
    assert cabinet.asked == ["snacks"]
    assert outcomes(cabinet.bench) == []
    cabinet.read(REPORT)
    assert outcomes(cabinet.bench) == [("succeeded", "")]
    (told,) = cabinet.bench.bodies("audit.read")
    assert (told["part"], told["crc_quality"]) == ("snacks", "absent")
    raised = [(body["code"], body["part"]) for body in cabinet.bench.bodies("fault.raised")]
    assert ("BILL_VALIDATOR", "snacks") in raised
    cabinet.read(REPORT.replace(b"**1*5", b"**0*5"))
    assert "BILL_VALIDATOR" in [body["code"] for body in cabinet.bench.bodies("fault.cleared")]


def test_a_machine_that_does_not_answer_fails_the_order(
    make_bench: Callable[..., Bench],
) -> None:
    cabinet = WithMachine(make_bench)
    at = cabinet.bench.clock.elapsed()
    failure = DeviceFailure("snacks", "audit", "NoAnswerError", "no answer", 1, ("snacks",), at)
    cabinet.bench.agent.readings.put(failure)
    cabinet.bench.steps(2)
    assert outcomes(cabinet.bench) == [("failed", "no answer")]


def test_reboot_is_finished_before_the_process_ends(bench: Bench) -> None:
    order(bench, CommandName.REBOOT)
    assert outcomes(bench) == [("succeeded", "")]
    assert bench.agent.restart_wanted


def test_self_test_tells_doors_and_storage(bench: Bench) -> None:
    order(bench, CommandName.SELF_TEST)
    (finished,) = bench.bodies("command.finished")
    assert finished["outcome"] == "succeeded"
    assert finished["result"]["doors"] == {"A1": "closed", "A2": "closed"}  # type: ignore[index]  # parsed JSON


def test_sync_answers_with_a_birth(bench: Bench) -> None:
    births = len(bench.server.presences)
    order(bench, CommandName.SYNC)
    bench.steps(1)
    assert len(bench.server.presences) == births + 1


def test_a_machine_long_silent_is_a_fault_that_one_report_ends(
    make_bench: Callable[..., Bench],
) -> None:
    cabinet = WithMachine(make_bench)
    for count in range(1, 7):
        cabinet.bench.steps(60)
        at = cabinet.bench.clock.elapsed()
        failure = DeviceFailure("snacks", "audit", "NoAnswerError", "", count, ("snacks",), at)
        cabinet.bench.agent.readings.put(failure)
    cabinet.bench.steps(2)
    raised = [(body["code"], body["part"]) for body in cabinet.bench.bodies("fault.raised")]
    assert ("DEVICE_COMM", "snacks") in raised
    cabinet.read(REPORT)
    assert "DEVICE_COMM" in [body["code"] for body in cabinet.bench.bodies("fault.cleared")]
