"""Use cases of tickets. Every change of a ticket's state goes through `move`.

Other features call `open_ticket` (recalls), `move`, `hand_over`, `arrive` and `return_to_dispatch`
(dispatch). What people do to a ticket beside its life cycle is in `by_hand.py` and `merging.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fleet_server.audit.service import record
from fleet_server.auth.rules import Role
from fleet_server.cabinets.models import Site
from fleet_server.cabinets.queries import site_by_id, sites_by_id
from fleet_server.live.service import FLEET, changed
from fleet_server.notifications.rules import to_role
from fleet_server.service_levels import service as clocks
from fleet_server.service_levels.queries import pinned, policy_in_force
from fleet_server.service_levels.rules import Policy, Priority, Subject
from fleet_server.tickets import dues
from fleet_server.tickets.events import (
    TicketEscalated,
    TicketMoved,
    TicketOpened,
    TicketReady,
)
from fleet_server.tickets.models import Ticket, TicketFault, TicketHandOver, TicketHistory
from fleet_server.tickets.queries import is_linked
from fleet_server.tickets.rules import (
    PERSON_ORIGIN,
    STOCK_KINDS,
    WAIT_LOOK,
    TicketKind,
    more_urgent,
    priority_of,
)
from fleet_server.tickets.states import TICKET_LIFE, WAITING, TicketState
from fleet_server.transactions import Transaction
from protocol.faults import Severity

OWNER_KIND = "ticket"
PERSON = "user:"
"""How the actor of a transaction begins when it is a person."""
DESK = "desk"
"""Kind a policy sees for a ticket that needs no visit: it has no arrival clock."""

_CLOCK_EVENTS = {
    TicketState.TRIAGED: "triaged",
    TicketState.RESOLVED: "resolved",
    TicketState.CANCELLED: "cancelled",
    TicketState.CLOSED: "closed",
}


@dataclass(frozen=True)
class NewTicket:
    """What a ticket is opened with. Without `cabinet_id` it is for the whole site."""

    kind: TicketKind
    priority: Priority
    site_id: str
    title_zh: str
    title_en: str
    cabinet_id: str | None = None
    component: str = ""
    skill: str = ""
    severity: Severity | None = None
    description: str = ""
    needs_visit: bool = True
    wait_seconds: float = 0.0
    """How long before technicians are asked."""
    origin_kind: str = PERSON_ORIGIN
    origin_id: str = ""
    fault_ids: tuple[str, ...] = ()
    repeat_of: str | None = None
    repeats: int = 0
    split_from: str | None = None
    level: int = 1


def open_ticket(tx: Transaction, new: NewTicket) -> Ticket:
    """Open a ticket, start its clocks, and let dispatch begin at once or after the wait."""
    (ticket,) = open_tickets(tx, [new])
    return ticket


def open_tickets(tx: Transaction, news: Sequence[NewTicket]) -> list[Ticket]:
    """Open many, with a few statements in all."""
    policy = policy_in_force(tx.session)
    sites = sites_by_id(tx.session, {new.site_id for new in news})
    tickets = [_new_ticket(tx, new, policy) for new in news]
    tx.session.add_all(tickets)
    for ticket, new in zip(tickets, news, strict=True):
        note(tx, ticket, "opened", TicketState.NEW, "opened", {"repeat_of": new.repeat_of})
        _hand(tx, ticket, None, ticket.owner, "opened")
        for fault_id in new.fault_ids:
            _link(tx, ticket, fault_id)
    things = [
        (clock_owner(ticket, sites[ticket.site_id]), subject_of(ticket, sites[ticket.site_id]))
        for ticket in tickets
    ]
    clocks.start_new(tx, things, "opened", policy)
    for ticket, new in zip(tickets, news, strict=True):
        record(tx, "ticket.opened", "ticket", ticket.id, {"kind": ticket.kind}, ticket.site_id)
        tx.announce(TicketOpened(ticket.id, ticket.kind, ticket.site_id, ticket.cabinet_id))
        if new.needs_visit and new.wait_seconds <= 0:
            begin_dispatch(tx, ticket)
    return tickets


def move(
    tx: Transaction,
    ticket: Ticket,
    to: TicketState,
    reason: str,
    details: dict[str, Any] | None = None,
) -> None:
    """Take one step of the life cycle. Raises IllegalTransitionError."""
    move_all(tx, [ticket], to, reason, details)


def move_all(
    tx: Transaction,
    tickets: Sequence[Ticket],
    to: TicketState,
    reason: str,
    details: dict[str, Any] | None = None,
) -> None:
    """Let many take the same step, with a few statements. Raises IllegalTransitionError."""
    moved = [(ticket, TicketState(ticket.state)) for ticket in tickets]
    for ticket, before in moved:
        ticket.state = TICKET_LIFE.step(before, to)
        ticket.reason = reason[:200]
        _set_instants(tx, ticket, to)
        note(tx, ticket, "moved", before, reason, details or {})
    clocks.entered(tx, OWNER_KIND, [one.id for one in tickets], to, _clock_events(tx.actor, to))
    for ticket, before in moved:
        record(tx, f"ticket.{to}", "ticket", ticket.id, {"from": before}, ticket.site_id)
        tx.announce(TicketMoved(ticket.id, before, to, ticket.reason))


def begin_dispatch(tx: Transaction, ticket: Ticket) -> None:
    """Let technicians be asked; triage is automatic when nobody did it before."""
    if ticket.state in {TicketState.NEW, TicketState.REOPENED}:
        move(tx, ticket, TicketState.TRIAGED, "automatic: dispatch begins")
    ticket.dispatch_at = None
    tx.announce(TicketReady(ticket.id))


def return_to_dispatch(tx: Transaction, ticket: Ticket, reason: str) -> None:
    """Let technicians be asked again: a visit was aborted, parts came, the site is open."""
    if ticket.state != TicketState.TRIAGED:
        move(tx, ticket, TicketState.TRIAGED, reason)
    if ticket.needs_visit:
        hand_over(tx, ticket, to_role(Role.DISPATCHER), reason)
        begin_dispatch(tx, ticket)


def wait(tx: Transaction, ticket: Ticket, reason: str) -> None:
    """A waiting ticket is watched by the desk: nobody is on the way for it."""
    role = Role.DISPATCHER if ticket.needs_visit else Role.OPERATOR
    hand_over(tx, ticket, to_role(role), reason)


def arrive(tx: Transaction, ticket: Ticket, reason: str) -> None:
    """Somebody stands at the cabinet: the arrival clocks stop, the work is in progress."""
    clocks.happened(tx, OWNER_KIND, ticket.id, "arrived")
    move(tx, ticket, TicketState.IN_PROGRESS, reason)


def reopen(tx: Transaction, ticket: Ticket, reason: str) -> None:
    """Begin again: more urgent, with new clocks; what the old ones showed stays."""
    move(tx, ticket, TicketState.REOPENED, reason)
    ticket.repeats += 1
    escalate(tx, ticket, Priority(ticket.priority).raised, None)
    site = site_by_id(tx.session, ticket.site_id)
    owner, subject = clock_owner(ticket, site), subject_of(ticket, site)
    clocks.start(tx, owner, subject, "reopened", pinned(tx.session, ticket.policy))
    if ticket.needs_visit:
        return_to_dispatch(tx, ticket, reason)


def escalate(
    tx: Transaction, ticket: Ticket, priority: Priority, severity: Severity | None
) -> None:
    """Make a ticket more urgent; it never becomes less so."""
    before = Priority(ticket.priority)
    priority = more_urgent(before, priority)
    grave = severity is not None and (
        ticket.severity is None or severity.rank < Severity(ticket.severity).rank
    )
    if priority == before and not grave:
        return
    ticket.priority = priority
    ticket.severity = severity if grave else ticket.severity
    site = site_by_id(tx.session, ticket.site_id)
    owner, subject = clock_owner(ticket, site), subject_of(ticket, site)
    promised = dues.of(tx, OWNER_KIND, ticket.id)
    clocks.retarget(tx, owner, subject)
    dues.keep_earlier(tx, OWNER_KIND, ticket.id, promised)
    if ticket.state in {TicketState.NEW, TicketState.TRIAGED, TicketState.SCHEDULED}:
        clocks.start_added(tx, owner, subject, "opened", pinned(tx.session, ticket.policy))
    details = {"from": before, "to": priority, "severity": ticket.severity}
    note(tx, ticket, "escalated", TicketState(ticket.state), "more urgent", details)
    record(tx, "ticket.escalated", "ticket", ticket.id, details, ticket.site_id)
    tx.announce(TicketEscalated(ticket.id, priority))
    if severity is Severity.C and ticket.dispatch_at is not None:
        begin_dispatch(tx, ticket)


def join_fault(tx: Transaction, ticket: Ticket, fault_id: str, severity: Severity) -> None:
    """Let a ticket end one more episode, and be as urgent as it."""
    if is_linked(tx.session, ticket.id, fault_id):
        return
    link_fault(tx, ticket, fault_id)
    note(tx, ticket, "joined", TicketState(ticket.state), "fault joined", {"fault": fault_id})
    if ticket.kind not in STOCK_KINDS:
        escalate(tx, ticket, priority_of(severity), severity)


def link_fault(tx: Transaction, ticket: Ticket, fault_id: str) -> None:
    """Note that the ticket is to end this episode; an episode that opens again is known to it."""
    if not is_linked(tx.session, ticket.id, fault_id):
        _link(tx, ticket, fault_id)


def hand_over(tx: Transaction, ticket: Ticket, owner: str, reason: str) -> None:
    """Make another one accountable; nobody is never accountable."""
    if ticket.owner == owner:
        return
    giver, ticket.owner = ticket.owner, owner
    _hand(tx, ticket, giver, owner, reason)
    clocks.hand_over(tx, OWNER_KIND, ticket.id, owner)
    record(tx, "ticket.handed_over", "ticket", ticket.id, {"taker": owner}, ticket.site_id)


def skills_of(ticket: Ticket) -> set[str]:
    """Skills somebody needs for the whole of a ticket."""
    return {ticket.skill, *ticket.further_skills} - {""}


def clock_owner(ticket: Ticket, site: Site) -> clocks.Owner:
    """Return the owner of this ticket's clocks."""
    owner = ticket.owner
    return clocks.Owner(OWNER_KIND, ticket.id, owner, site.id, site.region, site.calendar)


def subject_of(ticket: Ticket, site: Site) -> Subject:
    """Return what a policy sees of a ticket."""
    return Subject(
        OWNER_KIND if ticket.needs_visit else DESK,
        ticket.kind,
        Priority(ticket.priority),
        Severity(ticket.severity) if ticket.severity is not None else None,
        channel=ticket.origin_kind,
        contract=site.contract,
    )


def _link(tx: Transaction, ticket: Ticket, fault_id: str) -> None:
    tx.session.add(TicketFault(ticket_id=ticket.id, fault_id=fault_id, linked_at=tx.now))


def _clock_events(actor: str, to: TicketState) -> list[str]:
    """Return what a step means to clocks; any step a person takes is a response of a person."""
    said = [_CLOCK_EVENTS[to]] if to in _CLOCK_EVENTS else []
    return [*said, "responded"] if actor.startswith(PERSON) else said


def _new_ticket(tx: Transaction, new: NewTicket, policy: Policy) -> Ticket:
    return Ticket(
        id=tx.new_id(),
        kind=new.kind,
        state=TicketState.NEW,
        priority=new.priority,
        severity=new.severity,
        title_zh=new.title_zh,
        title_en=new.title_en,
        description=new.description,
        site_id=new.site_id,
        cabinet_id=new.cabinet_id,
        component=new.component,
        skill=new.skill,
        further_skills=[],
        further_cabinets=[],
        level=new.level,
        needs_visit=new.needs_visit,
        origin_kind=new.origin_kind,
        origin_id=new.origin_id,
        owner=to_role(Role.DISPATCHER if new.needs_visit else Role.OPERATOR),
        policy=policy.reference,
        repeat_of=new.repeat_of,
        repeats=new.repeats,
        split_from=new.split_from,
        reason="opened",
        opened_at=tx.now,
        triage_at=_auto_triage_at(tx.now, policy, new),
        dispatch_at=tx.now + timedelta(seconds=new.wait_seconds) if new.needs_visit else None,
    )


def _auto_triage_at(now: datetime, policy: Policy, new: NewTicket) -> datetime | None:
    # The machine triages before the acknowledge clock runs out, not with the last tick: it knows
    # component, skill and priority from the catalogue. What is done from a desk waits for a person.
    if not new.needs_visit:
        return None
    wait = policy.triage_wait_seconds * policy.auto_triage_percent / 100
    return now + timedelta(seconds=min(wait, new.wait_seconds))


def _set_instants(tx: Transaction, ticket: Ticket, to: TicketState) -> None:
    if to is not TicketState.NEW:
        ticket.triage_at = None
    if to is not TicketState.TRIAGED:
        ticket.dispatch_at = None
    ticket.close_at = None
    ticket.expected_at = None
    ticket.wait_look_at = tx.now + WAIT_LOOK if to in WAITING else None
    if to is TicketState.REOPENED:
        ticket.appointment_from = ticket.appointment_to = ticket.appointment_replaced = None
    if to is TicketState.VERIFIED:
        quiet = timedelta(seconds=pinned(tx.session, ticket.policy).quiet_close_seconds)
        ticket.close_at = tx.now + quiet
    if to in TICKET_LIFE.final:
        ticket.closed_at = tx.now


def note(  # the parts of one row
    tx: Transaction,
    ticket: Ticket,
    what: str,
    before: TicketState,
    reason: str,
    details: dict[str, Any],
) -> None:
    """Append to a ticket's history, and tell who watches it."""
    tx.session.add(
        TicketHistory(
            ticket_id=ticket.id,
            at=tx.now,
            what=what,
            before=before,
            after=ticket.state,
            actor=tx.actor,
            reason=reason[:200],
            details=details,
        )
    )
    topics = [FLEET, f"ticket/{ticket.id}"]
    if ticket.cabinet_id is not None:
        topics.append(f"cabinet/{ticket.cabinet_id}")
    changed(tx, topics, "ticket", ticket.id, ticket.site_id)


def _hand(tx: Transaction, ticket: Ticket, giver: str | None, taker: str, reason: str) -> None:
    tx.session.add(
        TicketHandOver(
            ticket_id=ticket.id,
            at=tx.now,
            giver=giver,
            taker=taker,
            actor=tx.actor,
            reason=reason[:200],
        )
    )
