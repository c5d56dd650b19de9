"""The kinds of devices on Modbus and their options; docs/hardware explains each option."""

from collections.abc import Callable, Mapping

from edge_agent.clock import Clock
from edge_agent.drivers.errors import DeviceSettingsError
from edge_agent.drivers.kinds import DeviceKind, Option
from edge_agent.drivers.line import Port
from edge_agent.drivers.modbus.driver import ModbusDevice
from edge_agent.drivers.modbus.frames import DEVICE_ADDRESS_MAX
from edge_agent.drivers.modbus.profile import Profile
from edge_agent.drivers.modbus.profiles import XY_MD02
from edge_agent.drivers.polled import PolledDevice, PolledTemperature
from edge_agent.drivers.temperature.controllers import (
    CAREL_PROBES,
    DIXELL_OUTPUTS,
    DIXELL_PROBES,
    STATUS_BITS,
    TENTHS,
    Controller,
    carel_ir33,
    dixell_xr,
)
from edge_agent.drivers.temperature.driver import ModbusTemperatureProbe
from edge_agent.drivers.temperature.refrigeration import PolledRefrigeration
from edge_agent.settings import DeviceSettings

ADDRESSES = range(1, DEVICE_ADDRESS_MAX + 1)
ADDRESS_HIGHEST = 0xFFFF  # of a register or coil on the wire

Build = Callable[[DeviceSettings, Port, Clock], PolledDevice]


class _Options:
    """Options of one device with its kind's defaults filled in."""

    def __init__(self, settings: DeviceSettings) -> None:
        self._device = settings.name
        self._values: dict[str, Option] = {**KINDS[settings.kind].options, **settings.options}

    def whole(self, key: str, allowed: range) -> int:
        """A whole number within a range. Raises DeviceSettingsError."""
        value = int(self._values[key])
        if value not in allowed:
            raise self.refused(key, f"{value} is not within {allowed[0]} to {allowed[-1]}")
        return value

    def number(self, key: str) -> float:
        """A number."""
        return float(self._values[key])

    def text(self, key: str) -> str:
        """A word."""
        return str(self._values[key])

    def refused(self, key: str, reason: str) -> DeviceSettingsError:
        """The error for an option that cannot be."""
        return DeviceSettingsError(device=self._device, key=f"options.{key}", reason=reason)


def _device(settings: DeviceSettings, port: Port, clock: Clock, profile: Profile) -> ModbusDevice:
    address = settings.address
    return ModbusDevice(port, clock, name=settings.name, address=address, profile=profile)


def _build_xy_md02(settings: DeviceSettings, port: Port, clock: Clock) -> PolledDevice:
    probe = ModbusTemperatureProbe(_device(settings, port, clock, XY_MD02))
    part = settings.part or settings.name
    return PolledTemperature(name=settings.name, probe=probe, part=part, clock=clock)


def _build_controller(table: Callable[[_Options], Controller]) -> Build:
    def build(settings: DeviceSettings, port: Port, clock: Clock) -> PolledDevice:
        controller = table(_Options(settings))
        return PolledRefrigeration(
            name=settings.name,
            device=_device(settings, port, clock, controller.profile),
            part=settings.part or settings.name,
            alarms=controller.alarms,
            clock=clock,
            door=str(settings.options.get("door", "")),
        )

    return build


def _carel(options: _Options) -> Controller:
    return carel_ir33(
        base=options.whole("base", range(2)),
        probe=options.whole("probe", CAREL_PROBES),
        set_point_register=options.whole("set_point_register", range(ADDRESS_HIGHEST + 1)),
    )


def _dixell(options: _Options) -> Controller:
    outputs = range(DIXELL_OUTPUTS[-1] + 1)
    return dixell_xr(
        probe=options.whole("probe", DIXELL_PROBES),
        compressor_output=options.whole("compressor_output", outputs),
        defrost_output=options.whole("defrost_output", outputs),
        defrost_status_bit=options.whole("defrost_status_bit", range(-1, STATUS_BITS)),
        set_point_scale=options.number("set_point_scale"),
    )


KINDS: Mapping[str, DeviceKind] = {
    "xy-md02": DeviceKind(XY_MD02.baud_rate, ADDRESSES, _build_xy_md02),
    "carel-ir33": DeviceKind(
        carel_ir33().profile.baud_rate,
        ADDRESSES,
        _build_controller(_carel),
        options={"base": 0, "probe": 0, "set_point_register": 0, "door": ""},
    ),
    "dixell-xr": DeviceKind(
        dixell_xr().profile.baud_rate,
        ADDRESSES,
        _build_controller(_dixell),
        options={
            "probe": 1,
            "compressor_output": 1,
            "defrost_output": 2,
            "defrost_status_bit": -1,
            "set_point_scale": TENTHS,
        },
    ),
}
