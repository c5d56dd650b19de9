"""A request on its way from an HTTP thread into the core and back; both waits are bounded."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

CALLS_MAX = 16
"""One screen, one technician, one scanner: more than this at once is a fault outside."""
ANSWER_SECONDS_MAX = 45.0
"""Longer than pulse, proof and the settling of a vend together."""


@dataclass(frozen=True)
class Answer:
    """Status and JSON body; `problem` chooses the media type."""

    status: int
    body: Any
    problem: bool = False


Pending = Callable[[], Answer | None]
"""A call that waits: asked at every step for its answer, until there is one."""


@dataclass
class Call:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    token: str
    _answered: threading.Event = field(default_factory=threading.Event)
    _answer: Answer | None = None

    def answer(self, answer: Answer) -> None:
        """Give the answer (core thread)."""
        self._answer = answer
        self._answered.set()

    def wait(self) -> Answer | None:
        """Wait for the answer (HTTP thread); None when it did not come in time."""
        self._answered.wait(ANSWER_SECONDS_MAX)
        return self._answer


class CallQueue:
    """Requests waiting for the core."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._calls: queue.Queue[Call] = queue.Queue(CALLS_MAX)
        self._wake = wake

    def put(self, call: Call) -> bool:
        """Queue a call; False when too many wait already."""
        try:
            self._calls.put_nowait(call)
        except queue.Full:
            return False
        self._wake()
        return True

    def take(self) -> list[Call]:
        """Take what waits."""
        return [self._calls.get_nowait() for _ in range(self._calls.qsize())]
