"""A Dixell XR refrigeration controller, byte for byte (hardware reference 1.2).

Relays in the order compressor, defrost, fan, light. Its status word has one bit of our choice for
"defrosting", because no source lists the bits; the driver is told which.
"""

from edge_agent.drivers.modbus.frames import Function
from edge_agent.seed import Chance
from simulators.devices.modbus_slave import ModbusSlave, Table
from simulators.devices.refrigeration import Refrigeration, RefrigerationFaults
from simulators.devices.thermal import ThermalCurve

PROBES = (256, 257, 258)
SET_POINT = 272
STATUS = 300
OUTPUTS = (512, 513, 514, 515)
ALARM = 528
DEFROST_STATUS_BIT = 3
PROBE_OPEN_TENTHS = -550  # [I] below the controller's range of -50 C
EVAPORATOR_COLDER_TENTHS = 60


class SimulatedDixellXr:
    """The controller; what it controls is `cooling`. Safe for bus and people's threads."""

    def __init__(
        self, chance: Chance, *, address: int = 1, curve: ThermalCurve | None = None
    ) -> None:
        self.faults = RefrigerationFaults()
        self._slave = ModbusSlave(chance, address=address, show=self._show)
        self._slave.faults = self.faults
        self.cooling = Refrigeration(self._slave.lock, self.faults, curve or ThermalCurve())

    def tick(self, elapsed: float) -> bytes:
        """Let time pass; a slave never speaks unasked."""
        self.cooling.tick(elapsed)
        return b""

    def answer(self, heard: bytes) -> bytes:
        """Answer the requests that these bytes complete."""
        return self._slave.answer(heard)

    def _show(self, function: Function) -> Table | None:
        if function is Function.READ_HOLDING:
            return self._registers()
        return self._coils() if function is Function.READ_COILS else None

    def _registers(self) -> Table:
        air = PROBE_OPEN_TENTHS if self.faults.probe_open else self.cooling.tenths
        evaporator = self.cooling.tenths - EVAPORATOR_COLDER_TENTHS
        return {
            **dict(zip(PROBES, (air, evaporator, evaporator), strict=True)),
            SET_POINT: self.cooling.set_point_tenths,
            STATUS: int(self.cooling.curve.defrosting) << DEFROST_STATUS_BIT,
        }

    def _coils(self) -> Table:
        curve, faults = self.cooling.curve, self.faults
        relays = (curve.compressor_on, curve.defrosting, not curve.defrosting, True)
        alarms = (
            faults.probe_open,
            faults.condenser_hot,
            self.cooling.defrost_timed_out,
            self.cooling.door_open_too_long,
        )
        return {**dict(zip(OUTPUTS, map(int, relays), strict=True)), ALARM: int(any(alarms))}
