"""The plain kinds of devices on Modbus, and what every kind on Modbus shares."""

from collections.abc import Mapping

from edge_agent.clock import Clock
from edge_agent.drivers.kinds import DeviceKind
from edge_agent.drivers.line import Port
from edge_agent.drivers.modbus.driver import ModbusDevice
from edge_agent.drivers.modbus.frames import DEVICE_ADDRESS_MAX
from edge_agent.drivers.modbus.profiles import XY_MD02
from edge_agent.drivers.polled import PolledDevice, PolledTemperature
from edge_agent.drivers.temperature.driver import ModbusTemperatureProbe
from edge_agent.settings import DeviceSettings

ADDRESSES = range(1, DEVICE_ADDRESS_MAX + 1)


def _build_xy_md02(settings: DeviceSettings, port: Port, clock: Clock) -> PolledDevice:
    name, address = settings.name, settings.address
    device = ModbusDevice(port, clock, name=name, address=address, profile=XY_MD02)
    part = settings.part or name
    return PolledTemperature(
        name=name, probe=ModbusTemperatureProbe(device), part=part, clock=clock
    )


KINDS: Mapping[str, DeviceKind] = {
    "xy-md02": DeviceKind(XY_MD02.baud_rate, ADDRESSES, _build_xy_md02),
}
