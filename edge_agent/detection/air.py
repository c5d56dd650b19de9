"""The air of one compartment: its running mean, from readings that can be true.

A value outside the probe's range says nothing of the air; TEMP_SENSOR deals with it.
"""

import math

import msgspec

from edge_agent.detection.streaks import READING_GAP_SECONDS
from edge_agent.detection.thresholds import Thresholds
from edge_agent.drivers.readings import TemperatureReading


class Air(msgspec.Struct, frozen=True):
    """Mean temperature, and elapsed seconds of the reading it was last moved by."""

    mean_celsius: float
    seen_at: float


def is_plausible(reading: TemperatureReading, thresholds: Thresholds) -> bool:
    """Say whether air can have this temperature; a rail value cannot."""
    low, high = thresholds.temp_sensor_low_celsius, thresholds.temp_sensor_high_celsius
    return low < reading.celsius < high


def air_after(air: Air | None, reading: TemperatureReading, thresholds: Thresholds) -> Air:
    """Move the mean by a plausible reading; after a gap it starts anew."""
    at = reading.at_elapsed
    if air is None or at - air.seen_at > READING_GAP_SECONDS:
        return Air(reading.celsius, at)
    share = 1 - math.exp(-max(0.0, at - air.seen_at) / thresholds.temp_mean_seconds)
    return Air(air.mean_celsius + (reading.celsius - air.mean_celsius) * share, at)
