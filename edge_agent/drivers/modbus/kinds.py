"""The kinds of devices on Modbus: one for each register profile."""

from collections.abc import Callable, Mapping

from edge_agent.clock import Clock
from edge_agent.drivers.kinds import DeviceKind
from edge_agent.drivers.line import Port
from edge_agent.drivers.modbus.driver import ModbusDevice
from edge_agent.drivers.modbus.frames import DEVICE_ADDRESS_MAX
from edge_agent.drivers.modbus.profiles import XY_MD02, Profile
from edge_agent.drivers.polled import PolledDevice, PolledTemperature
from edge_agent.drivers.temperature.driver import ModbusTemperatureProbe
from edge_agent.settings import DeviceSettings

ADDRESSES = range(1, DEVICE_ADDRESS_MAX + 1)


def _build_probe(profile: Profile) -> Callable[[DeviceSettings, Port, Clock], PolledDevice]:
    def build(settings: DeviceSettings, port: Port, clock: Clock) -> PolledDevice:
        device = ModbusDevice(
            port, clock, name=settings.name, address=settings.address, profile=profile
        )
        probe = ModbusTemperatureProbe(device)
        part = settings.part or settings.name
        return PolledTemperature(name=settings.name, probe=probe, part=part, clock=clock)

    return build


KINDS: Mapping[str, DeviceKind] = {
    "xy-md02": DeviceKind(XY_MD02.baud_rate, ADDRESSES, _build_probe(XY_MD02)),
}
