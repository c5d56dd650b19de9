"""An XY-MD02 temperature and humidity probe, byte for byte (hardware reference 1.2).

What it shows is a set value or a thermal curve with a little noise, as a real probe's last digit
never stands still.
"""

from dataclasses import dataclass

from edge_agent.drivers.modbus.frames import DEVICE_ADDRESS_MAX, ExceptionCode, Function
from edge_agent.seed import Chance
from simulators.devices.modbus_slave import ModbusSlave, RefusedError, SlaveFaults, Table
from simulators.devices.thermal import ThermalCurve

INPUT_TEMPERATURE = 0x0001
INPUT_HUMIDITY = 0x0002
HOLDING_ADDRESS = 0x0101
HOLDING_BAUD = 0x0102
HOLDING_CORRECTIONS = (0x0103, 0x0104)
CORRECTION_TENTHS_MAX = 100
PROBE_OPEN_WORD = 0x8000  # below any rail: the reference names no value; detection asks for range
UNASKED_SECONDS = 1.0
UNASKED_TEXT = "{celsius:.1f}C,{humidity:.1f}%\r\n"
SIGN_BIT, WORDS = 0x8000, 0x1_0000


@dataclass(slots=True)
class XyMd02Faults(SlaveFaults):
    """Faults of the probe."""

    probe_open: bool = False
    ordinary_protocol: bool = False


class SimulatedXyMd02:
    """The probe. Safe to use from the bus thread and from people's threads."""

    def __init__(
        self,
        chance: Chance,
        *,
        address: int = 1,
        temperature_celsius: float = 3.0,
        humidity_percent: float = 55.0,
        curve: ThermalCurve | None = None,
        noise_celsius: float = 0.0,
    ) -> None:
        self.faults = XyMd02Faults()
        self.humidity_percent = humidity_percent
        self._temperature_celsius = temperature_celsius
        self._curve = curve
        self._noise_celsius = noise_celsius
        self._chance = chance
        self._holding = {HOLDING_ADDRESS: address, HOLDING_BAUD: 9_600}
        self._holding |= dict.fromkeys(HOLDING_CORRECTIONS, 0)
        self._slave = ModbusSlave(chance, address=address, show=self._show, write=self._write)
        self._slave.faults = self.faults
        self._elapsed: float | None = None
        self._unasked_at = 0.0

    @property
    def address(self) -> int:
        """Its address on the bus; register 0101 changes it."""
        return self._slave.address

    @property
    def temperature_celsius(self) -> float:
        """The true air temperature: the curve's if there is one, else what was set."""
        with self._slave.lock:
            return self._curve.inside_celsius if self._curve else self._temperature_celsius

    @temperature_celsius.setter
    def temperature_celsius(self, celsius: float) -> None:
        with self._slave.lock:
            self._temperature_celsius = celsius
            if self._curve:
                self._curve.inside_celsius = celsius

    def set_compressor(self, *, alive: bool) -> None:
        """Kill or repair the compressor behind the curve; without a curve it changes nothing."""
        with self._slave.lock:
            if self._curve:
                self._curve.compressor_alive = alive

    def tick(self, elapsed: float) -> bytes:
        """Let time pass; in ordinary-protocol mode the probe talks unasked."""
        with self._slave.lock:
            if self._elapsed is not None and self._curve:
                self._curve.advance(elapsed - self._elapsed)
            self._elapsed = elapsed
            if not self.faults.ordinary_protocol or elapsed - self._unasked_at < UNASKED_SECONDS:
                return b""
            self._unasked_at = elapsed
            celsius, humidity = self.temperature_celsius, self.humidity_percent
            return UNASKED_TEXT.format(celsius=celsius, humidity=humidity).encode()

    def answer(self, heard: bytes) -> bytes:
        """Answer the requests that these bytes complete."""
        return self._slave.answer(heard)

    def _show(self, function: Function) -> Table | None:
        if function is Function.READ_HOLDING:
            return self._holding
        if function is not Function.READ_INPUT:
            return None
        noise = self._chance.uniform(-self._noise_celsius, self._noise_celsius)
        of_temperature, of_humidity = (self._holding[row] for row in HOLDING_CORRECTIONS)
        temperature = of_temperature + round((self.temperature_celsius + noise) * 10)
        return {
            INPUT_TEMPERATURE: PROBE_OPEN_WORD if self.faults.probe_open else temperature,
            INPUT_HUMIDITY: of_humidity + round(self.humidity_percent * 10),
        }

    def _write(self, rows: Table) -> None:
        """Write side by side, all or nothing."""
        signed = {row: word - WORDS if word & SIGN_BIT else word for row, word in rows.items()}
        for register, value in signed.items():
            self._check_write(register, value)
        self._holding |= signed
        self._slave.address = self._holding[HOLDING_ADDRESS]

    def _check_write(self, register: int, value: int) -> None:
        if register not in self._holding:
            raise RefusedError(ExceptionCode.ILLEGAL_ADDRESS)
        if register in HOLDING_CORRECTIONS and abs(value) > CORRECTION_TENTHS_MAX:
            raise RefusedError(ExceptionCode.ILLEGAL_VALUE)
        if register == HOLDING_ADDRESS and not 1 <= value <= DEVICE_ADDRESS_MAX:
            raise RefusedError(ExceptionCode.ILLEGAL_VALUE)
