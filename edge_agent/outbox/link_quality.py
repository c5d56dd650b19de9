"""How well the link carries: which of the last sends were answered in time (COMMS_POOR).

Poor below 80 % of the last 50 sends, good again after a day without that (fault catalogue). The
agent has no modem to ask for its signal; answers are what counts anyway.
"""

from collections import deque

SENDS_KEPT = 50
SENDS_MIN = 20
"""Fewer say nothing in percent."""
ANSWERED_SHARE_MIN = 0.8
GOOD_SECONDS = 86_400.0


class LinkQuality:
    """Counts sends and their answers."""

    def __init__(self) -> None:
        self._answered: deque[bool] = deque(maxlen=SENDS_KEPT)
        self._good_since: float | None = None
        self.poor = False

    def sent(self, elapsed: float, *, answered: bool) -> None:
        """Note how one send ended: with its receipt, or with its time-out."""
        self._answered.append(answered)
        share = sum(self._answered) / len(self._answered)
        if len(self._answered) >= SENDS_MIN and share < ANSWERED_SHARE_MIN:
            self.poor, self._good_since = True, None
        elif self._good_since is None:
            self._good_since = elapsed

    def resume_poor(self, elapsed: float) -> None:
        """Go on from a poor link of before the restart: its good day begins now at the earliest."""
        self.poor, self._good_since = True, elapsed

    def step(self, elapsed: float) -> None:
        """Let a day of good answers end a poor link."""
        good_since = self._good_since
        if self.poor and good_since is not None and elapsed - good_since >= GOOD_SECONDS:
            self.poor = False
