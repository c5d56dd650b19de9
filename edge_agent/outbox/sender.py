"""Stop and wait on one lane: one unacknowledged batch, repeated until its receipt (P-2, P-3).

A pure state machine over elapsed seconds; the lane packs batches, the uplink carries them. What
counts is only how far the server says its database is: it may go back (a server restored from a
backup), then we go back with it. A server further than anything this store can ever have sent has
met a newer state of it: `RolledBackError`, and the caller begins a new epoch.
"""

from dataclasses import dataclass
from typing import Protocol

from edge_agent.errors import OutsideError
from edge_agent.seed import Chance
from protocol.intervals import RECEIPT_TIMEOUT_MAX_SECONDS
from protocol.journal import Position
from protocol.presence import LanePosition


class RolledBackError(OutsideError):
    """The server is further with this epoch than our store ever was: the store is an older copy."""

    def __init__(self, committed: int, reached: int) -> None:
        super().__init__(f"the server has {committed}, this store was sent up to {reached}")
        self.committed = committed
        self.reached = reached


@dataclass(frozen=True)
class Packed:
    """A batch ready for the wire: sequences `first` to `last`."""

    first: int
    last: int
    payload: bytes


class LaneSource(Protocol):
    """A lane as the sender sees it."""

    def position(self) -> LanePosition:
        """Epoch, head and floor now."""
        ...

    def pack(self, first: int, last: int) -> Packed:
        """Batch from `first`, which is held, to `last` at most; bounded in count and bytes."""
        ...


class Sender:
    """State of one lane. Outside of a session (`born` to `lost`) it gives nothing."""

    def __init__(
        self, lane: LaneSource, chance: Chance, *, committed: int, timeout_seconds: float
    ) -> None:
        self.committed = committed
        """How far the server's database is, as we last heard."""
        self._lane = lane
        self._reached = lane.position().head
        """Newest entry that can have been sent: by an earlier process, or by this one."""
        self._proven = False
        """Whether a receipt came in this process: a store that was rolled back would be known."""
        self._chance = chance
        self._timeout_first = timeout_seconds
        self._timeout = timeout_seconds
        self._speaking = False
        self._outstanding: Packed | None = None
        self._again_at = 0.0
        self.timed_out = 0
        """Batches that had to be sent again because their receipt did not come in time."""

    @property
    def waiting(self) -> int:
        """Entries that the server does not have, as far as we heard."""
        return self._lane.position().head - self.committed

    @property
    def outstanding(self) -> bool:
        """Whether a batch was sent and its receipt has not come."""
        return self._outstanding is not None

    def born(self) -> None:
        """Begin to send, at once: a birth has just been sent."""
        self._speaking = True
        self._forget_outstanding()

    def lost(self) -> None:
        """Stop: the connection is gone, and what was under way with it."""
        self._speaking = False
        self._outstanding = None

    def step(self, elapsed: float) -> Packed | None:
        """Return the batch to publish now, if any."""
        if not self._speaking or (self._outstanding is not None and elapsed < self._again_at):
            return None
        position = self._lane.position()
        first, last = self._range(position)
        if last < first:
            self._outstanding = None
            return None
        if self._outstanding is not None:
            self._timeout = min(self._timeout * 2, RECEIPT_TIMEOUT_MAX_SECONDS)
            self.timed_out += 1
        packed = self._lane.pack(first, last)
        self._outstanding = packed
        self._reached = max(self._reached, packed.last)
        self._again_at = elapsed + self._chance.jitter(self._timeout)
        return packed

    def receipt(self, position: Position) -> bool:
        """Take what the server says; return whether it changed how far it is.

        Raises RolledBackError; then nothing changed, and only a new epoch helps.
        """
        ours = self._lane.position()
        if position.epoch != ours.epoch:
            return False  # of the epoch before this one
        if position.committed > self._reached:
            raise RolledBackError(position.committed, self._reached)
        self.answered()
        if position.committed == self.committed:
            return False
        self.committed = position.committed
        self._forget_outstanding()
        return True

    def answered(self) -> None:
        """Note that a receipt came, and that it did not show a roll-back."""
        if not self._proven:
            self._proven = True
            self._forget_outstanding()

    def begin_anew(self) -> None:
        """Begin at the first entry of a new epoch."""
        self._proven = True
        self.committed = 0
        self._reached = 0
        self._forget_outstanding()

    def _range(self, position: LanePosition) -> tuple[int, int]:
        """First and last entry to send now; nothing when the last comes before the first.

        Before the first receipt nothing of this process is sent, so that a receipt past what the
        store held at its start always proves the roll-back (ADR 0008). Where the server has all of
        that already, its last entry is sent once more: any batch is answered.
        """
        first = max(self.committed + 1, position.floor)
        if self._proven or self._reached < position.floor:
            return first, position.head
        return min(first, self._reached), self._reached

    def _forget_outstanding(self) -> None:
        self._outstanding = None
        self._timeout = self._timeout_first
