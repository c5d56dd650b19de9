"""Weights before and after -> pieces taken, pure.

Grams become pieces where exactly one set of counts explains the difference within the pieces'
tolerances. Everything else gets the nearest explanation, never the dearer of two equals, and is
marked provisional with the evidence; a raise would need the buyer's consent, a cut does not.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from protocol.desired import PlannedSlot
from protocol.events import ShelfEvidence

SCALE_GRAMS = 8.0
"""What two weighings may differ by with nothing moved: drift and digits of both."""
UNIT_SHARE = 0.03
UNIT_GRAMS_MIN = 3.0
"""Tolerance of a piece whose planogram row names none: packed food varies by some percent."""
BEYOND_BOOK = 3
"""Pieces more than the book has that are still believed, provisionally: a count was wrong."""
COUNTS_MAX = 50_000
"""Combinations tried on one shelf; more kinds on one scale cannot be told apart anyway."""


@dataclass(frozen=True)
class Kind:
    """One slot on a shelf: weight, tolerance and price of a piece, pieces in the book."""

    slot: str
    unit_grams: float
    tolerance_grams: float
    price_minor: int
    booked: int

    @property
    def tolerance(self) -> float:
        """Grams one piece may differ."""
        return self.tolerance_grams or max(UNIT_GRAMS_MIN, self.unit_grams * UNIT_SHARE)

    @property
    def can_be_weighed(self) -> bool:
        """Whether one piece weighs more than it may differ; else grams say nothing of pieces."""
        return self.unit_grams > self.tolerance


def kind_of(planned: PlannedSlot, *, booked: int) -> Kind:
    """What the planogram says of a slot on a scale."""
    return Kind(
        planned.slot, planned.unit_grams, planned.tolerance_grams, planned.price_minor, booked
    )


@dataclass(frozen=True)
class Shelf:
    """One scale around a session; None is a weight nobody could read."""

    shelf: str
    before_grams: float | None
    after_grams: float | None
    kinds: tuple[Kind, ...]


@dataclass(frozen=True)
class Explained:
    """Pieces taken from one shelf by slot, what is left over, and why it is not sure."""

    shelf: Shelf
    taken: dict[str, int]
    left_grams: float = 0.0
    why: str = ""

    def evidence(self) -> ShelfEvidence:
        """The same for the sale."""
        return ShelfEvidence(
            self.shelf.shelf,
            self.shelf.before_grams,
            self.shelf.after_grams,
            round(self.left_grams, 1),
            self.why,
        )


@dataclass(frozen=True)
class Settled:
    """Pieces taken by slot, and the evidence of each shelf."""

    taken: dict[str, int] = field(default_factory=dict)
    evidence: tuple[ShelfEvidence, ...] = ()

    @property
    def provisional(self) -> bool:
        """Whether anything does not add up."""
        return any(row.why for row in self.evidence)


def settle(shelves: Sequence[Shelf]) -> Settled:
    """Explain all shelves of one session."""
    explained = [explain(shelf) for shelf in shelves]
    explained = _put_back_elsewhere(explained)
    taken = {slot: count for one in explained for slot, count in one.taken.items() if count}
    return Settled(taken, tuple(one.evidence() for one in explained))


def explain(shelf: Shelf) -> Explained:
    """Explain one shelf by itself."""
    if shelf.before_grams is None or shelf.after_grams is None:
        return Explained(shelf, {}, why="weight_unknown")
    gone = shelf.before_grams - shelf.after_grams
    if gone < -SCALE_GRAMS:
        return Explained(shelf, {}, gone, "heavier")
    ranges = _ranges(shelf.kinds, gone)
    fitting: list[tuple[float, int, dict[str, int]]] = []
    nearest: tuple[float, int, dict[str, int]] | None = None
    for counts in itertools.islice(itertools.product(*ranges), COUNTS_MAX):
        rated = _rated(shelf.kinds, counts, gone)
        if nearest is None or rated[:2] < nearest[:2]:
            nearest = rated
        if rated[0] <= _allowance(shelf.kinds, counts):
            fitting.append(rated)
    if nearest is None:
        return Explained(shelf, {}, gone, "unexplained" if gone > SCALE_GRAMS else "")
    explained = _chosen(shelf, fitting, nearest, gone)
    if not explained.why and math.prod(map(len, ranges)) > COUNTS_MAX:
        return replace(explained, why="ambiguous")  # what was not tried may fit as well
    return explained


def _chosen(
    shelf: Shelf,
    fitting: list[tuple[float, int, dict[str, int]]],
    nearest: tuple[float, int, dict[str, int]],
    gone: float,
) -> Explained:
    # Of several that fit the nearest in grams counts, and the cheaper of two as near.
    _, _, taken = min(fitting, key=lambda rated: rated[:2]) if fitting else nearest
    left = gone - sum(kind.unit_grams * taken[kind.slot] for kind in shelf.kinds)
    why = "" if len(fitting) == 1 else "ambiguous" if fitting else "unexplained"
    if not why and any(taken[kind.slot] > kind.booked for kind in shelf.kinds):
        why = "more_than_booked"
    return Explained(shelf, taken, left, why)


def _ranges(kinds: Sequence[Kind], gone: float) -> list[range]:
    """Counts of each kind that can be near: no more than the grams and the book allow."""
    return [range(_most(kind, gone) + 1) for kind in kinds]


def _most(kind: Kind, gone: float) -> int:
    if not kind.can_be_weighed:
        return 0
    by_weight = int((gone + SCALE_GRAMS) / (kind.unit_grams - kind.tolerance)) + 1
    return max(0, min(by_weight, kind.booked + BEYOND_BOOK))


def _rated(
    kinds: Sequence[Kind], counts: Sequence[int], gone: float
) -> tuple[float, int, dict[str, int]]:
    """Grams it is off, price, and the counts by slot."""
    pairs = list(zip(kinds, counts, strict=True))
    off = abs(gone - sum(kind.unit_grams * count for kind, count in pairs))
    price = sum(kind.price_minor * count for kind, count in pairs)
    return round(off, 1), price, {kind.slot: count for kind, count in pairs}


def _allowance(kinds: Sequence[Kind], counts: Sequence[int]) -> float:
    """Pieces differ each for itself, so their tolerances add up as squares."""
    spread = sum(kind.tolerance**2 * count for kind, count in zip(kinds, counts, strict=True))
    return math.sqrt(SCALE_GRAMS**2 + spread)


def _put_back_elsewhere(explained: list[Explained]) -> list[Explained]:
    """Take back a piece that stands on another shelf now: one shelf grew by what it weighs."""
    result = list(explained)
    for index, heavier in enumerate(result):
        if heavier.why != "heavier":
            continue
        kind = _kind_of_weight(result, -heavier.left_grams)
        if kind is None:
            continue
        result = [_with_one_less(one, kind.slot) for one in result]
        left = heavier.left_grams + kind.unit_grams
        result[index] = replace(heavier, left_grams=left, why="put_back_elsewhere")
    return result


def _kind_of_weight(explained: list[Explained], grams: float) -> Kind | None:
    """Taken piece that weighs this; None when none does, or two different ones do."""
    found = [
        kind
        for one in explained
        for kind in one.shelf.kinds
        if one.taken.get(kind.slot, 0) > 0
        and abs(kind.unit_grams - grams) <= SCALE_GRAMS + kind.tolerance
    ]
    return found[0] if len(found) == 1 else None


def _with_one_less(one: Explained, slot: str) -> Explained:
    if slot not in one.taken:
        return one
    taken = {**one.taken, slot: one.taken[slot] - 1}
    return replace(one, taken=taken, why=one.why or "put_back_elsewhere")
