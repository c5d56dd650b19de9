"""How the air in a cabinet warms and cools; pure, first order.

Enough physics for detection to meet the truth: a living compressor saws around its set point, a
dead one lets the air drift to ambient along an exponential, a defrost heater makes a warm bump
during which the compressor rests, and an open door lets the warmth in faster.
"""

import math
from dataclasses import dataclass

STEP_SECONDS_MAX = 5.0  # finer than any time constant in use; keeps the thermostat's saw tooth
STEPS_MAX = 10_000  # a jump of half a day is played in full, a longer one only approximately


@dataclass(slots=True)
class ThermalCurve:
    """State and constants of one compartment; `speed` makes its time run faster."""

    inside_celsius: float = 3.0
    ambient_celsius: float = 25.0
    set_point_celsius: float = 3.0
    band_celsius: float = 0.5
    warm_up_seconds: float = 3_600.0
    cooling_celsius_per_second: float = 0.02
    compressor_alive: bool = True
    cooling: bool = False
    speed: float = 1.0
    defrosting: bool = False
    defrost_celsius_per_second: float = 0.004
    door_open: bool = False
    door_factor: float = 8.0

    @property
    def compressor_on(self) -> bool:
        """Whether its relay is closed: a dead compressor is still switched on."""
        return self.cooling and not self.defrosting

    def advance(self, seconds: float) -> None:
        """Let `seconds` of the cabinet's time pass."""
        left = seconds * self.speed
        step = max(STEP_SECONDS_MAX, left / STEPS_MAX)
        while left > 0:
            self._step(min(step, left))
            left -= step

    def _step(self, seconds: float) -> None:
        gap = self.ambient_celsius - self.inside_celsius
        warm_up_seconds = self.warm_up_seconds / (self.door_factor if self.door_open else 1.0)
        self.inside_celsius += gap * (1 - math.exp(-seconds / warm_up_seconds))
        self._switch()
        if self.defrosting:
            self.inside_celsius += self.defrost_celsius_per_second * seconds
        elif self.cooling and self.compressor_alive:
            self.inside_celsius -= self.cooling_celsius_per_second * seconds

    def _switch(self) -> None:
        if self.inside_celsius >= self.set_point_celsius + self.band_celsius:
            self.cooling = True
        elif self.inside_celsius <= self.set_point_celsius - self.band_celsius:
            self.cooling = False
