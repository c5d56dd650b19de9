"""A Carel ir33+ refrigeration controller, byte for byte (hardware reference 1.2).

Numbers as printed in the manual's table, moved by `base` as the unit may count from 1.
"""

from edge_agent.drivers.modbus.frames import Function
from edge_agent.seed import Chance
from simulators.devices.modbus_slave import ModbusSlave, Table
from simulators.devices.refrigeration import Refrigeration, RefrigerationFaults
from simulators.devices.thermal import ThermalCurve

VIRTUAL_PROBE = 3
PROBES = (4, 5, 6, 7)
SET_POINT = 40  # our choice: the printed table has none; the driver is told the number
COILS = 62
PROBE_OPEN_TENTHS = -550  # [I] below the controller's range of -50 C
EVAPORATOR_COLDER_TENTHS = 60


class SimulatedCarelIr33:
    """The controller; what it controls is `cooling`. Safe for bus and people's threads."""

    def __init__(
        self,
        chance: Chance,
        *,
        address: int = 1,
        base: int = 0,
        curve: ThermalCurve | None = None,
    ) -> None:
        self.faults = RefrigerationFaults()
        self._base = base
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
            return self._moved(self._registers())
        if function is Function.READ_COILS:
            on = self._coils_on()
            return self._moved({number: int(number in on) for number in range(1, COILS + 1)})
        return None

    def _moved(self, table: Table) -> Table:
        return {number - self._base: value for number, value in table.items()}

    def _registers(self) -> Table:
        air = PROBE_OPEN_TENTHS if self.faults.probe_open else self.cooling.tenths
        evaporator = self.cooling.tenths - EVAPORATOR_COLDER_TENTHS
        probes = dict.fromkeys(PROBES, air) | {PROBES[1]: evaporator}
        return {VIRTUAL_PROBE: air, SET_POINT: self.cooling.set_point_tenths, **probes}

    def _coils_on(self) -> frozenset[int]:
        curve, faults = self.cooling.curve, self.faults
        states = {
            1: curve.compressor_on,
            2: curve.defrosting,
            3: not curve.defrosting,
            9: faults.probe_open,
            10: faults.probe_open,
            19: self.cooling.defrost_timed_out,
            23: faults.condenser_hot,
            24: faults.condenser_hot,
            25: self.cooling.door_open_too_long,
            31: curve.defrosting,
            37: self.cooling.door_open,
            62: True,
        }
        return frozenset(number for number, is_on in states.items() if is_on)
