"""Send an opening pulse and take the board's word on it, if it has one.

Apart from `ask`, because here nothing heard is no failure: some firmware does not answer an
unlock, and what left the port may have opened the door. Only the board's own "no" is one.
"""

from collections.abc import Callable
from typing import TypeVar

from edge_agent.clock import Clock
from edge_agent.drivers.errors import PortGoneError
from edge_agent.drivers.line import HEARD_BYTES_MAX, Line, wait_for_quiet

Answer = TypeVar("Answer")


def send_pulse(
    line: Line,
    clock: Clock,
    request: bytes,
    take: Callable[[bytes], Answer | None],
    *,
    answer_seconds: float,
) -> Answer | None:
    """Send `request`; return what `take` finds within the time, None when it finds nothing.

    Raises PortGoneError only while the bytes were not handed to the port: a port that goes after
    that may have taken the pulse with it, so it is an answer that never came.
    """
    wait_for_quiet(line)
    line.write(request)
    heard = bytearray()
    deadline = clock.elapsed() + answer_seconds
    while (left := deadline - clock.elapsed()) > 0 and len(heard) <= HEARD_BYTES_MAX:
        try:
            heard += line.read(left)
        except PortGoneError:
            return None  # the next poll meets the same and reports it
        if (answer := take(bytes(heard))) is not None:
            return answer
    return None
