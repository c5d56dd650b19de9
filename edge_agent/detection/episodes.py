"""The engine of fault episodes: verdicts in, findings out.

One open episode per (code, part), with a count, as EVA-DTS EA2 has it (hardware reference, 1.3.2).
More than three episodes in an hour become one that stays open and counts until an hour passes
without its cause. A parent keeps its children from being raised, as the catalogue says, but
nothing keeps the food-safety hold from being raised. A latched episode ends only by release.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from edge_agent.detection import temp_safety_hold
from edge_agent.detection.errors import NothingLatchedError
from edge_agent.detection.findings import Cleared, Finding, Raised, Repeated
from edge_agent.detection.thresholds import Thresholds
from edge_agent.detection.verdicts import Condition, Verdict
from edge_agent.seed import Chance
from protocol.events import ClearedBy
from protocol.faults import CATALOGUE, Severity

NEVER_SUPPRESSED = frozenset({temp_safety_hold.CODE})

Key = tuple[str, str]


class Episode(msgspec.Struct, frozen=True):
    """One open episode; `bad_at` is when its cause was last judged bad."""

    fault_id: str
    code: str
    part: str
    severity: Severity
    since: datetime
    bad_at: float
    count: int = 1
    is_bad: bool = True
    latched: bool = False
    flapping: bool = False


class RecentRaises(msgspec.Struct, frozen=True):
    """When episodes of one (code, part) were raised lately; elapsed seconds, oldest first."""

    code: str
    part: str
    raised_ats: tuple[float, ...]


class Episodes:
    """All open episodes of a cabinet."""

    def __init__(
        self,
        chance: Chance,
        episodes: Iterable[Episode] = (),
        recent: Iterable[RecentRaises] = (),
    ) -> None:
        self._chance = chance
        self._open: dict[Key, Episode] = {(row.code, row.part): row for row in episodes}
        self._recent: dict[Key, RecentRaises] = {(row.code, row.part): row for row in recent}

    def open_episodes(self) -> tuple[Episode, ...]:
        """Return the open episodes, oldest first."""
        return tuple(self._open.values())

    def recent_raises(self) -> tuple[RecentRaises, ...]:
        """Return what the flapping rule remembers."""
        return tuple(self._recent.values())

    def apply(
        self, verdict: Verdict, elapsed: float, wall: datetime, thresholds: Thresholds
    ) -> Finding | None:
        """Apply one verdict; at most one finding comes of it."""
        episode = self._open.get((verdict.code, verdict.part))
        if episode is None:
            if verdict.condition is not Condition.BAD or self._is_suppressed(verdict.code):
                return None
            return self._raise(verdict, elapsed, wall, thresholds)
        if verdict.condition is Condition.BAD:
            return self._repeat(episode, verdict, elapsed)
        return self._calm(episode, verdict, elapsed, thresholds)

    def release(self, code: str, part: str, by: str, cleared_by: ClearedBy) -> Cleared:
        """End a latched episode on a person's word. Raises NothingLatchedError."""
        episode = self._open.get((code, part))
        if episode is None or not episode.latched:
            raise NothingLatchedError(code, part)
        return self._clear(episode, cleared_by, by)

    def _is_suppressed(self, code: str) -> bool:
        if code in NEVER_SUPPRESSED:
            return False
        return any(code in CATALOGUE[parent].suppresses for parent, _ in self._open)

    def _raise(
        self, verdict: Verdict, elapsed: float, wall: datetime, thresholds: Thresholds
    ) -> Raised:
        episode = Episode(
            self._chance.new_id(),
            verdict.code,
            verdict.part,
            verdict.severity,
            since=wall - timedelta(seconds=elapsed - verdict.began_at),
            bad_at=elapsed,
            latched=CATALOGUE[verdict.code].latched or verdict.latch,
            flapping=self._flaps(verdict, elapsed, thresholds),
        )
        self._open[verdict.code, verdict.part] = episode
        return Raised(
            episode.fault_id,
            episode.code,
            episode.part,
            episode.severity,
            since=episode.since,
            reading=verdict.reading,
            limit=verdict.limit,
            latched=episode.latched,
            cause=verdict.cause,
            flapping=episode.flapping,
        )

    def _flaps(self, verdict: Verdict, elapsed: float, thresholds: Thresholds) -> bool:
        """Note a raise; say whether it is one too many for the window."""
        key = (verdict.code, verdict.part)
        before = self._recent[key].raised_ats if key in self._recent else ()
        window_began_at = elapsed - thresholds.flapping_window_seconds
        raised_ats = (*(at for at in before if at > window_began_at), elapsed)
        kept = raised_ats[-(thresholds.flapping_episodes + 1) :]
        # Parts come from devices too (events of an audit report), so what is over is forgotten.
        self._recent = {
            one: row for one, row in self._recent.items() if row.raised_ats[-1] > window_began_at
        }
        self._recent[key] = RecentRaises(verdict.code, verdict.part, kept)
        return len(raised_ats) > thresholds.flapping_episodes

    def _repeat(self, episode: Episode, verdict: Verdict, elapsed: float) -> Repeated | None:
        """Count a cause that came back or got worse; a cause that merely lasts says nothing."""
        worse = verdict.severity.rank < episode.severity.rank
        is_news = worse or not episode.is_bad
        episode = msgspec.structs.replace(
            episode,
            is_bad=True,
            bad_at=elapsed,
            severity=verdict.severity if worse else episode.severity,
            count=episode.count + is_news,
            latched=episode.latched or verdict.latch,
        )
        self._open[episode.code, episode.part] = episode
        if not is_news:
            return None
        return Repeated(
            episode.fault_id,
            episode.code,
            episode.part,
            episode.severity,
            since=episode.since,
            count=episode.count,
            reading=verdict.reading,
            limit=verdict.limit,
            latched=episode.latched,
            cause=verdict.cause,
            flapping=episode.flapping,
        )

    def _calm(
        self, episode: Episode, verdict: Verdict, elapsed: float, thresholds: Thresholds
    ) -> Cleared | None:
        """Note that the cause is not bad now; clear if it is good and may be cleared."""
        if episode.is_bad:
            episode = msgspec.structs.replace(episode, is_bad=False)
            self._open[episode.code, episode.part] = episode
        quiet = elapsed - episode.bad_at >= thresholds.flapping_window_seconds
        may_clear = not episode.latched and (quiet or not episode.flapping)
        if verdict.condition is not Condition.GOOD or not may_clear:
            return None
        return self._clear(episode, ClearedBy.AUTO, by="")

    def _clear(self, episode: Episode, cleared_by: ClearedBy, by: str) -> Cleared:
        del self._open[episode.code, episode.part]
        return Cleared(episode.fault_id, episode.code, episode.part, cleared_by, episode.count, by)
