"""Thresholds: profiles as data, overrides checked key by key."""

import math

import msgspec
import pytest

from edge_agent.detection.errors import (
    AbsurdThresholdError,
    ThresholdError,
    UnknownProfileError,
    UnknownThresholdError,
)
from edge_agent.detection.thresholds import CN, PROFILES, Thresholds, thresholds_for


def test_the_default_numbers_are_those_of_the_reference() -> None:
    assert (CN.door_open_seconds, CN.door_open_critical_seconds) == (180, 900)
    assert (CN.hold_limit_celsius, CN.hold_excess_seconds, CN.hold_grace_seconds) == (5, 900, 1800)
    nama = [(row.after_seconds, row.limit_celsius) for row in PROFILES["nama"].hold_checkpoints]
    fda = [(row.after_seconds, row.limit_celsius) for row in PROFILES["fda"].hold_checkpoints]
    assert nama == [(1_800, 7.2), (2_700, 5.0)]
    assert fda == [(1_800, 5.0)]


def test_demo_is_cn_with_every_duration_divided_by_sixty() -> None:
    demo = PROFILES["demo"]
    for name in Thresholds.__struct_fields__:
        expected = getattr(CN, name)
        if name.endswith("_seconds"):
            expected /= 60
        elif name.endswith("_per_hour"):
            expected *= 60
        assert getattr(demo, name) == expected


def test_overrides_replace_single_numbers_of_a_profile() -> None:
    thresholds = thresholds_for("nama", {"hold_limit_celsius": 4, "comm_failed_polls": 7.0})
    assert thresholds == msgspec.structs.replace(
        PROFILES["nama"], hold_limit_celsius=4.0, comm_failed_polls=7
    )
    assert thresholds_for("cn") is not None


@pytest.mark.parametrize(
    ("overrides", "error"),
    [
        ({"hold_limit": 5.0}, UnknownThresholdError),
        ({"hold_checkpoints": 5.0}, UnknownThresholdError),
        ({"__class__": 5.0}, UnknownThresholdError),
        ({"hold_limit_celsius": 60.0}, AbsurdThresholdError),
        ({"hold_excess_seconds": 0}, AbsurdThresholdError),
        ({"hold_excess_seconds": -900}, AbsurdThresholdError),
        ({"hold_excess_seconds": 1e9}, AbsurdThresholdError),
        ({"hold_excess_seconds": math.nan}, AbsurdThresholdError),
        ({"hold_excess_seconds": math.inf}, AbsurdThresholdError),
        ({"hold_excess_seconds": True}, AbsurdThresholdError),
        ({"hold_excess_seconds": "900"}, AbsurdThresholdError),
        ({"comm_failed_polls": 2.5}, AbsurdThresholdError),
        ({"comm_failed_polls": 0}, AbsurdThresholdError),
        ({"door_open_critical_seconds": 60}, AbsurdThresholdError),
    ],
)
def test_an_unknown_or_absurd_threshold_is_refused_by_name(
    overrides: dict[str, float], error: type[ThresholdError]
) -> None:
    with pytest.raises(error) as caught:
        thresholds_for("cn", overrides)
    assert caught.value.key == next(iter(overrides))


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(UnknownProfileError):
        thresholds_for("moon")
