"""What must hold at every look, and at the end of the week."""

from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fleet_server.dispatch.models import Offer, Visit, VisitTicket
from fleet_server.dispatch.states import UNENDED, OfferState, VisitState
from fleet_server.notifications.models import Notice
from fleet_server.service_levels.clocks import replayed
from fleet_server.service_levels.models import ServiceClock, ServiceClockStep
from fleet_server.service_levels.queries import reading_of, scales, steps_of
from fleet_server.technicians.models import Qualification
from fleet_server.tickets.models import Ticket
from fleet_server.tickets.states import OPEN, TicketState

LOOK_AGAIN = timedelta(minutes=10)
"""A visit nobody has been asked for is looked at again within it (`replan_seconds` is 5 min)."""
RECOMPUTED_MAX = 500


def problems(session: Session, now: datetime) -> list[str]:
    """Everything that does not hold at this moment."""
    return [
        *_owners(session),
        *_double_booked(session),
        *_forgotten(session, now),
    ]


def final_problems(session: Session) -> list[str]:
    """What the whole week must have kept."""
    return [*_unqualified(session), *_escalated(session), *_recomputed(session)]


def _owners(session: Session) -> list[str]:
    found = select(Ticket.id).where(Ticket.owner == "")
    return [f"ticket {key} has no owner" for key in session.scalars(found)]


def _double_booked(session: Session) -> list[str]:
    under_way = select(Visit.technician_id, func.count()).where(
        Visit.state.in_([VisitState.TRAVELLING, VisitState.ON_SITE])
    )
    wrong = [
        f"technician {key} is on {count} visits at once"
        for key, count in session.execute(under_way.group_by(Visit.technician_id))
        if count > 1
    ]
    standing = select(Offer.visit_id, func.count()).where(Offer.state == OfferState.OFFERED)
    wrong += [
        f"visit {key} is offered {count} times at once"
        for key, count in session.execute(standing.group_by(Offer.visit_id))
        if count > 1
    ]
    links = (
        select(VisitTicket.ticket_id)
        .join(Visit, Visit.id == VisitTicket.visit_id)
        .where(Visit.state.in_(UNENDED), VisitTicket.dropped_at.is_(None))
    )
    counts = Counter(session.scalars(links))
    return wrong + [f"ticket {key} has {n} visits" for key, n in counts.items() if n > 1]


def _forgotten(session: Session, now: datetime) -> list[str]:
    """No offer is lost: who is asked has a deadline, what nobody has is asked for again."""
    offered = select(Visit.id).where(
        Visit.state == VisitState.OFFERED,
        ~select(Offer.id)
        .where(Offer.visit_id == Visit.id, Offer.state == OfferState.OFFERED)
        .exists(),
    )
    wrong = [f"visit {key} is offered to nobody" for key in session.scalars(offered)]
    late = select(Offer.id).where(
        Offer.state == OfferState.OFFERED, Offer.deadline < now - LOOK_AGAIN
    )
    wrong += [f"offer {key} was forgotten" for key in session.scalars(late)]
    idle = select(Visit.id).where(
        Visit.state == VisitState.PLANNED,
        (Visit.ask_again_at.is_(None)) | (Visit.ask_again_at < now - LOOK_AGAIN),
    )
    wrong += [f"visit {key} waits for nothing" for key in session.scalars(idle)]
    without = select(Ticket.id).where(
        Ticket.state == TicketState.TRIAGED,
        Ticket.needs_visit,
        Ticket.dispatch_at.is_(None),
        ~select(VisitTicket.visit_id)
        .join(Visit, Visit.id == VisitTicket.visit_id)
        .where(VisitTicket.ticket_id == Ticket.id, VisitTicket.dropped_at.is_(None))
        .where(Visit.state.in_(UNENDED))
        .exists(),
    )
    return wrong + [f"ticket {key} has no visit" for key in session.scalars(without)]


def _unqualified(session: Session) -> list[str]:
    expiry: dict[str, datetime] = {}
    for row in session.scalars(select(Qualification)):
        known = expiry.get(row.technician_id, row.expires_at)
        expiry[row.technician_id] = max(known, row.expires_at)
    return [
        f"offer {offer.id} went to {offer.technician_id} after the qualification lapsed"
        for offer in session.scalars(select(Offer))
        if expiry[offer.technician_id] <= offer.offered_at
    ]


def _escalated(session: Session) -> list[str]:
    """Every breach was told to somebody."""
    told = set(session.scalars(select(Notice.about_id).where(Notice.kind == "clock.breached")))
    breached = select(ServiceClock).where(ServiceClock.breached_at.is_not(None))
    steps = select(ServiceClockStep.clock_id).where(ServiceClockStep.kind == "breached")
    noted = set(session.scalars(steps))
    wrong = []
    for clock in session.scalars(breached):
        if clock.id in noted and clock.owner_id not in told:
            wrong.append(f"breach of {clock.name} of {clock.owner_id} was told to nobody")
        if clock.id not in noted and clock.stopped_at is None:
            wrong.append(f"breach of {clock.name} of {clock.owner_id} was not noticed")
    return wrong


def _recomputed(session: Session) -> list[str]:
    """Stored values are the fold of the history; a part of them, for time's sake."""
    found = select(ServiceClock).order_by(ServiceClock.id).limit(RECOMPUTED_MAX)
    scale = scales(session)
    return [
        f"clock {clock.id} is not what its history says"
        for clock in session.scalars(found)
        if replayed(steps_of(session, clock.id), scale) != reading_of(clock)
    ]


def summary(session: Session) -> dict[str, float]:
    """What came of the week."""
    states = dict(session.execute(select(Ticket.state, func.count()).group_by(Ticket.state)).all())
    clocks = session.execute(
        select(ServiceClock.met, func.count())
        .where(ServiceClock.name.like("arrival%"), ServiceClock.stopped_at.is_not(None))
        .group_by(ServiceClock.met)
    ).all()
    met = dict(clocks)
    total = sum(met.values())
    return {
        "tickets": float(sum(states.values())),
        "tickets_open": float(sum(n for state, n in states.items() if state in OPEN)),
        "offers": float(session.scalar(select(func.count()).select_from(Offer)) or 0),
        "visits_done": float(
            session.scalar(select(func.count()).where(Visit.state == VisitState.DONE)) or 0
        ),
        "arrivals_on_time_percent": 100.0 * met.get(True, 0) / total if total else 100.0,
        "breaches": float(
            session.scalar(select(func.count()).where(ServiceClock.breached_at.is_not(None))) or 0
        ),
    }
