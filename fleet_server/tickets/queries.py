"""All selects of tickets."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from fleet_server.auth.rules import Scope
from fleet_server.bulk import one_of
from fleet_server.cabinets.models import Cabinet
from fleet_server.cabinets.queries import within
from fleet_server.errors import NotFoundError
from fleet_server.faults.models import Fault
from fleet_server.faults.states import FaultState
from fleet_server.tickets.models import (
    ServiceRecord,
    Ticket,
    TicketFault,
    TicketHandOver,
    TicketHistory,
    TicketNote,
)
from fleet_server.tickets.rules import REPEATING, SITE_ORIGIN, RecordFields, TicketKind
from fleet_server.tickets.states import JOINABLE, OPEN, REOPENABLE, SELF_CLEARING, TicketState
from protocol.events import ClearedBy

SELF_CLEARED = "self_cleared"
"""Reason of an end without any work: what comes after it repeats no repair."""


def ticket_by_id(session: Session, ticket_id: str) -> Ticket:
    """Ticket; NotFoundError when there is none."""
    ticket = session.get(Ticket, ticket_id)
    if ticket is None:
        raise NotFoundError("ticket", ticket_id)
    return ticket


def locked_ticket(session: Session, ticket_id: str) -> Ticket:
    """Ticket for a change; NotFoundError when there is none."""
    session.flush()
    found = select(Ticket).where(Ticket.id == ticket_id).with_for_update()
    ticket = session.scalar(found.execution_options(populate_existing=True))
    if ticket is None:
        raise NotFoundError("ticket", ticket_id)
    return ticket


def locked_tickets(session: Session, ticket_ids: Collection[str]) -> dict[str, Ticket]:
    """Tickets for a change, locked in one order; NotFoundError when one is not there."""
    return {key: locked_ticket(session, key) for key in sorted(set(ticket_ids))}


def tickets_within(scope: Scope, owner: str | None) -> Select[Ticket]:
    """Tickets at the sites a scope covers, and those this audience is accountable for."""
    if owner is None or scope.everywhere:
        return within(select(Ticket), Ticket.site_id, scope)
    mine = within(select(Ticket.id), Ticket.site_id, scope)
    return select(Ticket).where(or_(Ticket.id.in_(mine), Ticket.owner == owner))


def unended_ticket(
    session: Session, site_id: str, cabinet_id: str | None, kind: str, component: str
) -> Ticket | None:
    """Ticket this fault joins or reopens: same place, kind and component, joinable ones first."""
    found = (
        _same(site_id, cabinet_id, kind, component)
        .where(Ticket.state.in_(JOINABLE | REOPENABLE))
        .order_by(Ticket.state.in_(JOINABLE).desc(), Ticket.id.desc())
        .limit(1)
    )
    return session.scalar(found.with_for_update())


def lock_site_tickets(session: Session, site_ids: Collection[str]) -> None:
    """Lock what stands for these sites themselves, in the order of the tickets."""
    found = (
        select(Ticket.id)
        .where(one_of(session, Ticket.site_id, site_ids), Ticket.cabinet_id.is_(None))
        .where(Ticket.state.in_(JOINABLE | REOPENABLE))
        .order_by(Ticket.id)
    )
    session.execute(found.with_for_update()).all()


@dataclass(frozen=True)
class Work:
    """What makes two tickets about one cabinet the same work."""

    site_id: str
    cabinet_id: str
    kind: str
    component: str


def unended_tickets(session: Session, works: Collection[Work]) -> dict[Work, Ticket]:
    """`unended_ticket` of many works at cabinets, locked in one order."""
    states = Ticket.state.in_(JOINABLE | REOPENABLE)
    found = _same_as_any(session, works).where(states).order_by(Ticket.id).with_for_update()
    best: dict[Work, Ticket] = {}
    for ticket in session.scalars(found.execution_options(populate_existing=True)):
        work = work_of(ticket)
        other = best.get(work)
        if other is None or ticket.state in JOINABLE or other.state not in JOINABLE:
            best[work] = ticket  # of two that are equally good the newer one
    return best


def ended_tickets_since(
    session: Session, works: Collection[Work], since: datetime
) -> dict[Work, Ticket]:
    """Newest ticket of the same cabinet and component that was done and closed since then.

    Of the same kind too, unless both kinds are about troubles: then any of those.
    """
    kinds = {work.kind for work in works}
    found = (
        select(Ticket)
        .where(
            one_of(session, Ticket.cabinet_id, {work.cabinet_id for work in works}),
            Ticket.component.in_({work.component for work in works}),
            Ticket.kind.in_(kinds | REPEATING if kinds & REPEATING else kinds),
        )
        .where(Ticket.state == TicketState.CLOSED, Ticket.closed_at >= since)
        .where(Ticket.reason != SELF_CLEARED)
        .order_by(Ticket.id)
    )
    newest = {_trouble(work_of(ticket)): ticket for ticket in session.scalars(found)}
    return {work: newest[_trouble(work)] for work in works if _trouble(work) in newest}


def ended_at_component(
    session: Session, cabinet_id: str, component: str, now: datetime, within_seconds: float
) -> Ticket | None:
    """Newest ticket about a trouble there that was done and closed within that time."""
    work = Work("", cabinet_id, TicketKind.FAULT, component)
    since = now - timedelta(seconds=within_seconds)
    return ended_tickets_since(session, [work], since).get(work)


def _trouble(work: Work) -> tuple[str, str, str]:
    kind = "" if work.kind in REPEATING else work.kind
    return (work.cabinet_id, work.component, kind)


def work_of(ticket: Ticket) -> Work:
    """What a ticket at a cabinet is about."""
    return Work(ticket.site_id, ticket.cabinet_id or "", ticket.kind, ticket.component)


def ended_ticket_since(  # the same work is told by these
    session: Session,
    site_id: str,
    cabinet_id: str | None,
    kind: str,
    component: str,
    since: datetime,
) -> Ticket | None:
    """Newest ticket of the same work that was done and closed since then."""
    return session.scalar(
        _same(site_id, cabinet_id, kind, component)
        .where(Ticket.state == TicketState.CLOSED, Ticket.closed_at >= since)
        .where(Ticket.reason != SELF_CLEARED)
        .order_by(Ticket.id.desc())
        .limit(1)
    )


def self_cleared_since(
    session: Session, site_id: str, component: str, since: datetime
) -> Ticket | None:
    """Newest ticket of a site itself that closed since then without any work."""
    return session.scalar(
        _same(site_id, None, TicketKind.FAULT, component)
        .where(Ticket.state == TicketState.CLOSED, Ticket.closed_at >= since)
        .where(Ticket.reason == SELF_CLEARED)
        .order_by(Ticket.id.desc())
        .limit(1)
    )


def steady_site_tickets(session: Session, code: str, before: datetime, limit: int) -> list[Ticket]:
    """Tickets of sites nobody works on, whose cabinets had no episode of `code` since then.

    Only where the cabinets ended every episode themselves: what a person ended is a person's.
    """
    linked = select(Fault.cabinet_id).join(TicketFault, TicketFault.fault_id == Fault.id)
    cabinets = linked.where(TicketFault.ticket_id == Ticket.id)
    recent = aliased(Fault)
    unsteady = exists().where(
        recent.code == code,
        recent.cabinet_id.in_(cabinets.correlate(Ticket)),
        or_(recent.state == FaultState.ACTIVE, recent.cleared_at > before),
    )
    by_hand = cabinets.where(Fault.cleared_by != ClearedBy.AUTO).correlate(Ticket).exists()
    found = (
        select(Ticket)
        .where(Ticket.cabinet_id.is_(None), Ticket.state.in_(SELF_CLEARING))
        .where(Ticket.origin_kind == SITE_ORIGIN, ~unsteady, ~by_hand)
        .order_by(Ticket.id)
        .limit(limit)
    )
    return list(session.scalars(found.with_for_update(skip_locked=True)))


def open_tickets_of_fault(session: Session, fault_id: str) -> list[Ticket]:
    """Tickets that are to end this episode, locked."""
    return open_tickets_of_many(session, [fault_id])[fault_id]


def open_tickets_of_many(
    session: Session, fault_ids: Iterable[str]
) -> defaultdict[str, list[Ticket]]:
    """Tickets that are to end these episodes, by episode, locked in one order."""
    found = (
        select(TicketFault.fault_id, Ticket)
        .join(Ticket, Ticket.id == TicketFault.ticket_id)
        .where(one_of(session, TicketFault.fault_id, fault_ids), Ticket.state.in_(OPEN))
        .order_by(Ticket.id)
    )
    tickets: defaultdict[str, list[Ticket]] = defaultdict(list)
    for fault_id, ticket in session.execute(found.with_for_update(of=Ticket)):
        tickets[fault_id].append(ticket)
    return tickets


def faults_of(session: Session, ticket_id: str) -> list[Fault]:
    """Episodes a ticket is to end, oldest first."""
    return faults_of_many(session, [ticket_id])[ticket_id]


def faults_of_many(session: Session, ticket_ids: Collection[str]) -> defaultdict[str, list[Fault]]:
    """The same of many tickets, by ticket."""
    found = (
        select(TicketFault.ticket_id, Fault)
        .join(Fault, Fault.id == TicketFault.fault_id)
        .where(one_of(session, TicketFault.ticket_id, ticket_ids))
        .order_by(Fault.since, Fault.id)
    )
    faults: defaultdict[str, list[Fault]] = defaultdict(list)
    for ticket_id, fault in session.execute(found):
        faults[ticket_id].append(fault)
    return faults


def is_linked(session: Session, ticket_id: str, fault_id: str) -> bool:
    """Whether the ticket is to end this episode already."""
    session.flush()
    return session.get(TicketFault, (ticket_id, fault_id)) is not None


def cabinets_of(session: Session, tickets: Iterable[Ticket]) -> defaultdict[str, set[str]]:
    """Cabinets by ticket: its own, those of merged ones, those of its faults."""
    cabinets: defaultdict[str, set[str]] = defaultdict(set)
    ids = []
    for ticket in tickets:
        ids.append(ticket.id)
        cabinets[ticket.id].update(ticket.further_cabinets)
        if ticket.cabinet_id is not None:
            cabinets[ticket.id].add(ticket.cabinet_id)
    found = (
        select(TicketFault.ticket_id, Fault.cabinet_id)
        .join(Fault, Fault.id == TicketFault.fault_id)
        .where(TicketFault.ticket_id.in_(ids))
    )
    for ticket_id, cabinet_id in session.execute(found):
        cabinets[ticket_id].add(cabinet_id)
    return cabinets


def silent_too_long(
    session: Session, code: str, before: datetime, now: datetime, limit: int
) -> list[Fault]:
    """Active episodes of `code` since before then that no open ticket is to end.

    Those of muted cabinets wait until the muting ends.
    """
    covered = exists().where(
        TicketFault.fault_id == Fault.id,
        TicketFault.ticket_id == Ticket.id,
        Ticket.state.in_(OPEN),
    )
    found = (
        select(Fault)
        .where(Fault.code == code, Fault.state == FaultState.ACTIVE, Fault.since <= before)
        .where(~covered)
        .join(Cabinet, Cabinet.id == Fault.cabinet_id)
        .where(or_(Cabinet.muted_until.is_(None), Cabinet.muted_until <= now))
        .order_by(Fault.site_id, Fault.since)
        .limit(limit)
    )
    return list(session.scalars(found))


def due_tickets(
    session: Session, column: InstrumentedAttribute[datetime | None], now: datetime, limit: int
) -> list[Ticket]:
    """Tickets whose instant in `column` has come, locked, longest waiting first."""
    found = select(Ticket).where(column <= now).order_by(column).limit(limit)
    return list(session.scalars(found.with_for_update(skip_locked=True)))


def history_of(session: Session, ticket_id: str) -> list[TicketHistory]:
    """What happened to a ticket, oldest first."""
    found = select(TicketHistory).where(TicketHistory.ticket_id == ticket_id)
    return list(session.scalars(found.order_by(TicketHistory.seq)))


def notes_of(session: Session, ticket_id: str) -> list[TicketNote]:
    """What people wrote, oldest first."""
    found = select(TicketNote).where(TicketNote.ticket_id == ticket_id)
    return list(session.scalars(found.order_by(TicketNote.at, TicketNote.id)))


def count_notes(session: Session, ticket_id: str) -> int:
    """How many notes stand on a ticket."""
    found = select(func.count()).where(TicketNote.ticket_id == ticket_id)
    return session.scalar(found) or 0


def merged_into(session: Session, ticket_id: str) -> list[Ticket]:
    """Tickets that ended as a part of this one, oldest first."""
    return list(
        session.scalars(select(Ticket).where(Ticket.merged_into == ticket_id).order_by(Ticket.id))
    )


def split_from(session: Session, ticket_id: str) -> list[Ticket]:
    """Tickets that were split off this one, oldest first."""
    return list(
        session.scalars(select(Ticket).where(Ticket.split_from == ticket_id).order_by(Ticket.id))
    )


def open_tickets_owned(session: Session, owner: str) -> list[Ticket]:
    """Open tickets this audience is accountable for, locked in one order."""
    found = select(Ticket).where(Ticket.owner == owner, Ticket.state.in_(OPEN))
    return list(session.scalars(found.order_by(Ticket.id).with_for_update()))


def works_at(session: Session, owner: str, site_id: str) -> bool:
    """Whether this audience is accountable for an open ticket of the site."""
    found = select(Ticket.id).where(
        Ticket.owner == owner, Ticket.site_id == site_id, Ticket.state.in_(OPEN)
    )
    return session.scalar(found.limit(1)) is not None


def hand_overs_of(session: Session, ticket_id: str) -> list[TicketHandOver]:
    """Who was accountable, oldest first."""
    found = select(TicketHandOver).where(TicketHandOver.ticket_id == ticket_id)
    return list(session.scalars(found.order_by(TicketHandOver.seq)))


def record_of(session: Session, ticket_id: str) -> ServiceRecord | None:
    """Service record as far as it was written."""
    return session.get(ServiceRecord, ticket_id)


def record_fields(session: Session, ticket_id: str) -> RecordFields | None:
    """Fields of the service record; None when there is none yet."""
    row = record_of(session, ticket_id)
    if row is None:
        return None
    return RecordFields(**{name: getattr(row, name) for name in RecordFields.__dataclass_fields__})


def _same(site_id: str, cabinet_id: str | None, kind: str, component: str) -> Select[Ticket]:
    place = Ticket.cabinet_id.is_(None) if cabinet_id is None else Ticket.cabinet_id == cabinet_id
    return select(Ticket).where(
        Ticket.site_id == site_id, place, Ticket.kind == kind, Ticket.component == component
    )


def _same_as_any(session: Session, works: Collection[Work]) -> Select[Ticket]:
    # Few components and kinds, many cabinets: what is too much by their product fits no work asked
    # for, and is never looked up.
    return select(Ticket).where(
        one_of(session, Ticket.cabinet_id, {work.cabinet_id for work in works}),
        Ticket.kind.in_({work.kind for work in works}),
        Ticket.component.in_({work.component for work in works}),
    )
