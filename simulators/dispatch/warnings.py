"""How good the warnings were: what was said an hour before the due instant, and what came of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from simulators.dispatch.play import Played, Said

WARNED_ABOVE = 0.3
"""Chance of being late above which a person is warned (dispatch, When)."""


@dataclass(frozen=True)
class Warnings:
    """Recall and precision of warnings, Brier score of the probabilities."""

    brier: float
    recall: float
    precision: float
    rule_recall: float
    rule_precision: float


def warned(plays: Iterable[Played]) -> Warnings:
    """Compare what was said with what came of it."""
    pairs = [(said, is_late) for played in plays for said, is_late in _outcomes(played)]
    brier = sum((said.late_probability - is_late) ** 2 for said, is_late in pairs)
    ours = [(said.late_probability > WARNED_ABOVE, is_late) for said, is_late in pairs]
    rule = [(said.by_rule, is_late) for said, is_late in pairs]
    return Warnings(brier / max(len(pairs), 1), *_quality(ours), *_quality(rule))


def _outcomes(played: Played) -> Iterable[tuple[Said, bool]]:
    on_time = {one.case.id for one in played.arrivals if one.is_on_time}
    return ((said, said.case_id not in on_time) for said in played.said)


def _quality(pairs: list[tuple[bool, bool]]) -> tuple[float, float]:
    hits = sum(warned and late for warned, late in pairs)
    late = sum(late for _, late in pairs)
    told = sum(warned for warned, _ in pairs)
    return hits / max(late, 1), hits / max(told, 1)
