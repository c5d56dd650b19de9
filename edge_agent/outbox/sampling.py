"""Which readings become samples: what changed, and a sign of life in between (P-8)."""

from dataclasses import dataclass, field

CHANGE_MIN = 0.5
"""Degrees or percent; the probes are exact to 0.3 degrees and 3 percent."""


@dataclass
class Sampling:
    """Remembers the last sample of each metric."""

    every_reading: bool
    last: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    def due(
        self, part: str, metric: str, value: float, *, elapsed: float, period_seconds: float
    ) -> bool:
        """Say whether to keep this reading, and remember it if so."""
        known = self.last.get((part, metric))
        keep = (
            self.every_reading
            or known is None
            or abs(value - known[0]) >= CHANGE_MIN
            or elapsed - known[1] >= period_seconds
        )
        if keep:
            self.last[part, metric] = (value, elapsed)
        return keep
