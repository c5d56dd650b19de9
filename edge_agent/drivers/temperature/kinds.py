"""The kinds of refrigeration controllers; docs/hardware explains each option."""

from collections.abc import Callable, Mapping

from edge_agent.clock import Clock
from edge_agent.drivers.kinds import DeviceKind
from edge_agent.drivers.line import Port
from edge_agent.drivers.modbus.driver import ModbusDevice
from edge_agent.drivers.modbus.kinds import ADDRESSES
from edge_agent.drivers.options import Options
from edge_agent.drivers.polled import PolledDevice
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
from edge_agent.drivers.temperature.refrigeration import PolledRefrigeration
from edge_agent.settings import DeviceSettings

REGISTERS = range(0x1_0000)


def _build(
    table: Callable[[Options], Controller],
) -> Callable[[DeviceSettings, Port, Clock], PolledDevice]:
    def build(settings: DeviceSettings, port: Port, clock: Clock) -> PolledDevice:
        options = Options(settings, KINDS[settings.kind])
        controller = table(options)
        name, address = settings.name, settings.address
        return PolledRefrigeration(
            name=name,
            device=ModbusDevice(
                port, clock, name=name, address=address, profile=controller.profile
            ),
            part=settings.part or name,
            alarms=controller.alarms,
            clock=clock,
            door=options.text("door"),
        )

    return build


def _carel(options: Options) -> Controller:
    return carel_ir33(
        base=options.whole("base", range(2)),
        probe=options.whole("probe", CAREL_PROBES),
        set_point_register=options.whole("set_point_register", REGISTERS),
    )


def _dixell(options: Options) -> Controller:
    outputs = range(DIXELL_OUTPUTS[-1] + 1)
    return dixell_xr(
        probe=options.whole("probe", DIXELL_PROBES),
        compressor_output=options.whole("compressor_output", outputs),
        defrost_output=options.whole("defrost_output", outputs),
        defrost_status_bit=options.whole("defrost_status_bit", range(-1, STATUS_BITS)),
        set_point_scale=options.number("set_point_scale"),
    )


KINDS: Mapping[str, DeviceKind] = {
    "carel-ir33": DeviceKind(
        carel_ir33().profile.baud_rate,
        ADDRESSES,
        _build(_carel),
        options={"base": 0, "probe": 0, "set_point_register": 0, "door": ""},
    ),
    "dixell-xr": DeviceKind(
        dixell_xr().profile.baud_rate,
        ADDRESSES,
        _build(_dixell),
        options={
            "probe": 1,
            "compressor_output": 1,
            "defrost_output": 2,
            "defrost_status_bit": -1,
            "set_point_scale": TENTHS,
        },
    ),
}
