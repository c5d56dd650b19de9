"""The one true time of a simulation, and the clocks that show it, rightly or wrongly.

True time only moves forward, a step at a time. A clock belongs to one machine: it may jump, and
its elapsed seconds begin anew with the machine. It is a clock of the agent and of the server.
"""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""A Monday at 09:00 in Shanghai: people work for the hours a run takes."""
MICROSECONDS_PER_MILLISECOND = 1_000


class Timeline:
    """True time, in seconds since the run began."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds = round(self.seconds + seconds, 3)

    def now(self) -> datetime:
        """True time, aware UTC."""
        return START + timedelta(seconds=self.seconds)


class VirtualClock:
    """Clock of one machine."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._began = timeline.seconds
        self.wrong_seconds = 0.0
        """How far the wall clock is off; 0 is right."""

    def wall(self) -> datetime:
        """Wall time as the agent asks for it: aware UTC, in whole milliseconds."""
        moment = self._timeline.now() + timedelta(seconds=self.wrong_seconds)
        spare = moment.microsecond % MICROSECONDS_PER_MILLISECOND
        return moment - timedelta(microseconds=spare)

    def now(self) -> datetime:
        """Wall time as the server asks for it."""
        return self.wall()

    def elapsed(self) -> float:
        """Seconds since this machine started."""
        return self._timeline.seconds - self._began

    def restart(self) -> None:
        """Begin to count elapsed seconds anew."""
        self._began = self._timeline.seconds
