"""Limits and durations of all rules, as data: profiles, and overrides from the desired state.

Defaults are the hardware reference's, 6.2; the food-safety profiles its 2.1. `demo` is `cn` with
every duration divided by 60, on the real clock.
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

DEMO_SPEED = 60
DURATION_SUFFIX = "_seconds"


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

    flapping_episodes: int = 3
    flapping_window_seconds: float = 3_600.0


def hurried(thresholds: Thresholds, times: float) -> Thresholds:
    """Divide every duration by `times`; limits stay."""
    durations = {
        name: getattr(thresholds, name) / times
        for name in thresholds.__struct_fields__
        if name.endswith(DURATION_SUFFIX)
    }
    checkpoints = tuple(
        Checkpoint(checkpoint.after_seconds / times, checkpoint.limit_celsius)
        for checkpoint in thresholds.hold_checkpoints
    )
    return msgspec.structs.replace(thresholds, hold_checkpoints=checkpoints, **durations)


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
_BOUNDS: Mapping[str, tuple[float, float]] = {
    "temp_high_celsius": (-30.0, 70.0),
    "temp_high_hysteresis_celsius": (0.1, 10.0),
    # 7.2 C (45 F) is the mildest law of the reference (Minnesota): a warmer hold protects nobody.
    "hold_limit_celsius": (-30.0, 7.2),
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
    is_count = key in {"comm_failed_polls", "comm_good_polls", "flapping_episodes"}
    low, high = _BOUNDS.get(key, _COUNT if is_count else _DURATION)
    if not low <= value <= high:
        raise AbsurdThresholdError(key, f"{value} is not within {low} to {high}")
    if is_count and value != int(value):
        raise AbsurdThresholdError(key, f"{value} is not a whole number")
    return int(value) if is_count else float(value)
