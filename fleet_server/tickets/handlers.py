"""Reactions: faults open, join, escalate and close tickets; unreadable events ask for a look."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from fleet_server.auth.events import AccountClosed
from fleet_server.auth.rules import Role
from fleet_server.cabinets.models import Site
from fleet_server.cabinets.queries import cabinet_by_id, cabinets_by_id, sites_by_id
from fleet_server.faults.events import FaultEnded, FaultOpened, FaultRepeated
from fleet_server.faults.models import Fault
from fleet_server.faults.queries import fault_by_id, faults_by_id
from fleet_server.faults.rules import FaultSource, kind_of
from fleet_server.faults.states import FaultState
from fleet_server.ingest.events import EventUnreadable
from fleet_server.notifications.rules import to_role, to_user
from fleet_server.service_levels.queries import policy_in_force
from fleet_server.service_levels.rules import Policy, Priority
from fleet_server.technicians.events import TechnicianLeft
from fleet_server.tickets.models import Ticket
from fleet_server.tickets.proof import verify_if_cleared
from fleet_server.tickets.queries import (
    SELF_CLEARED,
    Work,
    ended_tickets_since,
    faults_of_many,
    open_tickets_of_fault,
    open_tickets_of_many,
    open_tickets_owned,
    unended_ticket,
    unended_tickets,
)
from fleet_server.tickets.rules import (
    DESK_SKILL,
    STOCK_KINDS,
    Plan,
    TicketKind,
    is_muted,
    plan_for,
    priority_of,
)
from fleet_server.tickets.service import (
    NewTicket,
    escalate,
    hand_over,
    join_fault,
    link_fault,
    move_all,
    open_ticket,
    open_tickets,
    reopen,
)
from fleet_server.tickets.silent_sites import comes_and_goes
from fleet_server.tickets.states import JOINABLE, SELF_CLEARING, TicketState
from fleet_server.transactions import Transaction
from protocol.events import ClearedBy
from protocol.faults import Severity


def on_faults_opened(tx: Transaction, facts: Sequence[FaultOpened]) -> None:
    """Open a ticket, or join or reopen the one of the same cabinet and component."""
    # Once each: an episode whose beginning comes twice, from two stores, is opened twice.
    ids = dict.fromkeys(fact.fault_id for fact in facts)
    known = faults_by_id(tx.session, ids)
    _ask(tx, [known[fault_id] for fault_id in ids])


def on_fault_repeated(tx: Transaction, fact: FaultRepeated) -> None:
    """Make its ticket as urgent as the fault became; open one where it had none."""
    follow_fault(tx, fault_by_id(tx.session, fact.fault_id))


def follow_fault(tx: Transaction, fault: Fault) -> None:
    """See to it that an active fault has a ticket that is urgent enough."""
    severity = Severity(fault.severity)
    if _is_muted(tx, fault):
        return
    tickets = open_tickets_of_fault(tx.session, fault.id)
    if not tickets:
        _ask(tx, [fault])
    for ticket in tickets:
        if ticket.kind not in STOCK_KINDS:
            escalate(tx, ticket, priority_of(severity), severity)


def on_faults_ended(tx: Transaction, facts: Sequence[FaultEnded]) -> None:
    """Verify what was resolved; close what cleared by itself before anyone began."""
    standing = open_tickets_of_many(tx.session, {fact.fault_id for fact in facts})
    quiet: dict[str, Ticket] = {}
    for fact in facts:
        for ticket in standing[fact.fault_id]:
            verify_if_cleared(tx, ticket)
            if ticket.state in SELF_CLEARING and fact.cleared_by is ClearedBy.AUTO:
                quiet[ticket.id] = ticket
    if not quiet:
        return
    faults = faults_of_many(tx.session, quiet)
    closing = [one for one in quiet.values() if _cleared_by_itself(tx, one, faults[one.id])]
    move_all(tx, closing, TicketState.CLOSED, SELF_CLEARED)


def on_event_unreadable(tx: Transaction, fact: EventUnreadable) -> None:
    """Have the operator look at a dead letter (P-6); further ones of the cabinet join in words."""
    component = "journal"
    standing = unended_ticket(
        tx.session, fact.site_id, fact.cabinet_id, TicketKind.INSPECTION, component
    )
    if standing is not None and standing.state in JOINABLE:
        return
    open_ticket(
        tx,
        NewTicket(
            kind=TicketKind.INSPECTION,
            priority=Priority.P2,
            site_id=fact.site_id,
            cabinet_id=fact.cabinet_id,
            component=component,
            skill=DESK_SKILL,
            severity=Severity.M,
            title_zh=f"无法读取的事件 {fact.event_type[:60]}",
            title_en=f"Unreadable event {fact.event_type[:60]}",
            description=fact.reason,
            needs_visit=False,
            origin_kind="dead_letter",
            origin_id=fact.dead_letter_id,
        ),
    )


def on_technician_left(tx: Transaction, fact: TechnicianLeft) -> None:
    """What somebody still answered for goes back to the desk (their visits are given back)."""
    _give_back(tx, fact.audience, "the technician left")


def on_account_closed(tx: Transaction, fact: AccountClosed) -> None:
    """Nobody is accountable who cannot sign in."""
    _give_back(tx, to_user(fact.user_id), "the account was closed")


def _give_back(tx: Transaction, owner: str, reason: str) -> None:
    for ticket in open_tickets_owned(tx.session, owner):
        role = Role.DISPATCHER if ticket.needs_visit else Role.OPERATOR
        hand_over(tx, ticket, to_role(role), reason)


def _is_muted(tx: Transaction, fault: Fault) -> bool:
    cabinet = cabinet_by_id(tx.session, fault.cabinet_id)
    return is_muted(cabinet.muted_until, tx.now, Severity(fault.severity))


def _ask(tx: Transaction, faults: Sequence[Fault]) -> None:
    """Join, reopen or open; looked up, and opened, for all at once."""
    cabinets = cabinets_by_id(tx.session, {fault.cabinet_id for fault in faults})
    planned: list[tuple[Work, Fault, Plan]] = []
    for fault in faults:
        severity = Severity(fault.severity)
        plan = plan_for(kind_of(fault.code, fault.part), severity, FaultSource(fault.source))
        muted = is_muted(cabinets[fault.cabinet_id].muted_until, tx.now, severity)
        if plan is not None and not muted:
            work = Work(fault.site_id, fault.cabinet_id, plan.kind, plan.component)
            planned.append((work, fault, plan))
    if not planned:
        return
    standing = unended_tickets(tx.session, {work for work, _, _ in planned})
    first: dict[Work, tuple[Fault, Plan]] = {}
    joining: list[tuple[Work, Fault]] = []
    for work, fault, plan in planned:
        if work in standing or work in first:
            joining.append((work, fault))
        else:
            first[work] = (fault, plan)
    standing |= _open(tx, first)
    for work, fault in joining:
        _join(tx, standing[work], fault)


def _join(tx: Transaction, ticket: Ticket, fault: Fault) -> None:
    if ticket.state in JOINABLE:
        join_fault(tx, ticket, fault.id, Severity(fault.severity))
    else:
        link_fault(tx, ticket, fault.id)
        reopen(tx, ticket, "the fault came back")


def _open(tx: Transaction, wanted: Mapping[Work, tuple[Fault, Plan]]) -> dict[Work, Ticket]:
    if not wanted:
        return {}
    policy = policy_in_force(tx.session)
    since = tx.now - timedelta(seconds=policy.repeat_within_seconds)
    earlier = ended_tickets_since(tx.session, wanted.keys(), since)
    sites = sites_by_id(tx.session, {work.site_id for work in wanted})
    news = [
        _new(fault, plan, sites[work.site_id], policy, earlier.get(work))
        for work, (fault, plan) in wanted.items()
    ]
    return dict(zip(wanted, open_tickets(tx, news), strict=True))


def _new(fault: Fault, plan: Plan, site: Site, policy: Policy, earlier: Ticket | None) -> NewTicket:
    kind = kind_of(fault.code, fault.part)
    priority = priority_of(plan.severity)
    return NewTicket(
        kind=plan.kind,
        priority=priority if earlier is None else priority.raised,
        site_id=fault.site_id,
        cabinet_id=fault.cabinet_id,
        component=plan.component,
        skill=plan.skill,
        severity=plan.severity,
        title_zh=f"{kind.title_zh}（{site.name}）",
        title_en=f"{kind.title_en} ({site.name})",
        needs_visit=plan.needs_visit,
        wait_seconds=policy.triage_wait_seconds if plan.waits else 0.0,
        origin_kind="fault",
        origin_id=fault.id,
        fault_ids=(fault.id,),
        repeat_of=None if earlier is None else earlier.id,
        repeats=0 if earlier is None else earlier.repeats + 1,
    )


def _cleared_by_itself(tx: Transaction, ticket: Ticket, faults: list[Fault]) -> bool:
    # A fault of severity C stopped sales: somebody looks, even if it went away.
    if any(fault.state != FaultState.CLEARED or fault.severity == Severity.C for fault in faults):
        return False
    return not comes_and_goes(tx, ticket, faults)
