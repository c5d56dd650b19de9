"""Settings of devices -> buses ready to start; the table of device kinds.

Another lock board or probe is another row in `KINDS`; the rest of the agent does not change.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from edge_agent.clock import Clock
from edge_agent.drivers.bus import POLL_SECONDS_DEFAULT, Bus
from edge_agent.drivers.errors import DeviceSettingsError
from edge_agent.drivers.line import Line
from edge_agent.drivers.lock_board.cu16 import driver as cu16
from edge_agent.drivers.lock_board.cu16 import frames as cu16_frames
from edge_agent.drivers.modbus.driver import ModbusDevice
from edge_agent.drivers.modbus.frames import DEVICE_ADDRESS_MAX
from edge_agent.drivers.modbus.profiles import XY_MD02, Profile
from edge_agent.drivers.polled import PolledDevice, PolledLockBoard, PolledTemperature
from edge_agent.drivers.reading_queue import ReadingQueue
from edge_agent.drivers.serial_port import SerialPort
from edge_agent.drivers.temperature.driver import ModbusTemperatureProbe


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """One device on a bus: `doors` (name -> lock number from 1) or the `part` it measures."""

    name: str
    kind: str
    address: int
    doors: Mapping[str, int] = field(default_factory=dict)
    part: str = ""


@dataclass(frozen=True, slots=True)
class BusSettings:
    """One serial port and what hangs on it."""

    port: str
    devices: Sequence[DeviceSettings]
    poll_seconds: float = POLL_SECONDS_DEFAULT


@dataclass(frozen=True, slots=True)
class DeviceKind:
    """How a kind of device is reached and built."""

    baud_rate: int
    addresses: range
    build: Callable[[DeviceSettings, Line, Clock], PolledDevice]


def build_bus(settings: BusSettings, readings: ReadingQueue, clock: Clock) -> Bus:
    """Build a bus; nothing is opened before it starts. Raises DeviceSettingsError."""
    kinds = [_kind_of(device) for device in settings.devices]
    port = SerialPort(settings.port, _one_baud_rate(settings, kinds))
    pairs = zip(settings.devices, kinds, strict=True)
    devices = [kind.build(device, port, clock) for device, kind in pairs]
    return Bus(port, devices, readings, clock, poll_seconds=settings.poll_seconds)


def _kind_of(device: DeviceSettings) -> DeviceKind:
    kind = KINDS.get(device.kind)
    if kind is None:
        reason = f"unknown kind {device.kind!r}; known: {', '.join(sorted(KINDS))}"
        raise DeviceSettingsError(device=device.name, key="kind", reason=reason)
    if device.address not in kind.addresses:
        low, high = kind.addresses[0], kind.addresses[-1]
        reason = f"{device.address} is not within {low} to {high}"
        raise DeviceSettingsError(device=device.name, key="address", reason=reason)
    return kind


def _one_baud_rate(settings: BusSettings, kinds: Sequence[DeviceKind]) -> int:
    rates = {kind.baud_rate for kind in kinds}
    if len(rates) != 1:
        reason = f"devices of one port need one baud rate, found {sorted(rates)}"
        raise DeviceSettingsError(device=settings.port, key="devices", reason=reason)
    return rates.pop()


def _build_cu16(settings: DeviceSettings, line: Line, clock: Clock) -> PolledDevice:
    board = cu16.Cu16Board(line, clock, name=settings.name, board=settings.address)
    return PolledLockBoard(name=settings.name, board=board, doors=settings.doors, clock=clock)


def _build_probe(
    profile: Profile,
) -> Callable[[DeviceSettings, Line, Clock], PolledDevice]:
    def build(settings: DeviceSettings, line: Line, clock: Clock) -> PolledDevice:
        device = ModbusDevice(
            line, clock, name=settings.name, address=settings.address, profile=profile
        )
        probe = ModbusTemperatureProbe(device)
        part = settings.part or settings.name
        return PolledTemperature(name=settings.name, probe=probe, part=part, clock=clock)

    return build


KINDS: Mapping[str, DeviceKind] = {
    "cu16": DeviceKind(cu16.BAUD_RATE, range(cu16_frames.BOARDS), _build_cu16),
    "xy-md02": DeviceKind(
        XY_MD02.baud_rate, range(1, DEVICE_ADDRESS_MAX + 1), _build_probe(XY_MD02)
    ),
}
