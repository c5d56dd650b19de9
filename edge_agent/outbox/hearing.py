"""Whether the way down is dead although the link says connected.

Another client that took our id or our subscriptions, a broker that forgot them, a half-open TCP
connection: we speak and nobody is heard. Then the link is given up and opened anew, later and
later while that does not help: it may be the server that is away, and a handshake costs traffic.
Pure over elapsed seconds.
"""

UNANSWERED_MAX = 3
"""Sends that the server answers by a receipt; one or two of them may simply be lost."""
DEAF_SECONDS = 90.0
"""Longer than three sends with their time-outs (P-2: 10 + 20 + 40 s), and than the wait for a birth
(ADR 0007)."""
DEAF_SECONDS_MAX = 3_600.0
"""With the server away for a day this is some 30 handshakes, about 150 kB over TLS."""


class Hearing:
    """Counts what was said into the silence."""

    def __init__(self) -> None:
        self._patience_seconds = DEAF_SECONDS
        self._unanswered = 0
        self._since = 0.0
        self.gave_up = False
        """Whether the connection before was given up, and nothing was heard since."""

    def sent(self, elapsed: float) -> None:
        """Note a message that the server answers."""
        if self._unanswered == 0:
            self._since = elapsed
        self._unanswered += 1

    def heard(self) -> None:
        """Note any message of the server."""
        self._unanswered = 0
        self._patience_seconds = DEAF_SECONDS
        self.gave_up = False

    def lost(self) -> None:
        """Note that the connection ended by itself."""
        self._unanswered = 0
        self.gave_up = False

    def deaf(self, elapsed: float) -> bool:
        """Say whether to give the connection up."""
        silent_seconds = elapsed - self._since
        return self._unanswered >= UNANSWERED_MAX and silent_seconds >= self._patience_seconds

    def give_up(self) -> None:
        """Note that it was given up; the next silence is borne longer."""
        self._unanswered = 0
        self._patience_seconds = min(self._patience_seconds * 2, DEAF_SECONDS_MAX)
        self.gave_up = True
