"""Forged or foreign signatures as one fault that a flood cannot turn into a flood of events."""

from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.selling.faults import FaultBook

CODE = "SIGNATURE_REJECTED"
COUNT_EVERY_SECONDS = 600.0
"""At most one repeat in ten minutes per kind, whatever an attacker sends."""
CLEAR_AFTER_SECONDS = 86_400.0
"""Fault catalogue: 24 h without another."""


class Rejections:
    """When a signature of which kind was last refused."""

    def __init__(self, faults: FaultBook, time: Timekeeper) -> None:
        self._faults = faults
        self._time = time
        self._last: dict[str, float] = {
            episode.part: time.elapsed()
            for episode in faults.open_episodes()
            if episode.code == CODE
        }
        self._counted: dict[str, float] = {}

    def note(self, kind: str) -> None:
        """Count one refused signature."""
        elapsed = self._time.elapsed()
        self._last[kind] = elapsed
        counted = self._counted.get(kind)
        if counted is None or elapsed - counted >= COUNT_EVERY_SECONDS:
            self._counted[kind] = elapsed
            self._faults.notice_again(CODE, kind)

    def step(self) -> None:
        """Clear what stayed quiet."""
        elapsed = self._time.elapsed()
        for kind, last in list(self._last.items()):
            if elapsed - last >= CLEAR_AFTER_SECONDS:
                del self._last[kind]
                self._counted.pop(kind, None)
                self._faults.notice(CODE, kind, bad=False)
