"""The fault catalogue: data in `fault_catalogue.json`, read once (hardware reference, 6.2).

Numbers in it are defaults; a cabinet's thresholds come with its desired state.
"""

from collections.abc import Mapping
from enum import StrEnum
from importlib import resources
from types import MappingProxyType

import msgspec


class Severity(StrEnum):
    """C stop sale now and page; M ticket with service level; N next visit; I record only."""

    C = "C"
    M = "M"
    N = "N"
    I = "I"  # noqa: E741  # the catalogue's own letter

    @property
    def rank(self) -> int:
        """0 is the most severe."""
        return list(Severity).index(self)


class TicketPolicy(StrEnum):
    """Whether an episode opens a ticket of its own (fleet-server, Faults -> tickets)."""

    BY_SEVERITY = "by_severity"
    RECALL_REMOVAL = "recall_removal"
    REFILL_CHECK = "refill_check"
    SITE = "site"


class FaultKind(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One row of the catalogue. Empty EVA codes mean: no code of EVA-DTS says this."""

    code: str
    eva: list[str]
    severity: Severity
    component: str
    skill: str
    title_zh: str
    title_en: str
    raised: str
    cleared: str
    severity_perishable: Severity | None = None
    severity_slot: Severity | None = None
    latched: bool = False
    detected_by: str = "cabinet"
    ticket: TicketPolicy = TicketPolicy.BY_SEVERITY
    suppresses: list[str] = []
    parts: list[str] = []


def _load() -> Mapping[str, FaultKind]:
    text = resources.files("protocol").joinpath("fault_catalogue.json").read_bytes()
    rows = msgspec.json.decode(text, type=list[FaultKind])
    return MappingProxyType({row.code: row for row in rows})


CATALOGUE: Mapping[str, FaultKind] = _load()
"""By code. A code that is not in here is stored and shown as it came, and opens an M ticket."""
