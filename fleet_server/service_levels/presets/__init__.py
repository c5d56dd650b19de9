"""Presets of service policies and calendars, read once. A version that something pinned stays."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import TypeVar

import msgspec

from fleet_server.service_levels import calendars
from fleet_server.service_levels.calendars import Calendar
from fleet_server.service_levels.errors import CalendarError, PolicyError
from fleet_server.service_levels.rules import Policy, checked, scaled

DEMO_FACTOR = 1 / 60
"""The demo runs in real time; its durations are those of `strict`, an hour for a minute."""

DEFAULT = "strict"

DOCUMENTS_KEPT_MAX = 256
"""Decoded documents from the database that are kept: versions do not change, there are few."""

Document = TypeVar("Document", Policy, Calendar)


def _documents(folder: str) -> Iterator[bytes]:
    here = resources.files(__name__)
    files = (here / folder if folder else here).iterdir()
    return (file.read_bytes() for file in files if file.name.endswith(".json"))


def _load_calendars() -> Mapping[str, Calendar]:
    found = [
        calendars.checked(msgspec.json.decode(document, type=Calendar))
        for document in _documents("calendars")
    ]
    return MappingProxyType({calendar.reference: calendar for calendar in found})


CALENDARS: Mapping[str, Calendar] = _load_calendars()
"""Shipped calendars by reference (`cn-office@1`)."""


def _load() -> Mapping[str, Policy]:
    names = {calendar.name for calendar in CALENDARS.values()}
    found = [
        checked(msgspec.json.decode(document, type=Policy), names) for document in _documents("")
    ]
    found += [scaled(policy, DEMO_FACTOR, "demo") for policy in found if policy.name == DEFAULT]
    return MappingProxyType({policy.reference: policy for policy in found})


PRESETS: Mapping[str, Policy] = _load()
"""Shipped policies by reference (`strict@2`)."""


def newest(name: str) -> Policy:
    """Newest shipped version of a policy; PolicyError for an unknown name."""
    versions = [policy for policy in PRESETS.values() if policy.name == name]
    if not versions:
        raise PolicyError(name, f"not among {sorted({p.name for p in PRESETS.values()})}")
    return max(versions, key=lambda policy: policy.version)


def newest_calendar(name: str) -> Calendar:
    """Newest shipped version of a calendar; CalendarError for an unknown name."""
    versions = [calendar for calendar in CALENDARS.values() if calendar.name == name]
    if not versions:
        raise CalendarError(name, f"not among {sorted({c.name for c in CALENDARS.values()})}")
    return max(versions, key=lambda calendar: calendar.version)


@lru_cache(maxsize=DOCUMENTS_KEPT_MAX)
def decoded(document: str, kind: type[Document]) -> Document:
    """Document of the database; it was checked when it was published."""
    return msgspec.json.decode(document, type=kind)
