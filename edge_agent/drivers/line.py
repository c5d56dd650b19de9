"""A line to devices as the drivers see it, and the one way to ask on it.

Drivers take a `Line`, not a serial port, so that they run against simulated devices without
bytes crossing a kernel, and so that several devices share one bus.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from edge_agent.clock import Clock
from edge_agent.drivers.errors import BadFrameError, NoAnswerError, PortGoneError

HEARD_BYTES_MAX = 1024  # four of the longest Modbus frames: more without an answer is noise
QUIET_SECONDS = (
    0.005  # 3.5 characters at 9600 baud are 4 ms (Modbus over serial line V1.02, 2.5.1.1)
)
QUIET_TRIES_MAX = 20  # a line that never falls quiet within 20 reads is asked all the same
BYTES_SHOWN_MAX = 32  # enough of a bad answer to recognise it in a log line

OVERHEARD_BYTES_MAX = 4_096  # a second of a full line at 38400 baud; the bus empties it each turn

Answer = TypeVar("Answer")


@dataclass(slots=True)
class AnswerCounts:
    """Questions asked on a line since the start, and how many got bytes without a valid frame."""

    asked: int = 0
    broken: int = 0


class Line(Protocol):
    """Bytes to and from a bus."""

    @property
    def name(self) -> str:
        """The port's name, for errors and logs."""
        ...

    @property
    def counts(self) -> AnswerCounts:
        """What `ask` counts on this line."""
        ...

    def write(self, data: bytes) -> None:
        """Hand all bytes to the port. Raises PortGoneError."""
        ...

    def read(self, timeout_seconds: float) -> bytes:
        """Return what has come, or wait for the first bytes; b"" after the time. Bounded.

        Raises PortGoneError.
        """
        ...


class RatedLine(Line, Protocol):
    """A line whose rate can be changed while it is open."""

    def set_baud_rate(self, baud_rate: int) -> None:
        """Go on at another rate until the port is opened anew. Raises PortGoneError."""
        ...


class Port(Line, Protocol):
    """A line that can be opened and closed again."""

    def open(self) -> None:
        """Open it if it is closed. Raises PortGoneError."""
        ...

    def close(self) -> None:
        """Close it if it is open; never raises for a port that is gone."""
        ...

    def set_baud_rate(self, baud_rate: int) -> None:
        """Go on at another rate until it is opened anew; a port without rates does nothing.

        Raises PortGoneError.
        """
        ...


class ListenedPort:
    """A port that keeps what is read from it, so that unasked words are heard whoever reads them.

    Several boards share a bus, and a report of one may come while another is asked. The bus hands
    the bytes on to every device, each byte once and in order.
    """

    def __init__(self, port: Port) -> None:
        self._port = port
        self._heard = bytearray()
        self._ended = False

    @property
    def name(self) -> str:
        """The port's name."""
        return self._port.name

    @property
    def counts(self) -> AnswerCounts:
        """The port's counts."""
        return self._port.counts

    def open(self) -> None:
        """Open the port. Raises PortGoneError."""
        self._port.open()

    def close(self) -> None:
        """Close the port; half a frame of before means nothing after it."""
        self._heard.clear()
        self._port.close()

    def end(self) -> None:
        """Have whoever talks now stop: every word from here on finds the port gone."""
        self._ended = True

    def set_baud_rate(self, baud_rate: int) -> None:
        """Change the port's rate. Raises PortGoneError."""
        self._port.set_baud_rate(baud_rate)

    def write(self, data: bytes) -> None:
        """Hand all bytes to the port. Raises PortGoneError."""
        self._check_open()
        self._port.write(data)

    def read(self, timeout_seconds: float) -> bytes:
        """Read from the port and keep what came. Raises PortGoneError."""
        self._check_open()
        data = self._port.read(timeout_seconds)
        self._heard += data
        del self._heard[:-OVERHEARD_BYTES_MAX]
        return data

    def _check_open(self) -> None:
        if self._ended:
            raise PortGoneError("the bus is being stopped", port=self.name)

    def take_heard(self) -> bytes:
        """Return what was read since the last call."""
        heard = bytes(self._heard)
        self._heard.clear()
        return heard


def ask(
    line: Line,
    clock: Clock,
    request: bytes,
    take: Callable[[bytes], Answer | None],
    *,
    device: str,
    command: str,
    answer_seconds: float,
) -> Answer:
    """Send `request`, listen until `take` finds its answer in all bytes heard so far.

    `take` is pure and gets everything heard since the request, with echo and rubbish.
    Raises NoAnswerError, BadFrameError (bytes, but no frame), PortGoneError, what `take` raises.
    """
    wait_for_quiet(line)
    line.counts.asked += 1
    line.write(request)
    heard = bytearray()
    deadline = clock.elapsed() + answer_seconds
    while (left := deadline - clock.elapsed()) > 0 and len(heard) <= HEARD_BYTES_MAX:
        heard += line.read(left)
        if (answer := take(bytes(heard))) is not None:
            return answer
    if heard.replace(request, b"", 1):
        line.counts.broken += 1
        shown = heard[:BYTES_SHOWN_MAX].hex(" ")
        reason = f"no valid frame in {len(heard)} bytes: {shown}"
        raise BadFrameError(reason, port=line.name, device=device, command=command)
    reason = f"no answer within {answer_seconds} s"
    raise NoAnswerError(reason, port=line.name, device=device, command=command)


def wait_for_quiet(line: Line) -> None:
    """Drop late and unasked bytes until the line is quiet, so that none passes for an answer."""
    for _ in range(QUIET_TRIES_MAX):
        if not line.read(QUIET_SECONDS):
            return
