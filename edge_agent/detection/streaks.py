"""Hold and hysteresis: how long something has been bad or good without a break.

A streak reaches only as far as the last reading: what was not seen did not last. After a gap a
good streak starts anew (nobody saw that it was good), while a bad one goes on if it is bad on both
sides: for food safety the unseen time counts as bad.
"""

import msgspec

READING_GAP_SECONDS = 30.0
"""Longer without a reading is a gap: three polls of a bus as slow as the settings allow."""


class Streak(msgspec.Struct, frozen=True):
    """Elapsed seconds at which the bad and the good streak began, and of the last reading."""

    seen_at: float | None = None
    bad_at: float | None = None
    good_at: float | None = None

    def extended(self, at: float, *, bad: bool, good: bool) -> "Streak":
        """Add what a reading at elapsed second `at` shows."""
        good_at = None if self.has_gap(at) else self.good_at
        return Streak(
            seen_at=at,
            bad_at=(at if self.bad_at is None else self.bad_at) if bad else None,
            good_at=(at if good_at is None else good_at) if good else None,
        )

    def has_gap(self, at: float) -> bool:
        """Say whether nobody watched for long until `at`."""
        return self.seen_at is not None and at - self.seen_at > READING_GAP_SECONDS

    def watched(self, at: float) -> "Streak":
        """Return this streak, or a new one after a gap: for causes that time off does not prove."""
        return Streak() if self.has_gap(at) else self

    @property
    def bad_seconds(self) -> float | None:
        """How long it has been bad; None if it is not."""
        return self._seconds_since(self.bad_at)

    def bad_for(self, seconds: float) -> bool:
        """Say whether it has been bad for at least this long."""
        lasted = self._seconds_since(self.bad_at)
        return lasted is not None and lasted >= seconds

    def good_for(self, seconds: float) -> bool:
        """Say whether it has been good for at least this long."""
        lasted = self._seconds_since(self.good_at)
        return lasted is not None and lasted >= seconds

    def _seconds_since(self, began_at: float | None) -> float | None:
        if began_at is None or self.seen_at is None:
            return None
        return self.seen_at - began_at
