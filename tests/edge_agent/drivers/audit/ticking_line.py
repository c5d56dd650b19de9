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
    """Waits in steps, and lets the device speak in between.

    A device with a `baud_rate` of its own neither hears nor is heard at any other.
    """

    def __init__(self, device: Ticking, clock: ManualClock, *, echo: bool = False) -> None:
        super().__init__([device], clock, echo=echo)
        self.rates: list[int] = []
        self._device = device

    def set_baud_rate(self, baud_rate: int) -> None:
        super().set_baud_rate(baud_rate)
        self.rates.append(baud_rate)

    def write(self, data: bytes) -> None:
        if self._rates_agree():
            super().write(data)
            return
        self._check()
        self.written.append(data)

    def read(self, timeout_seconds: float) -> bytes:
        ends_at = self._clock.elapsed() + timeout_seconds
        while not self._waiting and (left := ends_at - self._clock.elapsed()) > 0:
            self._check()
            self._clock.advance(min(STEP_SECONDS, left))
            agree = self._rates_agree()
            spoken = self._device.tick(self._clock.elapsed())
            if agree and not self.frozen:
                self.put(spoken)
        return super().read(0.0)

    def _rates_agree(self) -> bool:
        return self.baud_rate == getattr(self._device, "baud_rate", self.baud_rate)
