"""A refrigeration controller as a device of a bus: air temperature and how the cooling stands."""

from collections.abc import Mapping

from edge_agent.clock import Clock
from edge_agent.drivers.modbus.driver import ModbusDevice
from edge_agent.drivers.polled import ReadOnlyDevice
from edge_agent.drivers.readings import (
    InputReading,
    InputRole,
    RefrigerationAlarm,
    RefrigerationReading,
    TemperatureReading,
)


class PolledRefrigeration(ReadOnlyDevice):
    """A controller and the compartment it cools; `door` names the door on its door switch."""

    kind = "refrigeration"

    def __init__(
        self,
        *,
        name: str,
        device: ModbusDevice,
        part: str,
        alarms: Mapping[str, RefrigerationAlarm],
        clock: Clock,
        door: str = "",
    ) -> None:
        self.name = name
        self.parts = (part, door) if door else (part,)
        self._device = device
        self._part = part
        self._alarms = tuple(alarms.items())
        self._clock = clock
        self._door = door

    def poll(self) -> tuple[TemperatureReading | RefrigerationReading | InputReading, ...]:
        """Read the controller once; all or nothing. Raises as ModbusDevice.read."""
        values = self._device.read()
        at = self._clock.elapsed()
        celsius = values["temperature_celsius"]
        cooling = RefrigerationReading(
            self.name,
            self._part,
            compressor_on=_flag(values, "compressor_on"),
            defrosting=_flag(values, "defrosting"),
            set_point_celsius=values.get("set_point_celsius"),
            alarms=frozenset(alarm for row, alarm in self._alarms if values[row]),
            at_elapsed=at,
        )
        air = TemperatureReading(self.name, self._part, celsius, None, at)
        if not self._door:
            return (air, cooling)
        is_closed = not values["door_open"]
        door = InputReading(self.name, self._door, InputRole.DOOR_CLOSED, is_closed, at)
        return (air, cooling, door)


def _flag(values: Mapping[str, float], row: str) -> bool | None:
    return bool(values[row]) if row in values else None
