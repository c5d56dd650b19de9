"""Desired state of one cabinet: what it should be, with a version (protocol v1, P-15)."""

import math
from typing import Any

import msgspec

from protocol.errors import MalformedMessageError
from protocol.gtin import checked_gtin
from protocol.signatures import SignedKind
from protocol.wire import decode_json


class PlannedSlot(msgspec.Struct, frozen=True, omit_defaults=True):
    """One slot of the planogram: what belongs there, at which price."""

    slot: str
    gtin: str
    price_minor: int
    name_zh: str
    name_en: str
    capacity: int = 1
    par: int = 0
    perishable: bool = False
    chilled: bool = False
    returnable: bool = True
    near_expiry_days: int = 2
    sellable: bool = True
    unit_grams: float = 0.0
    """Weight of one piece, for shelves on scales; 0 where nothing is weighed."""
    tolerance_grams: float = 0.0
    """How far one piece may differ from it; 0 leaves it to the agent (3 %, at least 3 g)."""


class Desired(msgspec.Struct, frozen=True, omit_defaults=True):
    """Payload of the signed desired state. Durations are seconds, money minor units."""

    kind: SignedKind
    fleet: str
    cabinet: str
    version: int
    site: str
    region: str
    time_zone: str = "Asia/Shanghai"
    currency: str = "CNY"
    planogram: list[PlannedSlot] = []
    threshold_profile: str = "cn"
    thresholds: dict[str, float] = {}
    """Overrides of the profile by name."""
    lease_chilled_seconds: float = 86_400.0
    """Sale lease without contact, chilled goods (edge-agent, the gate)."""
    lease_other_seconds: float = 7 * 86_400.0
    service_pin_hash: str = ""
    """scrypt hash of the on-site PIN, empty when only work orders open the service side."""
    remote_release_allowed: bool = False
    telemetry_period_seconds: float = 300.0
    settings: dict[str, Any] = {}
    """Room for keys of a newer server; an agent reports those it does not know."""


NEAR_EXPIRY_DAYS_MAX = 3_650
"""Ten years: more is a slip, and a date plus it may be none."""


def read_desired(payload: str) -> Desired:
    """Payload text -> desired state whose fields agree; MalformedMessageError when not."""
    desired = decode_json(payload, Desired)
    if desired.version < 1:
        raise MalformedMessageError("versions start at 1")
    slots = [planned.slot for planned in desired.planogram]
    if len(set(slots)) != len(slots):
        raise MalformedMessageError("a slot is planned twice")
    for planned in desired.planogram:
        checked_gtin(planned.gtin)
        if planned.price_minor < 0 or planned.capacity < 0:
            raise MalformedMessageError(f"slot {planned.slot}: price and capacity are not negative")
        if not 0 <= planned.near_expiry_days <= NEAR_EXPIRY_DAYS_MAX:
            raise MalformedMessageError(
                f"slot {planned.slot}: near_expiry_days is 0 to {NEAR_EXPIRY_DAYS_MAX}"
            )
        weights = (planned.unit_grams, planned.tolerance_grams)
        if not all(math.isfinite(grams) and grams >= 0 for grams in weights):
            raise MalformedMessageError(f"slot {planned.slot}: weights are not negative")
    return desired
