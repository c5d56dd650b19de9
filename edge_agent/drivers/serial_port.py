"""The only importer of pyserial: a serial port that may be unplugged at any moment.

Reads use poll() and return what is there, so that a deadline is kept to the millisecond without
reconfiguring the port for each read. Every way an adapter can die (no such file, end of file,
I/O error, write that never drains) becomes one error, PortGoneError; the bus closes and reopens.
"""

import select
import termios

import serial

from edge_agent.drivers.errors import PortGoneError
from edge_agent.drivers.line import AnswerCounts

READ_BYTES_MAX = 256  # the longest Modbus frame (Modbus over serial line V1.02, 2.5.1)
WRITE_SECONDS_MAX = 1.0  # a frame of 9 bytes takes 10 ms at 9600 baud; a port this slow is frozen
MILLISECONDS = 1_000

_DEAD = (OSError, termios.error, ValueError)  # serial.SerialException is an OSError


class SerialPort:
    """One serial port, 8N1, opened for us alone. Not for several threads."""

    def __init__(self, path: str, baud_rate: int) -> None:
        self._path = path
        self._baud_rate = baud_rate
        self._serial: serial.Serial | None = None
        self.counts = AnswerCounts()

    @property
    def name(self) -> str:
        """The path it was given; a link is followed anew at each opening."""
        return self._path

    def open(self) -> None:
        """Open the port if it is closed. Raises PortGoneError."""
        if self._serial is not None:
            return
        try:
            self._serial = serial.Serial(
                self._path,
                self._baud_rate,
                timeout=0,
                write_timeout=WRITE_SECONDS_MAX,
                exclusive=True,  # two programs on one bus would answer for each other
            )
        except _DEAD as error:
            raise PortGoneError(f"cannot open: {error}", port=self._path) from error

    def close(self) -> None:
        """Close the port if it is open; a port that is gone closes too."""
        port, self._serial = self._serial, None
        if port is None:
            return
        try:
            port.close()
        except _DEAD:
            # The adapter vanished first: the kernel has freed what we wanted to give back.
            return

    def write(self, data: bytes) -> None:
        """Hand all bytes to the port. Raises PortGoneError."""
        port = self._opened()
        try:
            port.write(data)
        except _DEAD as error:
            raise PortGoneError(f"cannot write: {error}", port=self._path) from error

    def read(self, timeout_seconds: float) -> bytes:
        """Return up to READ_BYTES_MAX bytes, as soon as any are there; b"" after the time.

        Raises PortGoneError.
        """
        port = self._opened()
        try:
            waiter = select.poll()
            waiter.register(port.fileno(), select.POLLIN)
            if not waiter.poll(max(0.0, timeout_seconds) * MILLISECONDS):
                return b""
            return bytes(port.read(READ_BYTES_MAX))
        except _DEAD as error:
            raise PortGoneError(f"cannot read: {error}", port=self._path) from error

    def set_baud_rate(self, baud_rate: int) -> None:
        """Go on at another rate until the port is opened anew. Raises PortGoneError."""
        port = self._opened()
        try:
            port.baudrate = baud_rate
        except _DEAD as error:
            raise PortGoneError(f"cannot set {baud_rate} baud: {error}", port=self._path) from error

    def _opened(self) -> serial.Serial:
        if self._serial is None:
            raise PortGoneError("the port is closed", port=self._path)
        return self._serial
