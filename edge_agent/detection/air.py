"""The air of one compartment: its running mean, from readings that can be true.

Each probe has a mean of its own and all weigh the same, however their polls fall in time. A value
outside the probe's range says nothing of the air; TEMP_SENSOR deals with it.
"""

import math

import msgspec

from edge_agent.detection.streaks import READING_GAP_SECONDS
from edge_agent.detection.thresholds import Thresholds
from edge_agent.drivers.readings import TemperatureReading


class ProbeAir(msgspec.Struct, frozen=True):
    """Running mean of one probe."""

    mean_celsius: float
    seen_at: float


class Air(msgspec.Struct, frozen=True):
    """Mean of the probes seen lately, and elapsed seconds of the reading it was last moved by."""

    mean_celsius: float
    seen_at: float
    probes: dict[str, ProbeAir] = {}


def is_plausible(reading: TemperatureReading, thresholds: Thresholds) -> bool:
    """Say whether air can have this temperature; a rail value cannot."""
    low, high = thresholds.temp_sensor_low_celsius, thresholds.temp_sensor_high_celsius
    return low < reading.celsius < high


def air_after(air: Air | None, reading: TemperatureReading, thresholds: Thresholds) -> Air:
    """Move the mean by a plausible reading; after a gap a probe's mean starts anew."""
    at = reading.at_elapsed
    known = {} if air is None else air.probes
    probes = {
        name: probe for name, probe in known.items() if at - probe.seen_at <= READING_GAP_SECONDS
    }
    probes[reading.device] = _probe_after(probes.get(reading.device), reading, thresholds)
    mean = sum(probe.mean_celsius for probe in probes.values()) / len(probes)
    return Air(mean, at, probes)


def _probe_after(
    probe: ProbeAir | None, reading: TemperatureReading, thresholds: Thresholds
) -> ProbeAir:
    at = reading.at_elapsed
    if probe is None:
        return ProbeAir(reading.celsius, at)
    share = 1 - math.exp(-max(0.0, at - probe.seen_at) / thresholds.temp_mean_seconds)
    return ProbeAir(probe.mean_celsius + (reading.celsius - probe.mean_celsius) * share, at)
