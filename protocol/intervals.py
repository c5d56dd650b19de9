"""Every interval both sides count on, in seconds, with its clause (protocol v1)."""

from dataclasses import dataclass
from enum import StrEnum


class Uplink(StrEnum):
    """How a cabinet is connected; it decides how often it speaks (P-10)."""

    WIRED = "wired"
    METERED = "metered"


@dataclass(frozen=True)
class PresenceIntervals:
    """P-10: one row per uplink."""

    heartbeat_seconds: float
    silent_after_seconds: float

    @property
    def keep_alive_seconds(self) -> int:
        """MQTT keep-alive: 1.5 heartbeats (P-0)."""
        return round(self.heartbeat_seconds * 1.5)


PRESENCE = {
    Uplink.WIRED: PresenceIntervals(heartbeat_seconds=15, silent_after_seconds=42),
    Uplink.METERED: PresenceIntervals(heartbeat_seconds=180, silent_after_seconds=504),
}

DEAF_AFTER_RECONNECT_SECONDS = 45
"""P-10: for so long after the server itself is back no cabinet counts as silent."""

RECEIPT_TIMEOUT_SECONDS = 10.0
"""P-2: no receipt within this: the batch is sent again."""
RECEIPT_TIMEOUT_MAX_SECONDS = 300.0
"""P-2: the doubling of the time-out ends here."""

RECONNECT_SPREAD_SECONDS = 60.0
"""P-11: random delay after a lost server, 0 to this."""

BATCH_EVENTS_MAX = 100
"""Events in one batch."""

ACKNOWLEDGED_KEPT_SECONDS = 7 * 86400.0
"""P-7: an acknowledged event stays this long, space allowing."""

PHYSICAL_COMMAND_TTL_MAX_SECONDS = 60
"""P-13: `unlock` and `test_vend` live at most this long."""

COMMAND_RESULT_KEPT_SECONDS = 30 * 86400.0
"""P-13: a command's result is kept, and repeated on a repeated id."""

DESIRED_DRIFT_AFTER_SECONDS = 600
"""P-15: desired state not applied for longer is fault DESIRED_DRIFT."""

TELEMETRY_SAMPLES_MAX = 10_000
"""P-8: samples a cabinet keeps before it thins the oldest."""
