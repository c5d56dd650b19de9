"""Whether the disk can still remember a sale (P-7): checked before it is too late.

Selling stops while some space is left, so that the fault, the running vend and the reason for the
stop can still be written. A disk that refused a write is tried again until it takes one. A store
that was deleted under us takes every write and forgets all at the next start: it sells nothing.
"""

from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.store import StorageError, Store

CHECK_EVERY_SECONDS = 10.0
"""A sale writes some kilobytes: the reserve of megabytes cannot vanish in ten seconds."""
RESUME_AT_RESERVES = 2
"""Selling goes on with twice the reserve free, so that it does not stop and go at the edge."""
PROBE_BYTES = 64 * 1024
"""As much as a sale with its events and the pages they touch needs."""
LOG_BYTES = 2 * 1024 * 1024
"""Room that must be on the disk itself: the write-ahead log grows to a megabyte before it is begun
anew. The rest of the reserve may as well be free inside the file."""
_PROBE = "storage.probe"


class StorageWatch:
    """Looks at free space now and then."""

    def __init__(self, store: Store, time: Timekeeper, *, reserve_bytes: int) -> None:
        self._store = store
        self._time = time
        self._reserve_bytes = reserve_bytes
        self._low = False
        self._check_at = time.elapsed()

    @property
    def ok(self) -> bool:
        """Whether a sale may begin."""
        return self._store.writable and not self._low

    def step(self) -> None:
        """Look, when it is time."""
        if self._time.elapsed() < self._check_at:
            return
        self._check_at = self._time.elapsed() + CHECK_EVERY_SECONDS
        needed = self._reserve_bytes * (RESUME_AT_RESERVES if self._low else 1)
        self._low = not self._store.in_place or not self._is_free(needed)
        if not self._store.writable:
            self._try_to_write()

    def _is_free(self, needed_bytes: int) -> bool:
        on_disk = self._store.free_bytes()
        if on_disk < min(needed_bytes, LOG_BYTES):
            return False
        return on_disk + self._store.spare_bytes() >= needed_bytes

    def _try_to_write(self) -> None:
        try:
            with self._store.transaction():
                self._store.remember(_PROBE, "x" * PROBE_BYTES)
                self._store.forget(_PROBE)
        except StorageError:
            return  # still no room: `writable` says so, the next check tries again
        self._store.writable = True
