"""What a temperature probe says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TemperatureSample:
    """Air temperature, and relative humidity if the probe measures it; raw, not yet judged.

    An open or broken probe gives values no air has; detection (TEMP_SENSOR) judges that.
    """

    celsius: float
    humidity_percent: float | None = None
