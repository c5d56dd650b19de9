"""Presets of service policies, read once. A version that something pinned is never changed."""

from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

import msgspec

from fleet_server.service_levels.errors import PolicyError
from fleet_server.service_levels.rules import Policy, checked, scaled

DEMO_FACTOR = 1 / 60
"""The demo runs in real time; its durations are those of `strict`, an hour for a minute."""

DEFAULT = "strict"


def _load() -> Mapping[str, Policy]:
    found = [
        checked(msgspec.json.decode(file.read_bytes(), type=Policy))
        for file in resources.files(__name__).iterdir()
        if file.name.endswith(".json")
    ]
    found += [scaled(policy, DEMO_FACTOR, "demo") for policy in found if policy.name == DEFAULT]
    return MappingProxyType({policy.reference: policy for policy in found})


PRESETS: Mapping[str, Policy] = _load()
"""By reference (`strict@1`)."""


def pinned(reference: str) -> Policy:
    """Policy a thing pinned; PolicyError when this version is not shipped any more."""
    policy = PRESETS.get(reference)
    if policy is None:
        raise PolicyError(reference, f"not among {sorted(PRESETS)}")
    return policy


def newest(name: str) -> Policy:
    """Newest version of a preset; PolicyError for an unknown name."""
    versions = [policy for policy in PRESETS.values() if policy.name == name]
    if not versions:
        raise PolicyError(name, f"not among {sorted({p.name for p in PRESETS.values()})}")
    return max(versions, key=lambda policy: policy.version)
