"""Service and restock: when alarms are muted and when warm air is forgiven.

The grace of 30 min runs from the closing of the service door (hardware reference, 6.2). A door
left open does not stretch it: it then runs from the end of service, and service itself ends by
the clock, so nobody can forgive warm air for ever by forgetting to log out.
"""

import msgspec

from edge_agent.detection.thresholds import Thresholds


class Restock(msgspec.Struct, frozen=True):
    """Elapsed seconds of the service going on (`began_at`) and of where the grace runs from."""

    began_at: float | None = None
    door_closed_at: float | None = None
    grace_at: float | None = None

    @property
    def in_service(self) -> bool:
        """Whether a technician is inside."""
        return self.began_at is not None

    def began(self, at: float) -> "Restock":
        """Begin a service; a second beginning changes nothing."""
        return self if self.in_service else Restock(began_at=at, grace_at=self.grace_at)

    def door_closed(self, at: float) -> "Restock":
        """Note a door closing; outside service it is a sale and means nothing here."""
        return msgspec.structs.replace(self, door_closed_at=at) if self.in_service else self

    def ended(self, at: float) -> "Restock":
        """End the service; without one nothing changes."""
        if not self.in_service:
            return self
        return Restock(grace_at=at if self.door_closed_at is None else self.door_closed_at)

    def expired(self, at: float, thresholds: Thresholds) -> "Restock":
        """End a service that has lasted too long."""
        if self.began_at is None or at - self.began_at < thresholds.service_longest_seconds:
            return self
        return self.ended(self.began_at + thresholds.service_longest_seconds)

    def forgives(self, at: float, thresholds: Thresholds) -> bool:
        """Say whether warm air is forgiven at this moment."""
        if self.in_service:
            return True
        return self.grace_at is not None and at - self.grace_at < thresholds.hold_grace_seconds
