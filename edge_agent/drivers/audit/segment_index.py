"""Segments by id, so that each part of the parser takes what it knows and the rest is kept.

A segment the standard allows once may come twice. The first that says anything counts; one that
says something else is noted and stays among the untaken.
"""

from collections.abc import Sequence

from edge_agent.drivers.audit.grammar import Segment
from edge_agent.drivers.audit.notes import Notes


class SegmentIndex:
    """All segments of a report; remembers which were taken."""

    def __init__(self, segments: Sequence[Segment], notes: Notes) -> None:
        self._segments = segments
        self._notes = notes
        self._taken: set[int] = set()
        self._by_id: dict[str, list[int]] = {}
        for index, segment in enumerate(segments):
            self._by_id.setdefault(segment.id, []).append(index)

    def one(self, name: str) -> Segment:
        """Take the segment that comes once; without one, an empty segment."""
        indexes = self._by_id.get(name, [])
        rows = [self._segments[index] for index in indexes]
        best = next((row for row in rows if not row.is_empty), Segment(name, ()))
        for index, row in zip(indexes, rows, strict=True):
            if row.is_empty or row.elements == best.elements:
                self._taken.add(index)
        if any(not row.is_empty and row.elements != best.elements for row in rows):
            self._notes.add(
                f"{name} comes {len(rows)} times with different values; the first counts"
            )
        return best

    def every(self, name: str) -> list[Segment]:
        """Take all segments of this id, in order."""
        indexes = self._by_id.get(name, [])
        self._taken.update(indexes)
        return [self._segments[index] for index in indexes]

    def has(self, prefix: str) -> bool:
        """Say whether any segment's id begins so."""
        return any(name.startswith(prefix) for name in self._by_id)

    def in_order(self) -> list[tuple[int, Segment]]:
        """Return all segments with the index to take them by."""
        return list(enumerate(self._segments))

    def take(self, index: int) -> None:
        """Mark one as read."""
        self._taken.add(index)

    def untaken(self) -> list[Segment]:
        """Return what nobody has read, in order."""
        return [row for index, row in enumerate(self._segments) if index not in self._taken]
