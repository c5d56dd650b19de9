"""A line to devices as the drivers see it, and the one way to ask on it.

Drivers take a `Line`, not a serial port, so that they run against simulated devices without
bytes crossing a kernel, and so that several devices share one bus.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from edge_agent.clock import Clock
from edge_agent.drivers.errors import BadFrameError, NoAnswerError

HEARD_BYTES_MAX = 1024  # four of the longest Modbus frames: more without an answer is noise
QUIET_SECONDS = (
    0.005  # 3.5 characters at 9600 baud are 4 ms (Modbus over serial line V1.02, 2.5.1.1)
)
QUIET_TRIES_MAX = 20  # a line that never falls quiet within 20 reads is asked all the same
BYTES_SHOWN_MAX = 32  # enough of a bad answer to recognise it in a log line

Answer = TypeVar("Answer")


class Line(Protocol):
    """Bytes to and from a bus."""

    @property
    def name(self) -> str:
        """The port's name, for errors and logs."""
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
    line.write(request)
    heard = bytearray()
    deadline = clock.elapsed() + answer_seconds
    while (left := deadline - clock.elapsed()) > 0 and len(heard) <= HEARD_BYTES_MAX:
        heard += line.read(left)
        if (answer := take(bytes(heard))) is not None:
            return answer
    if heard.replace(request, b"", 1):
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
