"""Pure decisions of holds and recalls."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from fleet_server.recalls.states import CABINET_UNVISITED, CabinetRecallState
from fleet_server.service_levels.rules import Priority
from fleet_server.stock.rules import Units
from protocol.rules import RecallClass

HOLD_WARNING_SHARE = 1 / 6
"""The end of a hold is announced while so much of it is left: 4 h of 24 h (invariant 22)."""

RESCAN_AFTER = timedelta(seconds=30)
"""A transaction of ingest that began before an activation has ended by then (database busy
time-out: 30 s); what it wrote, neither side saw (invariants 5, 6)."""

PRIORITIES = {
    RecallClass.I: Priority.P1,
    RecallClass.II: Priority.P2,
    RecallClass.III: Priority.P3,
}
"""Recall class I, II, III = P1, P2, P3 (fleet-server, Faults -> tickets)."""


class Need(StrEnum):
    """What an acknowledged cabinet needs."""

    NOTHING = "nothing"
    REASON = "reason"
    VISIT = "visit"


@dataclass(frozen=True)
class LineProof:
    """A matching stock line and what was done with it since the recall began."""

    units: Units
    was_counted: bool = False
    was_removed: bool = False

    @property
    def needs_count(self) -> bool:
        """Whether somebody has to look: units are inside, or somebody has touched them."""
        return self.units.in_cabinet != 0 or self.was_counted or self.was_removed


def content_hash(content: dict[str, Any], revision: int) -> str:
    """Name of one version of a recall's content: SHA-256 of its canonical JSON."""
    text = json.dumps({"revision": revision, "content": content}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def hold_warning_at(now: datetime, until: datetime) -> datetime:
    """When to announce that a hold ends."""
    return until - (until - now) * HOLD_WARNING_SHARE


def hold_ends_at(now: datetime, expiry_seconds: float) -> datetime:
    """When a hold that begins, or is renewed, now ends."""
    return now + timedelta(seconds=expiry_seconds)


def need_of(proofs: Sequence[LineProof], *, reported: bool) -> Need:
    """What has to happen at a cabinet; `reported`: its own book says that something is blocked."""
    if reported or any(proof.units.in_cabinet != 0 for proof in proofs):
        return Need.VISIT
    return Need.REASON if _unexplained(proofs) else Need.NOTHING


def next_state(state: CabinetRecallState, proofs: Sequence[LineProof]) -> CabinetRecallState | None:
    """Next step the ledger proves; None when it proves none.

    A removal alone is no proof that nothing is left: every line that somebody had to look at has
    to be counted too, before or after.
    """
    inside = any(proof.units.in_cabinet != 0 for proof in proofs)
    if state in CABINET_UNVISITED:
        return _first_look(proofs, inside=inside)
    if state is CabinetRecallState.COUNTED:
        return None if inside else CabinetRecallState.REMOVED
    if state in {CabinetRecallState.RELEASED, CabinetRecallState.RETIRED}:
        return None
    if inside:
        return CabinetRecallState.ACKED_BLOCKING
    return _after_removal(state, proofs)


def needs_public_notice(recall_class: RecallClass, unreachable_buyers: int) -> bool:
    """Class I always; otherwise as soon as one buyer cannot be told (invariant 13)."""
    return recall_class is RecallClass.I or unreachable_buyers > 0


def _first_look(proofs: Sequence[LineProof], *, inside: bool) -> CabinetRecallState | None:
    looked_at = [proof for proof in proofs if proof.needs_count]
    if not looked_at or not all(proof.was_counted for proof in looked_at):
        return None
    touched = any(proof.was_removed for proof in looked_at)
    if not inside and not touched and not _unexplained(proofs):
        return CabinetRecallState.NONE_FOUND
    return CabinetRecallState.COUNTED


def _after_removal(
    state: CabinetRecallState, proofs: Sequence[LineProof]
) -> CabinetRecallState | None:
    if _unexplained(proofs):
        wanted = CabinetRecallState.DISCREPANCY
        return None if state is wanted else wanted
    if state in {CabinetRecallState.REMOVED, CabinetRecallState.DISCREPANCY}:
        return CabinetRecallState.RECONCILED
    return None


def _unexplained(proofs: Sequence[LineProof]) -> bool:
    return any(proof.units.unexplained != 0 for proof in proofs)
