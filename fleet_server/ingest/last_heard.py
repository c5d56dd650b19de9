"""Who was heard when: in memory, flushed every few seconds, judged by our own timer (P-10).

Never one row per message. What is lost with the process is at most a few seconds of "last heard";
after a start nobody is silent before the deaf time is over.
"""

import threading
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from protocol.identity import SHARD_COUNT, shard_of
from protocol.intervals import DEAF_AFTER_RECONNECT_SECONDS, PRESENCE, Uplink
from protocol.presence import Heartbeat

FLUSH_SECONDS = 5.0
BOOTS_KEPT = 3
"""Enough to see two boots alternate (P-5)."""


@dataclass
class Heard:
    """What is known of one cabinet."""

    uplink: Uplink
    at_elapsed: float
    at: datetime
    online: bool = True
    is_doubted: bool = False
    """The transaction that took its last message was rolled back: look at the row again."""
    heartbeat: Heartbeat | None = None
    is_flushed: bool = False
    boots: deque[str] = field(default_factory=lambda: deque(maxlen=BOOTS_KEPT))


class LastHeard:
    """Board of all cabinets of this process."""

    def __init__(self, elapsed: float) -> None:
        self._lock = threading.Lock()
        self._heard: dict[str, Heard] = {}
        self._last_flushed: list[str] = []
        self._deaf_until = elapsed + DEAF_AFTER_RECONNECT_SECONDS
        self._watched = frozenset(range(SHARD_COUNT))

    def went_deaf(self, elapsed: float) -> None:
        """The server lost the broker: nobody is silent until it heard for a while again."""
        self._deaf_until = elapsed + DEAF_AFTER_RECONNECT_SECONDS

    def expect(self, cabinet_id: str, uplink: Uplink, elapsed: float, at: datetime) -> None:
        """Count a cabinet known to be online as heard now (at start, or when its shard came)."""
        with self._lock:
            self._heard[cabinet_id] = Heard(uplink, elapsed, at, is_flushed=True)

    def watch(self, shards: Collection[int]) -> None:
        """Judge only cabinets of these shards from now on; the others are somebody else's."""
        with self._lock:
            self._watched = frozenset(shards)
            left = [one for one in self._heard if shard_of(one) not in self._watched]
            for cabinet_id in left:
                del self._heard[cabinet_id]

    def note(
        self,
        cabinet_id: str,
        uplink: Uplink,
        elapsed: float,
        at: datetime,
        heartbeat: Heartbeat | None = None,
    ) -> None:
        """A message came."""
        with self._lock:
            heard = self._heard.get(cabinet_id)
            if heard is None:
                heard = self._heard[cabinet_id] = Heard(uplink, elapsed, at)
            heard.uplink, heard.at_elapsed, heard.at, heard.online = uplink, elapsed, at, True
            heard.heartbeat = heartbeat or heard.heartbeat
            heard.is_flushed = heard.is_doubted = False

    def silent_ones(self, cabinet_ids: Iterable[str]) -> set[str]:
        """Those of these that are silent or unknown: their rows are to be looked at."""
        with self._lock:
            return {one for one in cabinet_ids if self._is_silent(one)}

    def _is_silent(self, cabinet_id: str) -> bool:
        heard = self._heard.get(cabinet_id)
        return heard is None or not heard.online or heard.is_doubted

    def note_boot(self, cabinet_id: str, boot: str) -> bool:
        """A birth came; True when two boots alternate, so that two agents claim one id."""
        with self._lock:
            heard = self._heard[cabinet_id]
            heard.heartbeat = None  # the birth says more, and newer: it is written at once
            boots = heard.boots
            if boots and boots[-1] == boot:
                return False
            boots.append(boot)
            return len(boots) == BOOTS_KEPT and boots[0] == boots[2]

    def went_offline(self, cabinet_id: str) -> None:
        """The cabinet said goodbye, its will did, or it was found silent; that is committed."""
        with self._lock:
            if cabinet_id in self._heard:
                self._heard[cabinet_id].online = False

    def doubt(self, cabinet_id: str) -> None:
        """What was learnt of this cabinet may not be in the database; it stays expected."""
        with self._lock:
            if cabinet_id in self._heard:
                self._heard[cabinet_id].is_doubted = True

    def silent(self, elapsed: float) -> list[str]:
        """Cabinets not heard for the interval of their uplink; nobody while deaf."""
        if elapsed < self._deaf_until:
            return []
        with self._lock:
            return [
                cabinet_id
                for cabinet_id, heard in self._heard.items()
                if heard.online
                and shard_of(cabinet_id) in self._watched
                and elapsed - heard.at_elapsed > PRESENCE[heard.uplink].silent_after_seconds
            ]

    def unflushed(self) -> dict[str, Heard]:
        """Cabinets heard since the last flush; they count as flushed from now."""
        with self._lock:
            found = {
                key: heard
                for key, heard in self._heard.items()
                if not heard.is_flushed and shard_of(key) in self._watched
            }
            for heard in found.values():
                heard.is_flushed = True
            self._last_flushed = list(found)
            return found

    def not_flushed(self) -> None:
        """The last flush did not reach the database: the next one takes the same cabinets."""
        with self._lock:
            for cabinet_id in self._last_flushed:
                if cabinet_id in self._heard:
                    self._heard[cabinet_id].is_flushed = False
