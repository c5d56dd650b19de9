"""Which readings become samples: what changed, and a sign of life in between (P-8)."""

from edge_agent.drivers.readings import TemperatureReading
from edge_agent.outbox.telemetry import Telemetry

CHANGE_MIN = 0.5
"""Degrees or percent; the probes are exact to 0.3 degrees and 3 percent."""
DEFAULT_PERIOD_SECONDS = 300.0
"""edge-agent, numbers: on change or every 5 min, until the desired state says otherwise."""


class Sampling:
    """Remembers the last sample of each metric."""

    def __init__(self, telemetry: Telemetry, *, every_reading: bool) -> None:
        self._telemetry = telemetry
        self._every_reading = every_reading
        self._last: dict[tuple[str, str], tuple[float, float]] = {}

    def observe(self, reading: TemperatureReading, period_seconds: float) -> None:
        """Make samples of a reading where they are due."""
        self._take(reading, "temperature_celsius", reading.celsius, period_seconds)
        if reading.humidity_percent is not None:
            self._take(reading, "humidity_percent", reading.humidity_percent, period_seconds)

    def _take(
        self, reading: TemperatureReading, metric: str, value: float, period_seconds: float
    ) -> None:
        key, at = (reading.part, metric), reading.at_elapsed
        known = self._last.get(key)
        due = (
            known is None or abs(value - known[0]) >= CHANGE_MIN or at - known[1] >= period_seconds
        )
        if due or self._every_reading:
            self._last[key] = (value, at)
            self._telemetry.measure(reading.part, metric, value)
