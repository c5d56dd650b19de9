"""A fake line at whose far end a device has time of its own: it repeats what is not answered."""

from typing import Protocol

from edge_agent.clock import ManualClock
from tests.edge_agent.drivers.fake_line import FakeLine

STEP_SECONDS = 0.02  # as often as the simulated bus ticks


class Ticking(Protocol):
    """What the line needs of a device at its far end."""

    def answer(self, heard: bytes) -> bytes: ...

    def tick(self, elapsed: float) -> bytes: ...


class TickingLine(FakeLine):
    """Waits in steps, and lets the device speak in between."""

    def __init__(self, device: Ticking, clock: ManualClock, *, echo: bool = False) -> None:
        super().__init__([device], clock, echo=echo)
        self._device = device

    def read(self, timeout_seconds: float) -> bytes:
        ends_at = self._clock.elapsed() + timeout_seconds
        while not self._waiting and (left := ends_at - self._clock.elapsed()) > 0:
            self._check()
            self._clock.advance(min(STEP_SECONDS, left))
            if not self.frozen:
                self.put(self._device.tick(self._clock.elapsed()))
        return super().read(0.0)
