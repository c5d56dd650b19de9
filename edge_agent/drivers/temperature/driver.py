"""A temperature probe on Modbus: any profile that names `temperature_celsius`."""

from edge_agent.drivers.modbus.driver import ModbusDevice
from edge_agent.drivers.temperature.readings import TemperatureSample


class ModbusTemperatureProbe:
    """Reads a Modbus device as a temperature probe."""

    def __init__(self, device: ModbusDevice) -> None:
        self._device = device

    def read(self) -> TemperatureSample:
        """Return one sample. Raises as ModbusDevice.read."""
        values = self._device.read()
        return TemperatureSample(values["temperature_celsius"], values.get("humidity_percent"))
