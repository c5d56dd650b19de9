"""When something happened lately: counts within a window, bounded."""

import msgspec

MOMENTS_MAX = 64
"""More than any rule counts to: the oldest are forgotten first."""


class Moments(msgspec.Struct, frozen=True):
    """Elapsed seconds of happenings, oldest first; `since_at` is when counting began."""

    happened_ats: tuple[float, ...] = ()
    since_at: float | None = None

    def started(self, at: float) -> "Moments":
        """Note that somebody counts now, though nothing happened."""
        return self if self.since_at is not None else Moments(self.happened_ats, at)

    def plus(self, at: float) -> "Moments":
        """Add one happening."""
        since_at = at if self.since_at is None else self.since_at
        return Moments((*self.happened_ats, at)[-MOMENTS_MAX:], since_at)

    def within(self, at: float, seconds: float) -> int:
        """How many happened in the last `seconds`."""
        return sum(1 for happened in self.happened_ats if at - happened < seconds)

    def quiet_for(self, at: float, seconds: float, *, most: int = 0) -> bool:
        """Whether at most `most` happened in a whole window of `seconds` that was counted."""
        counted = self.since_at is not None and at - self.since_at >= seconds
        return counted and self.within(at, seconds) <= most

    @property
    def last_at(self) -> float | None:
        """When it happened last."""
        return self.happened_ats[-1] if self.happened_ats else None
