"""Facts about fault episodes."""

from dataclasses import dataclass

from protocol.events import ClearedBy
from protocol.faults import Severity


@dataclass(frozen=True)
class FaultOpened:
    """An episode began."""

    fault_id: str
    cabinet_id: str
    site_id: str


@dataclass(frozen=True)
class FaultRepeated:
    """An episode became more severe."""

    fault_id: str
    before: Severity
    severity: Severity


@dataclass(frozen=True)
class FaultEnded:
    """An episode ended."""

    fault_id: str
    cleared_by: ClearedBy
