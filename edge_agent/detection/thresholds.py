"""Limits and durations of all rules, as data: profiles, and overrides from the desired state.

Defaults are the hardware reference's, 6.2; the food-safety profiles its 2.1. `demo` is `cn` with
every duration divided by 60 and every rate multiplied by it, on the real clock.
"""

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from edge_agent.detection.errors import (
    AbsurdThresholdError,
    UnknownProfileError,
    UnknownThresholdError,
)
from edge_agent.detection.moments import MOMENTS_MAX

DEMO_SPEED = 60
DURATION_SUFFIX = "_seconds"
RATE_SUFFIX = "_per_hour"


class Checkpoint(msgspec.Struct, frozen=True):
    """The air must be at or below this so long after the service door closed."""

    after_seconds: float
    limit_celsius: float


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """Every number the rules use. Names end in their unit."""

    door_open_seconds: float = 180.0
    door_open_critical_seconds: float = 900.0
    door_closed_seconds: float = 10.0

    temp_high_celsius: float = 5.0
    temp_high_hysteresis_celsius: float = 1.0
    temp_high_hold_seconds: float = 600.0
    temp_high_clear_seconds: float = 600.0
    temp_mean_seconds: float = 60.0
    """Time constant of the running mean; a door opened for a sale must not count."""

    hold_limit_celsius: float = 5.0
    hold_excess_seconds: float = 900.0
    hold_grace_seconds: float = 1_800.0
    hold_unknown_seconds: float = 1_800.0
    """No temperature known for this long, by a dead probe or a power cut, counts as too warm."""
    hold_checkpoints: tuple[Checkpoint, ...] = ()
    service_longest_seconds: float = 3_600.0

    temp_sensor_low_celsius: float = -39.9
    temp_sensor_high_celsius: float = 84.9
    temp_sensor_hold_seconds: float = 12.0
    temp_sensor_frozen_seconds: float = 7_200.0
    temp_sensor_clear_seconds: float = 600.0

    comm_failed_polls: int = 5
    comm_hold_seconds: float = 12.0
    """Five polls 3 s apart span 12 s, whatever the poll interval."""
    comm_good_polls: int = 3

    temp_low_celsius: float = 0.0
    temp_low_clear_celsius: float = 1.0
    temp_low_hold_seconds: float = 1_200.0
    temp_low_clear_seconds: float = 600.0
    temp_set_point_celsius: float = 3.0
    """Where the controller tells no set point of its own."""
    temp_trend_celsius_per_hour: float = 0.5
    temp_trend_window_seconds: float = 3_600.0
    temp_trend_clear_seconds: float = 3_600.0
    temp_probes_differ_celsius: float = 5.0
    temp_probes_differ_seconds: float = 600.0

    compressor_run_seconds: float = 4 * 3_600.0
    compressor_demand_celsius: float = 2.0
    compressor_demand_seconds: float = 1_800.0
    """Warmer than the set point by so much, so long, and the compressor off: it does not start."""
    compressor_starts: int = 10
    compressor_calm_starts: int = 6
    compressor_window_seconds: float = 3_600.0
    compressor_calm_seconds: float = 7_200.0
    condenser_episodes: int = 3
    condenser_window_seconds: float = 86_400.0

    door_unlock_seconds: float = 15.0
    """An opening this long after its pulse is still by it."""
    door_openings: int = 60
    door_openings_window_seconds: float = 3_600.0
    door_disagree_seconds: float = 60.0
    door_agree_seconds: float = 600.0
    door_edges: int = 20
    door_edges_window_seconds: float = 60.0
    lock_pulses: int = 3
    lock_pulse_seconds: float = 5.0
    latch_open_seconds: float = 20.0
    latch_closed_seconds: float = 10.0

    bus_errors_percent: float = 5.0
    bus_errors_window_seconds: float = 600.0
    bus_calm_percent: float = 1.0
    bus_calm_seconds: float = 1_800.0

    pay_offline_seconds: float = 300.0
    pay_enabled_seconds: float = 60.0
    pay_success_percent: float = 90.0
    pay_success_clear_percent: float = 95.0
    pay_tries: int = 50
    pay_resets: int = 5
    pay_resets_window_seconds: float = 600.0
    pay_resets_quiet_seconds: float = 1_800.0

    scale_drift_grams: float = 20.0
    scale_drift_seconds: float = 1_800.0
    scale_fail_seconds: float = 10.0
    scale_unstable_seconds: float = 60.0
    scale_good_seconds: float = 300.0

    mains_lost_seconds: float = 1.0
    mains_back_seconds: float = 30.0
    battery_bad_seconds: float = 60.0
    battery_good_seconds: float = 600.0
    tilt_seconds: float = 2.0

    flapping_episodes: int = 3
    flapping_window_seconds: float = 3_600.0


def hurried(thresholds: Thresholds, times: float) -> Thresholds:
    """Divide every duration by `times` and multiply every rate; limits stay."""
    durations = {
        name: getattr(thresholds, name) / times
        for name in thresholds.__struct_fields__
        if name.endswith(DURATION_SUFFIX)
    }
    rates = {
        name: getattr(thresholds, name) * times
        for name in thresholds.__struct_fields__
        if name.endswith(RATE_SUFFIX)
    }
    checkpoints = tuple(
        Checkpoint(checkpoint.after_seconds / times, checkpoint.limit_celsius)
        for checkpoint in thresholds.hold_checkpoints
    )
    replaced = {**durations, **rates}
    return msgspec.structs.replace(thresholds, hold_checkpoints=checkpoints, **replaced)


CN = Thresholds()
FDA = Thresholds(
    # FDA Food Code 4-204.111: above 5 C for at most 30 min, right after filling too.
    hold_excess_seconds=1_800.0,
    hold_checkpoints=(Checkpoint(1_800.0, 5.0),),
)
NAMA = Thresholds(
    # As AMS renders it: <= 45 F within 30 min of door close, <= 41 F within 45, then 15 min.
    hold_grace_seconds=2_700.0,
    hold_checkpoints=(Checkpoint(1_800.0, 7.2), Checkpoint(2_700.0, 5.0)),
)
PROFILES: Mapping[str, Thresholds] = {
    "cn": CN,
    "fda": FDA,
    "nama": NAMA,
    "demo": hurried(CN, DEMO_SPEED),
}

_DURATION = (0.05, 7 * 86_400.0)  # below a poll's fraction, above a week: a slip of the keyboard
_COUNT = (1, 1_000)
_COUNTED = (1, MOMENTS_MAX - 1)  # more could never be seen
_BOUNDS: Mapping[str, tuple[float, float]] = {
    "temp_high_celsius": (-30.0, 70.0),
    "temp_high_hysteresis_celsius": (0.1, 10.0),
    # 7.2 C (45 F) is the mildest law of the reference (Minnesota): a warmer hold protects nobody.
    "hold_limit_celsius": (-30.0, 7.2),
    # No milder than the rules of reference 2.1: 30 min of excess (FDA, 365), grace until the last
    # checkpoint of NAMA; 4 h unknown are FDA's time as a control (Food Code 3-501.19).
    "temp_mean_seconds": (_DURATION[0], 600.0),  # slower than the holds, it would hide all
    "hold_excess_seconds": (_DURATION[0], 1_800.0),
    "hold_grace_seconds": (_DURATION[0], 2_700.0),
    "hold_unknown_seconds": (_DURATION[0], 4 * 3_600.0),
    "service_longest_seconds": (_DURATION[0], 3_600.0),
    "compressor_starts": _COUNTED,
    "compressor_calm_starts": (1, MOMENTS_MAX // 2),
    "condenser_episodes": _COUNTED,
    "door_openings": _COUNTED,
    "door_edges": _COUNTED,
    "pay_resets": _COUNTED,
    "temp_low_celsius": (-40.0, 20.0),
    "temp_low_clear_celsius": (-40.0, 20.0),
    "temp_set_point_celsius": (-40.0, 20.0),
    "temp_trend_celsius_per_hour": (0.01, 10.0 * DEMO_SPEED),
    "temp_probes_differ_celsius": (0.5, 30.0),
    "compressor_demand_celsius": (0.5, 20.0),
    "bus_errors_percent": (0.1, 100.0),
    "bus_calm_percent": (0.1, 100.0),
    "pay_success_percent": (1.0, 100.0),
    "pay_success_clear_percent": (1.0, 100.0),
    "scale_drift_grams": (1.0, 1_000.0),
    "temp_sensor_low_celsius": (-273.0, 0.0),
    "temp_sensor_high_celsius": (30.0, 200.0),
}


def thresholds_for(profile: str, overrides: Mapping[str, float] | None = None) -> Thresholds:
    """Return a profile with some numbers replaced, or change nothing and raise.

    Raises UnknownProfileError, UnknownThresholdError, AbsurdThresholdError, each naming its key.
    """
    if profile not in PROFILES:
        known = ", ".join(PROFILES)
        raise UnknownProfileError("profile", f"{profile!r} is none of {known}")
    replaced = {key: _checked(key, value) for key, value in (overrides or {}).items()}
    thresholds = msgspec.structs.replace(PROFILES[profile], **replaced)
    if thresholds.door_open_critical_seconds < thresholds.door_open_seconds:
        raise AbsurdThresholdError(
            "door_open_critical_seconds", "is shorter than door_open_seconds"
        )
    return thresholds


def _checked(key: str, value: Any) -> float:
    if key not in Thresholds.__struct_fields__ or key == "hold_checkpoints":
        raise UnknownThresholdError(key, "is not known")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise AbsurdThresholdError(key, f"{value!r} is not a number")
    is_count = isinstance(getattr(CN, key), int)
    low, high = _BOUNDS.get(key, _COUNT if is_count else _DURATION)
    if not low <= value <= high:
        raise AbsurdThresholdError(key, f"{value} is not within {low} to {high}")
    if is_count and value != int(value):
        raise AbsurdThresholdError(key, f"{value} is not a whole number")
    return int(value) if is_count else float(value)
