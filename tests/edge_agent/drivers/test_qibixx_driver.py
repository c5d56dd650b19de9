"""The Qibixx adapter as a device: health as it comes, and payment commands in bounds."""

from pathlib import Path

import pytest

from edge_agent.clock import ManualClock
from edge_agent.drivers.build import build_bus, kind_named
from edge_agent.drivers.errors import (
    AmountError,
    BadFrameError,
    DeviceRefusedError,
    DeviceSettingsError,
    NoAnswerError,
    PortGoneError,
    WrongModeError,
)
from edge_agent.drivers.line import ListenedPort
from edge_agent.drivers.payment.qibixx.driver import RESULT_SECONDS_MAX, QibixxAdapter
from edge_agent.drivers.reading_queue import ReadingQueue
from edge_agent.drivers.readings import PaymentEvent, PaymentReading
from edge_agent.seed import Chance
from edge_agent.settings import BusSettings, DeviceSettings
from simulators.devices.qibixx_adapter import SimulatedQibixx
from tests.edge_agent.drivers.fake_line import Answering, FakeLine
from tests.edge_agent.drivers.real_bus import running_bus, wait_for
from tests.edge_agent.drivers.test_modbus import START

RESET, INACTIVE = PaymentEvent.RESET, PaymentEvent.INACTIVE
DISABLED, ENABLED = PaymentEvent.DISABLED, PaymentEvent.ENABLED


class Bench:
    """The adapter on a line, driven as its bus would: polls, and everything heard handed on."""

    def __init__(
        self,
        mode: str = "cashless_slave",
        *,
        echo: bool = False,
        device: Answering | None = None,
    ) -> None:
        self.clock = ManualClock(START, elapsed=100.0)
        self.simulated = SimulatedQibixx(Chance.from_seed(1))
        self.simulated.tick(self.clock.elapsed())
        self.line = FakeLine([device or self.simulated], self.clock, echo=echo)
        self.port = ListenedPort(self.line)
        kind = kind_named("qibixx")
        assert kind is not None
        settings = DeviceSettings("reader", "qibixx", part="till", options={"mode": mode})
        adapter = kind.build(settings, self.port, self.clock)
        assert isinstance(adapter, QibixxAdapter)
        self.device = adapter

    def poll(self) -> list[PaymentReading]:
        return [*self.device.poll(), *self.heard()]

    def heard(self) -> list[PaymentReading]:
        while self.port.read(0.005):
            pass
        return list(self.device.hear(self.port.take_heard()))

    def run(self, seconds: float, *, polls: bool = True) -> list[PaymentReading]:
        readings: list[PaymentReading] = []
        for turn in range(int(seconds * 2)):
            self.clock.advance(0.5)
            self.line.put(self.simulated.tick(self.clock.elapsed()))
            readings += self.heard()
            if polls and turn % 10 == 9:
                readings += self.poll()
        return readings

    def enabled(self) -> "Bench":
        """Poll until the reader is enabled."""
        self.poll()
        self.run(10.0)
        return self


def events(readings: list[PaymentReading]) -> list[PaymentEvent]:
    return [reading.event for reading in readings]


def changes(readings: list[PaymentReading]) -> list[PaymentEvent]:
    """Events without the repeats of what stands."""
    told = events(readings)
    return [event for index, event in enumerate(told) if index == 0 or event != told[index - 1]]


@pytest.mark.parametrize("echo", [True, False])
def test_a_slave_is_started_and_its_way_to_enabled_is_told(*, echo: bool) -> None:
    bench = Bench(echo=echo)
    readings = bench.poll() + bench.run(6.0)
    assert changes(readings) == [INACTIVE, DISABLED, ENABLED]
    assert (readings[0].device, readings[0].part, bench.device.kind) == (
        "reader",
        "till",
        "payment",
    )
    assert bench.line.written[:2] == [b"V\n", b"C,1\n"]


def test_what_stands_is_repeated_at_each_poll_and_the_mode_is_not_started_again() -> None:
    bench = Bench().enabled()
    assert events(bench.poll() + bench.poll()) == [ENABLED, ENABLED]
    assert bench.line.written.count(b"C,1\n") == 1


def test_a_reader_never_enabled_stays_disabled_as_long_as_it_is() -> None:
    bench = Bench()
    bench.simulated.faults.never_enabled = True
    readings = bench.poll() + bench.run(60.0)
    assert changes(readings) == [INACTIVE, DISABLED]
    assert len(readings) > 10


def test_a_machine_that_resets_for_ever_is_told_reset_by_reset() -> None:
    bench = Bench()
    bench.simulated.faults.reset_every_seconds = 5.0
    readings = bench.poll() + bench.run(31.0)
    assert events(readings).count(RESET) == 6
    resets = [index for index, event in enumerate(events(readings)) if event is RESET]
    assert all(events(readings)[index + 1] is INACTIVE for index in resets)


def test_lines_cut_in_two_are_read_all_the_same() -> None:
    bench = Bench()
    bench.simulated.faults.split_lines = True
    bench.line.chunk_bytes = 1
    assert changes(bench.poll() + bench.run(6.0)) == [INACTIVE, DISABLED, ENABLED]


def test_an_adapter_that_rebooted_is_started_anew() -> None:
    bench = Bench().enabled()
    bench.simulated.faults.wire.silent = True
    bench.simulated.reboot()
    with pytest.raises(NoAnswerError):
        bench.poll()
    bench.simulated.faults.wire.silent = False
    assert changes(bench.poll() + bench.run(6.0)) == [INACTIVE, DISABLED, ENABLED]


def test_one_lost_byte_does_not_start_the_mode_anew() -> None:
    bench = Bench().enabled()
    answer, lost = bench.simulated.answer, [b""]

    class Lossy:
        def answer(self, heard: bytes) -> bytes:
            return lost.pop() if lost else answer(heard)

    bench.line.replace([Lossy()])
    assert events(bench.poll()) == [ENABLED]
    assert bench.line.written.count(b"C,1\n") == 1


def test_the_mode_is_not_started_while_a_payment_is_under_way() -> None:
    bench = Bench().enabled()
    bench.simulated.faults.no_result = True
    bench.simulated.select("1.50", 7)
    bench.run(0.5)
    bench.device.approve_vend(150)
    bench.simulated.faults.wire.silent = True
    with pytest.raises(NoAnswerError):
        bench.poll()
    bench.simulated.faults.wire.silent = False
    bench.run(30.0)
    assert bench.line.written.count(b"C,1\n") == 1
    bench.run(RESULT_SECONDS_MAX)
    assert bench.line.written.count(b"C,1\n") == 2


class Babbler:
    """Something else on the port."""

    def answer(self, heard: bytes) -> bytes:
        return b"\xff\xfe ready\n" if heard else b""


def test_rubbish_and_an_unplugged_port_are_errors_of_their_own() -> None:
    bench = Bench(device=Babbler())
    with pytest.raises(BadFrameError):
        bench.poll()
    bench.line.plugged = False
    with pytest.raises(PortGoneError):
        bench.poll()


def test_a_slave_approves_what_the_machine_asks_for() -> None:
    bench = Bench().enabled()
    bench.simulated.select("1.50", 7)
    (asked,) = bench.run(0.5)
    assert (asked.event, asked.amount_minor, asked.detail) == (
        PaymentEvent.SESSION,
        150,
        "STATUS,VEND,1.50,7",
    )
    bench.device.approve_vend(150)
    assert bench.line.written[-1] == b"C,VEND,1.50\n"
    assert changes(bench.run(3.0)) == [PaymentEvent.VENDED, PaymentEvent.SESSION, ENABLED]


def test_a_slave_denies_and_offers_credit() -> None:
    bench = Bench().enabled()
    bench.device.start_session(2_000)
    assert bench.line.written[-1] == b"C,START,20.00\n"
    assert [(row.event, row.amount_minor) for row in bench.heard()] == [
        (PaymentEvent.SESSION, 2_000)
    ]
    bench.device.end_session()
    assert changes(bench.heard()) == [PaymentEvent.SESSION, ENABLED]
    with pytest.raises(DeviceRefusedError, match="STOP -3"):
        bench.device.end_session()


def test_goods_that_did_not_come_are_an_error_of_the_machine() -> None:
    bench = Bench().enabled()
    bench.simulated.faults.dispense_fails = True
    bench.simulated.select("1.50", 7)
    bench.run(0.5)
    bench.device.approve_vend(150)
    failed = [row for row in bench.run(3.0) if row.event is PaymentEvent.ERROR]
    assert [row.detail for row in failed] == ["ERR,VEND 3"]


def test_a_vend_without_result_becomes_an_error_within_its_time() -> None:
    bench = Bench().enabled()
    bench.simulated.faults.no_result = True
    bench.simulated.select("1.50", 7)
    bench.run(0.5)
    bench.device.approve_vend(150)
    readings = bench.run(RESULT_SECONDS_MAX + 10.0)
    failed = [row for row in readings if row.event is PaymentEvent.ERROR]
    assert [row.detail for row in failed] == ["no vend result within 120 s"]


def test_a_session_that_ends_without_result_is_an_error_at_once() -> None:
    """Session end is answered differently by each maker: some never say SUCCESS."""
    bench = Bench().enabled()
    bench.simulated.faults.no_result = True
    bench.simulated.select("1.50", 7)
    bench.run(0.5)
    bench.device.approve_vend(150)
    bench.simulated.say("c,STATUS,ENABLED")
    failed = [row for row in bench.run(1.0) if row.event is PaymentEvent.ERROR]
    assert [row.detail for row in failed] == ["no vend result before enabled"]
    assert PaymentEvent.ERROR not in events(bench.run(RESULT_SECONDS_MAX + 10.0))


def test_a_command_at_the_wrong_time_is_refused_and_leaves_nothing_pending() -> None:
    bench = Bench().enabled()
    with pytest.raises(DeviceRefusedError, match="VEND -3"):
        bench.device.approve_vend(150)
    bench.heard()
    assert PaymentEvent.ERROR not in events(bench.run(RESULT_SECONDS_MAX + 10.0))


def test_a_master_brings_its_reader_up_and_enables_it() -> None:
    bench = Bench("cashless_master")
    readings = bench.poll() + bench.run(11.0)
    assert changes(readings) == [RESET, INACTIVE, DISABLED, ENABLED]
    assert b"D,2\n" in bench.line.written
    assert b"D,READER,1\n" in bench.line.written


def test_a_master_without_a_reader_tells_that_nobody_is_there() -> None:
    bench = Bench("cashless_master")
    bench.simulated.faults.no_reader = True
    readings = bench.poll() + bench.run(31.0)
    assert changes(readings) == [RESET, INACTIVE]
    assert events(readings).count(RESET) == 1, "the state RESET, asked for, is no reset"


def test_a_master_that_runs_already_is_taken_over() -> None:
    bench = Bench("cashless_master")
    bench.simulated.answer(b"D,2\n")
    assert changes(bench.poll() + bench.run(11.0))[-1] is ENABLED


def test_a_reader_approves_and_the_money_is_taken_or_given_back() -> None:
    bench = Bench("cashless_master").enabled()
    bench.device.request_vend(250, 7)
    assert bench.line.written[-1] == b"D,REQ,2.50,7\n"
    approved = [row for row in bench.run(4.0) if row.event is PaymentEvent.APPROVED]
    assert [row.amount_minor for row in approved] == [250]
    bench.device.end_vend(7, dispensed=True)
    bench.heard()
    bench.device.request_vend(250, 7)
    bench.run(4.0)
    bench.device.end_vend(7, dispensed=False)
    assert (bench.simulated.taken, bench.simulated.given_back) == (1, 1)


def test_a_state_heard_before_the_request_does_not_end_it() -> None:
    """D,STATUS of a poll may be answered while the next command is already on its way."""
    bench = Bench("cashless_master").enabled()
    bench.device.poll()
    bench.device.request_vend(250, 7)
    assert PaymentEvent.ERROR not in events(bench.heard() + bench.run(4.0))


def test_a_reader_denies() -> None:
    bench = Bench("cashless_master").enabled()
    bench.simulated.faults.denies = True
    bench.device.request_vend(250, 7)
    assert PaymentEvent.DENIED in events(bench.run(4.0))


def test_a_request_can_be_taken_back() -> None:
    bench = Bench("cashless_master").enabled()
    bench.device.request_vend(250, 7)
    bench.device.cancel_request()
    assert events(bench.run(4.0, polls=False)) == [PaymentEvent.SESSION, ENABLED]
    with pytest.raises(DeviceRefusedError, match="-1"):
        bench.device.end_vend(7, dispensed=True)


def test_commands_of_the_other_mode_and_absurd_amounts_are_our_own_mistakes() -> None:
    slave, master = Bench().device, Bench("cashless_master").device
    with pytest.raises(WrongModeError):
        slave.request_vend(100, 1)
    with pytest.raises(WrongModeError):
        master.approve_vend(100)
    for amount_minor in (0, -1, 100_000_000):
        with pytest.raises(AmountError):
            slave.start_session(amount_minor)


@pytest.mark.parametrize(
    ("device", "key"),
    [
        (DeviceSettings("r", "qibixx", options={"mode": "sniffer"}), "options.mode"),
        (DeviceSettings("r", "qibixx", options={"decimals": 5}), "options.decimals"),
        (DeviceSettings("r", "qibixx", 3), "address"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(device: DeviceSettings, key: str) -> None:
    with pytest.raises(DeviceSettingsError) as caught:
        build_bus(BusSettings("nowhere", [device]), ReadingQueue(), ManualClock(START))
    assert caught.value.key == key


def test_an_adapter_shares_its_port_with_nothing() -> None:
    two = [DeviceSettings("one", "qibixx"), DeviceSettings("two", "qibixx")]
    with pytest.raises(DeviceSettingsError, match="no other device"):
        build_bus(BusSettings("nowhere", two), ReadingQueue(), ManualClock(START))


def test_payment_health_comes_over_a_real_terminal_with_echo(tmp_path: Path) -> None:
    simulated = SimulatedQibixx(Chance.from_seed(1))
    settings = DeviceSettings("reader", "qibixx", part="till")
    with running_bus(simulated, settings, tmp_path, echo=True) as readings:
        wait_for(readings, PaymentReading, lambda row: row.event is ENABLED)
        simulated.select("1.00", 2)
        asked = wait_for(readings, PaymentReading, lambda row: row.event is PaymentEvent.SESSION)
    assert (asked.device, asked.part, asked.amount_minor) == ("reader", "till", 100)
