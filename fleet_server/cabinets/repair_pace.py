"""How often the same rules or desired state are sent again to a cabinet that stays behind.

In the memory of the ingest process, not in the database: after a restart each is sent once more,
which harms nobody. A cabinet that refuses a version would otherwise get it with every heartbeat.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from protocol.intervals import Uplink

FIRST_DELAY = timedelta(seconds=30)
"""Two heartbeats of `wired`: a message on its way has arrived by then, or is lost."""
DELAY_MAX = {Uplink.WIRED: timedelta(hours=1), Uplink.METERED: timedelta(hours=12)}
"""Bound of the doubling delay. Metered: about a dozen sends on the first day, then two a day; a
bundle of 50 rules has some 5 KB packed."""


@dataclass
class _Sent:
    version: int
    next_at: datetime
    delay: timedelta


class RepairPace:
    """Says when to send again; at most two entries for each cabinet that is behind."""

    def __init__(self) -> None:
        self._sent: dict[tuple[str, str], _Sent] = {}

    def is_due(  # what the pace depends on
        self,
        cabinet_id: str,
        kind: str,
        version: int,
        now: datetime,
        uplink: Uplink,
        *,
        born: bool,
    ) -> bool:
        """Whether to send `version` now; the answer yes counts as sent.

        At once where this version is new or the cabinet was born, then after 30 s, doubling.
        """
        sent = self._sent.get((cabinet_id, kind))
        if born or sent is None or sent.version != version:
            self._sent[cabinet_id, kind] = _Sent(version, now + FIRST_DELAY, FIRST_DELAY)
            return True
        if now < sent.next_at:
            return False
        sent.delay = min(2 * sent.delay, DELAY_MAX[uplink])
        sent.next_at = now + sent.delay
        return True

    def caught_up(self, cabinet_id: str, kind: str) -> None:
        """Forget a cabinet that holds the newest."""
        self._sent.pop((cabinet_id, kind), None)
