"""Asking the server for the time, where no NTP keeps the clock (protocol v1, P-18).

Asked after each birth until answered, later and later, then every few hours. One request is
outstanding at a time; its nonce makes its answer good once, and only soon: the time was right
somewhere between asking and hearing, so a slow answer says little.
"""

import logging
from dataclasses import dataclass

from edge_agent.outbox.store import Outbox
from edge_agent.outbox.timekeeper import Anchor, Timekeeper
from edge_agent.rules.documents import Opener
from edge_agent.seed import Chance
from edge_agent.store import StorageError, Store
from protocol.errors import MalformedMessageError
from protocol.events import ClockAnchored
from protocol.journal import WIRE_VERSION
from protocol.presence import TimeRequest
from protocol.signatures import SignedKind
from protocol.time_reply import TimeReply
from protocol.wire import decode_json, encode

REQUEST = "time"
"""Protocol v1, Topics: `request` carries `time` with a nonce."""
NONCE_BYTES = 16
ANSWER_SECONDS_MAX = 30.0
"""A slower answer could be wrong by half of this and is not used."""
ASK_AGAIN_SECONDS = ANSWER_SECONDS_MAX
"""Unanswered: asked again when an answer would come too late anyway, then doubling."""
ASK_AGAIN_SECONDS_MAX = 600.0
"""A server that is there answers at once; one that is away answers within ten minutes of coming."""
REFRESH_SECONDS = 4 * 3600.0
"""A quartz of 100 ppm loses 1.5 s in four hours; six requests a day are a few kilobytes."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Asked:
    nonce: str
    at_elapsed: float


class TimeAsking:
    """The outstanding request, and what its answer changes."""

    def __init__(  # the parts it joins; agent.build gives each by name
        self,
        *,
        store: Store,
        outbox: Outbox,
        time: Timekeeper,
        chance: Chance,
        opener: Opener,
        wanted: bool,
    ) -> None:
        """`wanted`: False where NTP keeps the clock; then nothing is ever asked."""
        self._store = store
        self._outbox = outbox
        self._time = time
        self._chance = chance
        self._opener = opener
        self._wanted = wanted
        self._session: int | None = None
        self._asked: _Asked | None = None
        self._ask_at = time.elapsed()
        self._again_seconds = ASK_AGAIN_SECONDS

    def step(self, session: int) -> bytes | None:
        """Return the request to publish now, if any; only for after the birth of a session."""
        elapsed = self._time.elapsed()
        if self._wanted and session != self._session:
            self._session = session
            if self._time.anchor is None:
                self._ask_at, self._again_seconds = elapsed, ASK_AGAIN_SECONDS
        if not self._wanted or elapsed < self._ask_at:
            return None
        self._asked = _Asked(self._chance.token_bytes(NONCE_BYTES).hex(), elapsed)
        self._ask_at = elapsed + self._chance.jitter(self._again_seconds)
        self._again_seconds = min(self._again_seconds * 2, ASK_AGAIN_SECONDS_MAX)
        return encode(TimeRequest(WIRE_VERSION, REQUEST, self._asked.nonce))

    def hear(self, data: bytes) -> bool:
        """Take a signed answer; return whether the clock is set by it now.

        An answer to nothing that is outstanding, a slow one, or one from before what is surely
        past is ignored. Raises ProtocolError,
        and StorageError when it could not be noted; then nothing changed and it is asked again.
        """
        reply = decode_json(self._opener.open(data, SignedKind.REPLY).payload, TimeReply)
        if reply.server_time.tzinfo is None:
            raise MalformedMessageError("times carry their offset (UTC)")
        asked, heard_at = self._asked, self._time.elapsed()
        if asked is None or (reply.request, reply.nonce) != (REQUEST, asked.nonce):
            log.info("time.not_asked")
            return False
        self._asked = None
        if heard_at - asked.at_elapsed > ANSWER_SECONDS_MAX:
            log.info("time.too_slow", extra={"seconds": heard_at - asked.at_elapsed})
            return False
        if not self._time.possible(reply.server_time):
            log.error("time.before_what_is_past", extra={"told": reply.server_time.isoformat()})
            return False
        self._set(Anchor(reply.server_time, (asked.at_elapsed + heard_at) / 2))
        self._ask_at, self._again_seconds = heard_at + REFRESH_SECONDS, ASK_AGAIN_SECONDS
        return True

    def _set(self, anchor: Anchor) -> None:
        """Follow an anchor and note it: the event is dated by the clock it tells of."""
        before, self._time.anchor = self._time.anchor, anchor
        body = ClockAnchored(self._outbox.boot, self._time.mono_ms(), self._time.now())
        try:
            with self._store.transaction():
                self._outbox.append("clock.anchored", body)
        except StorageError:
            self._time.anchor = before
            raise
        log.info("time.anchored", extra={"at": body.at.isoformat()})
