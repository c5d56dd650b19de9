"""Facts the registry announces."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CabinetRetired:
    """A cabinet left the fleet for good."""

    cabinet_id: str
    site_id: str


@dataclass(frozen=True)
class DesiredDrifted:
    """Desired state was not applied for 10 min (P-15), or was refused with a reason."""

    cabinet_id: str
    version: int
    reason: str


@dataclass(frozen=True)
class DesiredCaughtUp:
    """Desired state is applied again."""

    cabinet_id: str
    version: int
