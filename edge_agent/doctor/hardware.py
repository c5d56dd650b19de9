"""Ask every device of the settings, and find those that answer elsewhere than they should.

The agent's own buses are used, stepped here instead of in their threads, so that what the doctor
says is what the agent would see. Nothing is ever moved: no pulse, no dispensing, no writing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import msgspec

from edge_agent.clock import Clock
from edge_agent.doctor import advice
from edge_agent.doctor.findings import Finding, fail, ok, warn
from edge_agent.drivers.build import build_bus, kind_named, known_kinds
from edge_agent.drivers.bus import Bus
from edge_agent.drivers.errors import DeviceSettingsError, PortGoneError
from edge_agent.drivers.kinds import open_serial
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.reading_queue import ReadingQueue
from edge_agent.drivers.readings import (
    BusReading,
    DeviceFailure,
    DoorReading,
    InputReading,
    PaymentReading,
    Reading,
    RefrigerationReading,
    TemperatureReading,
    WeightReading,
)
from edge_agent.settings import BusSettings, DeviceSettings
from protocol.rules import Notice

FAILURES_ENOUGH = 3
"""A device that failed so often in a row is not going to answer the fourth time."""
DEVICE_SECONDS_MAX = 20.0
"""For a bus of many devices; a report over DEX takes as long at most here."""
POLL_SECONDS = 0.2
READINGS_A_STEP = 500
SCAN_ADDRESSES = 8
"""Installers count from 0 or 1; more would take minutes."""
SCAN_BAUD_RATES = (9_600, 19_200, 115_200, 57_600, 38_400, 4_800)
SCAN_SECONDS_MAX = 120.0


@dataclass(frozen=True)
class Told:
    """What one device said."""

    readings: tuple[Reading, ...] = ()
    failure: DeviceFailure | None = None


def examine(settings: BusSettings, clock: Clock, *, elsewhere: bool = True) -> Iterator[Finding]:
    """Look at one bus and every device on it; `elsewhere`: seek those that do not answer."""
    try:
        readings = ReadingQueue(READINGS_A_STEP)
        bus = build_bus(settings, readings, clock, poll_seconds=POLL_SECONDS)
    except DeviceSettingsError as error:
        text = Notice(zh="配置不对：", en=str(error))
        yield fail(settings.port, text, Notice(zh="改配置文件。", en="Correct the settings."))
        return
    try:
        bus.open()
    except PortGoneError as error:
        yield _not_opening(error)
        return
    yield ok(settings.port, "端口已打开。", "the port opens.")
    told = _asked(bus, readings, settings, clock)
    bus.stop()
    for device in settings.devices:
        place = ""
        if elsewhere and not told[device.name].readings:
            place = _elsewhere(device, settings, clock)
        yield _finding(device, told[device.name], settings, place)


def _asked(
    bus: Bus, readings: ReadingQueue, settings: BusSettings, clock: Clock
) -> dict[str, Told]:
    told = {device.name: Told() for device in settings.devices}
    ends = clock.elapsed() + DEVICE_SECONDS_MAX
    while clock.elapsed() < ends and not all(_enough(one) for one in told.values()):
        bus.listen(bus.step())
        for reading in readings.take(READINGS_A_STEP):
            if isinstance(reading, BusReading):
                continue
            one = told[reading.device]
            if isinstance(reading, DeviceFailure):
                told[reading.device] = replace(one, failure=reading)
            else:
                told[reading.device] = replace(one, readings=(*one.readings, reading), failure=None)
    return told


def _enough(told: Told) -> bool:
    failure = told.failure
    return bool(told.readings) or (failure is not None and failure.consecutive >= FAILURES_ENOUGH)


def _finding(device: DeviceSettings, told: Told, settings: BusSettings, elsewhere: str) -> Finding:
    subject = f"{settings.port} {device.name} ({device.kind})"
    if told.readings:
        shown = shown_of(told.readings)
        return ok(subject, "正常。", f"answers: {shown}")
    if told.failure is None:
        text = Notice(zh="没有任何信号。", en="nothing was heard of it.")
        return fail(subject, text, advice.NO_ANSWER)
    text = Notice(zh="无法读取：", en=told.failure.detail)
    if elsewhere:
        fix = Notice(
            zh=f"在 {elsewhere} 有回应：改配置或改设备设置。",
            en=f"It answers at {elsewhere}: correct the settings, or the device.",
        )
        return fail(subject, text, fix)
    return fail(subject, text, advice.for_error(told.failure.error))


def shown_of(readings: tuple[Reading, ...]) -> str:
    """Readings in a few words."""
    doors = {row.door: row.state for row in readings if isinstance(row, DoorReading)}
    words = []
    if doors:
        open_doors = sorted(door for door, state in doors.items() if state is DoorState.OPEN)
        unknown = sum(state is DoorState.UNKNOWN for state in doors.values())
        words.append(f"{len(doors)} doors, open: {', '.join(open_doors) or 'none'}")
        words += [f"{unknown} not readable"] if unknown else []
    for row in readings:
        word = _word_of(row)
        if word and word not in words:
            words.append(word)
    return "; ".join(words[:6]) or type(readings[0]).__name__


def _word_of(row: Reading) -> str:
    if isinstance(row, TemperatureReading):
        return f"{row.part} {row.celsius:.1f} C"
    if isinstance(row, RefrigerationReading):
        alarms = ", ".join(sorted(row.alarms)) or "no alarm"
        return f"compressor {'on' if row.compressor_on else 'off'}, {alarms}"
    if isinstance(row, WeightReading):
        shown = "no weight" if row.grams is None else f"{row.grams:.0f} g"
        return f"{row.part} {shown}"
    if isinstance(row, InputReading):
        return f"{row.part} {row.role} {'yes' if row.active else 'no'}"
    return f"reader {row.event}" if isinstance(row, PaymentReading) else ""


def _elsewhere(device: DeviceSettings, settings: BusSettings, clock: Clock) -> str:
    """Where the same kind of device answers on this port, in words; empty if nowhere."""
    kind = kind_named(device.kind)
    if kind is None or kind.alone:
        return ""
    taken = {one.address for one in settings.devices}
    others = [address for address in kind.addresses[:SCAN_ADDRESSES] if address not in taken]
    rate = settings.baud_rate or kind.baud_rate
    places = [(address, rate) for address in others]
    places += [(device.address, other) for other in SCAN_BAUD_RATES if other != rate]
    for address, baud_rate in places:
        moved = msgspec.structs.replace(device, address=address)
        if _answers(settings.port, moved, baud_rate, clock):
            return f"address {address}, {baud_rate} baud"
    return ""


def _answers(port: str, device: DeviceSettings, baud_rate: int, clock: Clock) -> bool:
    readings = ReadingQueue(READINGS_A_STEP)
    settings = BusSettings(port, [device], baud_rate=baud_rate)
    bus = build_bus(settings, readings, clock, poll_seconds=POLL_SECONDS)
    try:
        bus.step()
        found = readings.take(READINGS_A_STEP)
        return any(not isinstance(row, DeviceFailure | BusReading) for row in found)
    finally:
        bus.stop()


def scan(
    port: str,
    clock: Clock,
    tell: Callable[[str], None],
    kinds: tuple[str, ...] = known_kinds(),
) -> Iterator[Finding]:
    """Find out what hangs on a port nobody described, asking as each of the kinds."""
    refused = _refused_port(port)
    if refused is not None:
        yield refused
        return
    ends = clock.elapsed() + SCAN_SECONDS_MAX
    found = 0
    for name in kinds:
        kind = kind_named(name)
        if kind is None or kind.alone or kind.port is not open_serial:
            continue
        tell(f"{port}: {name}")
        for address in kind.addresses[:SCAN_ADDRESSES]:
            if clock.elapsed() > ends:
                text = Notice(zh="时间到。", en="the time for scanning is over.")
                yield warn(port, text, Notice(zh="可再次运行。", en="Run it again."))
                return
            device = _described(name, address)
            try:
                answers = _answers(port, device, kind.baud_rate, clock)
            except DeviceSettingsError:
                continue  # this kind needs options that nobody gave
            if answers:
                found += 1
                yield ok(port, "发现设备：", f"{name} answers at address {address}")
    if not found:
        text = Notice(zh="没有设备回应。", en="no device answers here.")
        yield warn(port, text, advice.NO_ANSWER)


def _refused_port(port: str) -> Finding | None:
    """Say why a port does not open; None when it does."""
    line = open_serial(port, SCAN_BAUD_RATES[0])
    try:
        line.open()
    except PortGoneError as error:
        return _not_opening(error)
    line.close()
    return None


def _not_opening(error: PortGoneError) -> Finding:
    return fail(error.port, Notice("打不开：", error.reason), advice.for_port(error.reason))


def _described(kind: str, address: int) -> DeviceSettings:
    """Settings that let a kind be asked: one door, one shelf, one input of any name."""
    return DeviceSettings(
        kind, kind, address, doors={"1": 1}, part=kind, shelves={"1": 1}, options={}
    )
