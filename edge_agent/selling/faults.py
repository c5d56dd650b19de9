"""Findings into the journal, the snapshot of detection with them, and the food-safety hold.

A finding is durable together with the snapshot that knows it, so a restart neither forgets nor
repeats an episode. Findings that could not be written wait (a full disk); the flapping rule keeps
them few. What the core itself notices (forged orders, a full disk, a lost store) goes through the
same episodes.
"""

import base64
import logging
import zlib

import msgspec

from edge_agent.detection import temp_safety_hold
from edge_agent.detection.detector import Detector
from edge_agent.detection.episodes import Episode
from edge_agent.detection.findings import Cleared, Finding, Raised, Repeated
from edge_agent.detection.snapshot import DetectorState
from edge_agent.detection.thresholds import Thresholds
from edge_agent.detection.verdicts import Condition, Verdict
from edge_agent.drivers.readings import Reading
from edge_agent.outbox.store import Outbox
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.seed import Chance
from edge_agent.selling.time_off import KnownTime, TimeOff
from edge_agent.store import Patience, Store
from protocol.events import (
    ClearedBy,
    FaultCleared,
    FaultRaised,
    HoldLatched,
    HoldReleased,
)
from protocol.faults import CATALOGUE, Severity

_SNAPSHOT = "detection.snapshot"
PACK_LEVEL = 6
WAITING_MAX = 500
"""Findings in memory while the disk refuses them; the flapping rule makes days of that."""
LOST_STORE_PART = "cabinet"
"""Part of the hold that a lost store latches: nobody knows any more which compartment it was."""

log = logging.getLogger(__name__)


class KeptSnapshot(msgspec.Struct, frozen=True):
    """Snapshot, and what was known of the time when it was taken."""

    state: DetectorState
    known: KnownTime | None


def packed(kept: KeptSnapshot) -> str:
    """Snapshot as text for the store: compressed, for a cabinet of 60 doors has 60 KB of it."""
    return base64.b85encode(zlib.compress(msgspec.json.encode(kept), PACK_LEVEL)).decode()


def unpacked(text: str) -> KeptSnapshot:
    """Reverse `packed`."""
    return msgspec.json.decode(zlib.decompress(base64.b85decode(text)), type=KeptSnapshot)


class FaultBook:
    """Open fault episodes of the cabinet, durable."""

    def __init__(
        self,
        *,
        store: Store,
        outbox: Outbox,
        time: Timekeeper,
        chance: Chance,
        thresholds: Thresholds,
        perishable: bool,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._time = time
        self._perishable = perishable
        self._pending: list[tuple[Finding, str]] = []
        self._patience = Patience(store)
        self._kept_at = time.elapsed()
        self._detector = self._restored(thresholds, chance)
        self._loss_told = False

    def observe(self, reading: Reading) -> None:
        """Hand one reading to detection."""
        self._detector.observe(reading)

    def use(self, thresholds: Thresholds) -> None:
        """Follow new thresholds."""
        self._detector.use(thresholds, perishable=self._perishable)

    def notice(self, code: str, part: str, *, bad: bool, cause: str = "") -> None:
        """Report a condition the core itself sees; it becomes an episode at the next step."""
        condition = Condition.BAD if bad else Condition.GOOD
        self._report(code, part, condition, cause)

    def notice_again(self, code: str, part: str) -> None:
        """Report one more occurrence of something momentary; it counts in the open episode."""
        self._report(code, part, Condition.UNDECIDED, "")
        self._report(code, part, Condition.BAD, "")

    def notice_once(self, code: str, part: str, *, cause: str = "") -> None:
        """Report something that is over already: an episode that begins and ends at once."""
        self._report(code, part, Condition.BAD, cause)
        self._report(code, part, Condition.GOOD, "")

    def step(self) -> None:
        """Let detection decide and write what it found. Raises StorageError; then it waits."""
        self._tell_loss()
        elapsed = self._time.elapsed()
        off_seconds = self._off.seconds()
        if off_seconds is not None:
            self._detector.was_off(off_seconds, elapsed)
        found = self._detector.step(elapsed, self._time.now())
        for finding in found:
            self._wait(finding)
        if self._pending and self._patience.worn_out(elapsed):
            self.flush()

    @property
    def due(self) -> bool:
        """Whether the snapshot is old enough to be written again."""
        return self._time.elapsed() - self._kept_at >= self._detector.snapshot_seconds

    def flush(self) -> None:
        """Write waiting findings and the snapshot, in one transaction."""
        with self._store.transaction():
            self.write()
        self.written()

    def write(self) -> None:
        """Write waiting findings and the snapshot, in the caller's transaction."""
        kept = KeptSnapshot(self._detector.snapshot(self._time.elapsed()), self._off.known())
        for finding, ground in self._pending:
            self._append(finding, ground)
        self._store.remember(_SNAPSHOT, packed(kept))
        if self._loss_told:
            self._store.admit_loss()

    def written(self) -> None:
        """Forget what waited: the transaction of `write` was committed."""
        self._pending.clear()
        self._loss_told = False
        self._kept_at = self._time.elapsed()

    def release(self, code: str, part: str, *, by: str, ground: str, cleared_by: ClearedBy) -> None:
        """End a latched fault on someone's word. Raises NothingLatchedError, StorageError."""
        elapsed = self._time.elapsed()
        cleared = self._detector.release(code, part, by, elapsed=elapsed, cleared_by=cleared_by)
        self._pending.append((cleared, ground))
        self.flush()

    def open_episodes(self) -> tuple[Episode, ...]:
        """Every open episode."""
        return self._detector.open_episodes()

    def is_open(self, code: str) -> bool:
        """Say whether an episode of this code is open on any part."""
        return any(episode.code == code for episode in self.open_episodes())

    @property
    def safety_hold(self) -> bool:
        """Whether the food-safety hold is latched; one not yet written counts too."""
        return self.is_open(temp_safety_hold.CODE) or (self._store.lost and self._perishable)

    @property
    def in_service(self) -> bool:
        """Whether a technician is inside."""
        return self._detector.in_service

    def service(self, *, on: bool) -> None:
        """Begin or end service mode."""
        if on:
            self._detector.service_began(self._time.elapsed())
        else:
            self._detector.service_ended(self._time.elapsed())

    def _wait(self, finding: Finding) -> None:
        """Keep a finding until it is written: of repeats the newest, which has the count."""
        if isinstance(finding, Repeated):
            self._pending = [
                row
                for row in self._pending
                if not (isinstance(row[0], Repeated) and row[0].fault_id == finding.fault_id)
            ]
        self._pending.append((finding, ""))
        if len(self._pending) > WAITING_MAX:
            log.error("fault.finding_forgotten", extra={"count": len(self._pending)})
            oldest = (row for row in self._pending if row[0].code != temp_safety_hold.CODE)
            self._pending.remove(next(oldest, self._pending[0]))

    def _tell_loss(self) -> None:
        """Latch the hold for a store that lost something: at the start, or found out later."""
        if self._loss_told or not self._store.lost:
            return
        if self._perishable:
            hold = temp_safety_hold.CODE
            self.notice(hold, LOST_STORE_PART, bad=True, cause="store_lost")
        self._loss_told = True

    def _restored(self, thresholds: Thresholds, chance: Chance) -> Detector:
        text = self._store.value(_SNAPSHOT)
        if text is None:
            self._off = TimeOff(self._time, None)
            return Detector(thresholds, chance, perishable=self._perishable)
        kept = unpacked(text)
        self._off = TimeOff(self._time, kept.known)
        return Detector.restore(
            kept.state,
            thresholds,
            chance,
            perishable=self._perishable,
            elapsed=self._time.elapsed(),
            downtime_seconds=self._off.seconds() or 0.0,
        )

    def _report(self, code: str, part: str, condition: Condition, cause: str) -> None:
        kind = CATALOGUE[code]
        at = self._time.elapsed()
        verdict = Verdict(code, part, condition, Severity(kind.severity), at, cause=cause)
        self._detector.report(verdict)

    def _append(self, finding: Finding, ground: str) -> None:
        if isinstance(finding, Cleared):
            self._append_cleared(finding, ground)
            return
        raised = isinstance(finding, Raised)
        body = FaultRaised(
            fault=finding.fault_id,
            code=finding.code,
            part=finding.part,
            severity=finding.severity,
            since=finding.since,
            count=1 if isinstance(finding, Raised) else finding.count,
            reading=finding.cause or None if finding.reading is None else finding.reading,
            limit=finding.limit,
            latched=finding.latched,
        )
        self._outbox.append("fault.raised" if raised else "fault.repeated", body)
        if raised and finding.code == temp_safety_hold.CODE:
            latched = HoldLatched(finding.code, finding.part, body.limit, body.reading)
            self._outbox.append("hold.latched", latched)

    def _append_cleared(self, finding: Cleared, ground: str) -> None:
        body = FaultCleared(
            finding.fault_id,
            finding.code,
            finding.part,
            finding.cleared_by,
            finding.count,
            finding.by,
        )
        self._outbox.append("fault.cleared", body)
        if finding.code == temp_safety_hold.CODE:
            released = HoldReleased(finding.code, finding.part, finding.by, ground)
            self._outbox.append("hold.released", released)
