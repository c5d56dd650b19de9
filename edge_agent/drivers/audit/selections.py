"""PA1-PA8 and LA1: the selections and their counters.

PA1 opens a selection, the PA segments behind it belong to it. Some machines print a PA1 again:
if nothing said twice differs it is the same selection continued, else both are kept and noted.
A second PA2 behind one PA1 would mean a lost PA1, so it is never counted to the selection before.
"""

from collections.abc import Iterator

import msgspec

from edge_agent.drivers.audit.grammar import Segment
from edge_agent.drivers.audit.money import count_first
from edge_agent.drivers.audit.notes import Notes
from edge_agent.drivers.audit.report import RawSegment, Sales, Selection
from edge_agent.drivers.audit.segment_index import SegmentIndex

SELECTIONS_MAX = 2_000  # the largest machines have under 100
OTHER_SEGMENTS_MAX = 64  # PA7 comes once for each payment kind and price list
COUNTED = ("PA2", "PA3", "PA4")
KEPT = ("PA5", "PA6", "PA7", "PA8")


class _Group:
    """A PA1 and what stands behind it."""

    def __init__(self, head: Segment) -> None:
        self.head = head
        self.counters: dict[str, Segment] = {}
        self.kept: list[Segment] = []

    def accepts(self, segment: Segment) -> bool:
        """Add a segment of this group, or say that it cannot be of it."""
        if segment.id in COUNTED:
            return self.counters.setdefault(segment.id, segment) is segment
        if segment.id in KEPT:
            self.kept.append(segment)
            return True
        return False

    def selection(self, notes: Notes) -> Selection:
        """Make the selection of it."""
        sold, test, free = (
            count_first(self.counters.get(name, Segment(name, ())), notes) for name in COUNTED
        )
        sold = sold or Sales()
        return Selection(
            selection=self.head.text(1),
            price_minor=self.head.number(2, notes),
            name=self.head.text(3),
            capacity=self.head.number(4, notes),
            vends_since_init=sold.count_since_init,
            value_since_init_minor=sold.value_since_init_minor,
            vends_since_reset=sold.count_since_reset,
            value_since_reset_minor=sold.value_since_reset_minor,
            test_vends=test,
            free_vends=free,
            other_segments=raw(self.kept[:OTHER_SEGMENTS_MAX]),
        )


def raw(segments: list[Segment]) -> tuple[RawSegment, ...]:
    """Keep segments as they came."""
    return tuple(RawSegment(segment.id, segment.elements) for segment in segments)


def selections(index: SegmentIndex, notes: Notes) -> tuple[Selection, ...]:
    """Read all selections, in the order of the report."""
    groups = list(_groups(index, notes))
    if len(groups) > SELECTIONS_MAX:
        notes.add(f"{len(groups)} selections; the first {SELECTIONS_MAX} were read")
    _add_price_lists(groups[:SELECTIONS_MAX], index)
    found: list[Selection] = []
    places: dict[str, int] = {}
    for group in groups[:SELECTIONS_MAX]:
        _put(group.selection(notes), found, places, notes)
    return tuple(found)


def _groups(index: SegmentIndex, notes: Notes) -> Iterator[_Group]:
    current: _Group | None = None
    for place, segment in index.in_order():
        if segment.id == "PA1" and segment.elements:
            index.take(place)
            if current:
                yield current
            current = _Group(segment)
        elif current and current.accepts(segment):
            index.take(place)
        elif segment.id in COUNTED:
            notes.add(f"{segment.id} without its PA1: {'*'.join(segment.elements)}")
    if current:
        yield current


def _add_price_lists(groups: list[_Group], index: SegmentIndex) -> None:
    """LA102 names the selection, wherever the line stands."""
    by_name = {group.head.text(1): group for group in reversed(groups)}
    for place, segment in index.in_order():
        group = by_name.get(segment.text(2)) if segment.id == "LA1" else None
        if group and len(group.kept) < OTHER_SEGMENTS_MAX:
            group.kept.append(segment)
            index.take(place)


def _put(new: Selection, found: list[Selection], places: dict[str, int], notes: Notes) -> None:
    place = places.setdefault(new.selection, len(found))
    if place == len(found):
        found.append(new)
        return
    notes.add(f"selection {new.selection} comes more than once")
    if (merged := _merged(found[place], new)) is None:
        found.append(new)
    else:
        found[place] = merged


def _merged(one: Selection, two: Selection) -> Selection | None:
    """Return both as one, or None if they differ in anything both say."""
    said = {}
    for name in Selection.__struct_fields__:
        first, second = getattr(one, name), getattr(two, name)
        if name == "other_segments":
            said[name] = (*first, *(row for row in second if row not in first))
        elif second in {None, ""} or first == second:
            continue
        elif first in {None, ""}:
            said[name] = second
        else:
            return None
    return msgspec.structs.replace(one, **said)
