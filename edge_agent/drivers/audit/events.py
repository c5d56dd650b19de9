"""EA1, EA2, EA3, EA7: events, reads and power cuts.

One event for each code and suffix: EA2 says how many and whether still active, EA1 when. Makers
repeat EA2 for each occurrence; what any of them says counts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from edge_agent.drivers.audit.event_codes import EventCode, fault_of, parsed
from edge_agent.drivers.audit.grammar import Segment
from edge_agent.drivers.audit.identification import moment
from edge_agent.drivers.audit.notes import Notes
from edge_agent.drivers.audit.report import Event, Occurrence, PowerOutages, Reads
from edge_agent.drivers.audit.segment_index import SegmentIndex

EVENTS_MAX = 1_000
OCCURRENCES_MAX = 50  # machines keep 10 to 30 in all
SELECTION_CODES = ("EJ", "EL")


@dataclass(slots=True)
class _Gathered:
    """What was found of one event so far."""

    reported: str
    code: EventCode
    counters: list[Segment] = field(default_factory=list)
    occurrences: list[Occurrence] = field(default_factory=list)

    def event(self, notes: Notes) -> Event:
        """Make the event of it."""
        last = max(self.occurrences, key=lambda row: sortable(row.at), default=None)
        minutes = _first_number(self.counters, 6, notes)
        return Event(
            reported=self.reported,
            code=self.code.code,
            selection=self.code.selection,
            device=self.code.device,
            active=_active(self.counters, notes),
            count_since_reset=_first_number(self.counters, 2, notes),
            count_since_init=_first_number(self.counters, 3, notes),
            minutes=last.minutes if minutes is None and last else minutes,
            last_at=last.at if last and last.at else None,
            user_text=next((row.text(4) for row in self.counters if row.text(4)), ""),
            fault=fault_of(self.code.code),
            occurrences=tuple(self.occurrences[:OCCURRENCES_MAX]),
        )


def events(index: SegmentIndex, notes: Notes) -> tuple[Event, ...]:
    """Read all events in the order the report first names them."""
    found: dict[tuple[str, str | None], _Gathered] = {}
    for segment, selection in _with_selections(index):
        if not segment.text(1):
            continue
        code = parsed(segment.text(1))
        if code.selection is None and code.code.startswith(SELECTION_CODES):
            code = code._replace(selection=selection)
        gathered = found.setdefault(
            (segment.text(1), code.selection), _Gathered(segment.text(1), code)
        )
        if segment.id == "EA2":
            gathered.counters.append(segment)
        else:
            gathered.occurrences.append(_occurrence(segment, notes))
    if len(found) > EVENTS_MAX:
        notes.add(f"{len(found)} events; the first {EVENTS_MAX} were read")
    return tuple(gathered.event(notes) for gathered in list(found.values())[:EVENTS_MAX])


def reads(index: SegmentIndex, notes: Notes) -> Reads | None:
    """Read EA3."""
    row = index.one("EA3")
    if row.is_empty:
        return None
    return Reads(
        row.number(1, notes),
        moment(row, 2),
        row.text(4),
        moment(row, 5),
        row.text(7),
        row.number(8, notes),
        row.number(9, notes),
    )


def power_outages(index: SegmentIndex, notes: Notes) -> PowerOutages | None:
    """Read EA7."""
    row = index.one("EA7")
    if row.is_empty:
        return None
    return PowerOutages(row.number(1, notes), row.number(2, notes))


def sortable(at: str) -> str:
    """Make a reported moment comparable: both year lengths, time with or without seconds."""
    date, _, time = at.partition(" ")
    century = "20" if len(date) == 6 else ""
    return f"{century}{date} {time:0<6}"


def _with_selections(index: SegmentIndex) -> Iterator[tuple[Segment, str | None]]:
    """Yield EA1 and EA2 with the selection they stand in.

    Wittern machines print `EA2*ELA` between the PA segments of a selection and the next PA1;
    behind the last selection it could as well be of the whole machine, so there it has none.
    """
    rows = index.in_order()
    last = max((place for place, row in rows if row.id == "PA1"), default=-1)
    selection: str | None = None
    for place, row in rows:
        if row.id == "PA1":
            selection = row.text(1) or None
        elif row.id in {"EA1", "EA2"}:
            index.take(place)
            yield row, selection if place < last else None


def _occurrence(row: Segment, notes: Notes) -> Occurrence:
    return Occurrence(moment(row, 2), row.number(4, notes), row.number(5, notes), row.text(6))


def _first_number(rows: Sequence[Segment], position: int, notes: Notes) -> int | None:
    numbers = [row.number(position, notes) for row in rows]
    return next((number for number in numbers if number is not None), None)


def _active(rows: Sequence[Segment], notes: Notes) -> bool | None:
    """Active if any line says so; over if some say that and none that it is active."""
    flags = [row.number(5, notes) for row in rows]
    said = [flag != 0 for flag in flags if flag is not None]
    return any(said) if said else None
