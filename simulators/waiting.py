"""Wait for something to come true, with a bound and a reason when it does not."""

import time
from collections.abc import Callable
from typing import TypeVar

from edge_agent.clock import SystemClock
from simulators.errors import NotProvenError

LOOK_SECONDS = 0.1

T = TypeVar("T")


def wait_until(what: str, probe: Callable[[], T | None], within_seconds: float) -> T:
    """Return the first true answer of `probe`. Raises NotProvenError when none comes in time."""
    clock = SystemClock()
    ends = clock.elapsed() + within_seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if clock.elapsed() > ends:
            raise NotProvenError(what, f"did not come true within {within_seconds:g} s: {answer!r}")
        time.sleep(LOOK_SECONDS)
