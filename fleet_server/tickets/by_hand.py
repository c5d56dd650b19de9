"""What people do to a ticket beside the steps of its life.

Split from `service.py`: hand over, prioritise, note, appoint, expect. Whether the caller may do it
now was asked before (`permissions.must_act`).
"""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import update

from fleet_server.audit.service import record
from fleet_server.auth.queries import user_by_id
from fleet_server.auth.rules import Grant, Permission, Role, scope_of
from fleet_server.cabinets.models import Site
from fleet_server.cabinets.queries import site_by_id
from fleet_server.errors import ConflictError, InvalidError
from fleet_server.live.service import changed
from fleet_server.notifications.rules import About, to_role, to_user
from fleet_server.notifications.service import notify
from fleet_server.notifications.templates import InBoth, said
from fleet_server.service_levels import service as clocks
from fleet_server.service_levels.queries import earliest_due, policy_in_force
from fleet_server.service_levels.rules import Priority
from fleet_server.technicians.queries import technician_of_user
from fleet_server.tickets import dues
from fleet_server.tickets.events import TicketAppointed, TicketEscalated
from fleet_server.tickets.models import Ticket, TicketHandOver, TicketNote
from fleet_server.tickets.queries import count_notes, ended_at_component, hand_overs_of
from fleet_server.tickets.rules import REPEATING, appointment_flaw, expectation_flaw
from fleet_server.tickets.service import (
    OWNER_KIND,
    PERSON,
    NewTicket,
    clock_owner,
    hand_over,
    note,
    subject_of,
)
from fleet_server.tickets.states import TicketState
from fleet_server.transactions import Transaction

NOTES_MAX = 500
"""Of one ticket: a person writes a handful, a program that runs wild is stopped."""


def give_to(tx: Transaction, ticket: Ticket, to: str, reason: str) -> TicketHandOver:
    """Make somebody else accountable, who hears of it.

    Raises InvalidError for who does not exist or cannot see it, ConflictError for who is already.
    """
    site = site_by_id(tx.session, ticket.site_id)
    _check_taker(tx, to, site)
    if ticket.owner == to:
        raise ConflictError(f"{to} is accountable for ticket {ticket.id} already")
    hand_over(tx, ticket, to, reason)
    tx.session.flush()
    title = InBoth(ticket.title_zh, ticket.title_en)
    notify(tx, to, said("ticket.given", ticket=title, reason=reason), about(ticket, site))
    return hand_overs_of(tx.session, ticket.id)[-1]


def set_priority(tx: Transaction, ticket: Ticket, priority: Priority, reason: str) -> None:
    """Let a person say how urgent it is, more or less; pauses of its clocks are kept."""
    before = Priority(ticket.priority)
    if priority == before:
        return
    ticket.priority = priority
    site = site_by_id(tx.session, ticket.site_id)
    clocks.retarget(tx, clock_owner(ticket, site), subject_of(ticket, site))
    details = {"from": before, "to": priority}
    note(tx, ticket, "prioritised", TicketState(ticket.state), reason, details)
    record(
        tx,
        "ticket.prioritised",
        "ticket",
        ticket.id,
        {**details, "reason": reason},
        ticket.site_id,
    )
    if priority.rank < before.rank:
        tx.announce(TicketEscalated(ticket.id, priority))


def add_note(tx: Transaction, ticket: Ticket, text: str) -> TicketNote:
    """Keep what somebody wrote, as it was written. Raises ConflictError past the bound."""
    if count_notes(tx.session, ticket.id) >= NOTES_MAX:
        raise ConflictError(f"ticket {ticket.id} has {NOTES_MAX} notes already")
    row = TicketNote(
        id=tx.new_id(),
        ticket_id=ticket.id,
        written_on=ticket.id,
        at=tx.now,
        author=tx.actor,
        text=text,
    )
    tx.session.add(row)
    tx.session.flush()
    record(tx, "ticket.noted", "ticket", ticket.id, {"note": row.id}, ticket.site_id)
    changed(tx, [f"ticket/{ticket.id}"], "ticket", ticket.id, ticket.site_id)
    return row


def hand_on_notes(tx: Transaction, ticket: Ticket, into: Ticket) -> None:
    """Let all notes of a ticket stand on another one; each still says where it was written."""
    tx.session.flush()
    mine = TicketNote.ticket_id == ticket.id
    tx.session.execute(update(TicketNote).where(mine).values(ticket_id=into.id))


def appoint(tx: Transaction, ticket: Ticket, start: datetime, end: datetime) -> None:
    """Keep when the site wants somebody to come; the arrival is due at its end.

    Both values stay: `appointment_replaced` says when it was due before. Raises InvalidError.
    """
    flaw = appointment_flaw(start, end, tx.now)
    if flaw is not None:
        raise InvalidError(*flaw)
    if ticket.appointment_to is None:
        due_at = earliest_due(tx.session, OWNER_KIND, [ticket.id], dues.ARRIVED)
        ticket.appointment_replaced = due_at
    ticket.appointment_from, ticket.appointment_to = start, end
    site = site_by_id(tx.session, ticket.site_id)
    tx.session.flush()
    clocks.promise(tx, clock_owner(ticket, site), subject_of(ticket, site), dues.ARRIVED, end)
    if tx.actor.startswith(PERSON):  # who agreed on a time has spoken to the site
        clocks.happened(tx, OWNER_KIND, ticket.id, "responded")
    details = {"from": start.isoformat(), "to": end.isoformat()}
    note(tx, ticket, "appointed", TicketState(ticket.state), "by the site", details)
    record(tx, "ticket.appointed", "ticket", ticket.id, details, ticket.site_id)
    tx.announce(TicketAppointed(ticket.id))


def expect(tx: Transaction, ticket: Ticket, expected_at: datetime | None) -> None:
    """Say until when a ticket waits; then it is looked at. Raises InvalidError."""
    if expected_at is None:
        return
    flaw = expectation_flaw(expected_at, tx.now)
    if flaw is not None:
        raise InvalidError("expected_at", flaw)
    ticket.expected_at = ticket.wait_look_at = expected_at
    details = {"until": expected_at.isoformat()}
    note(tx, ticket, "expected", TicketState(ticket.state), ticket.reason, details)
    record(tx, "ticket.expected", "ticket", ticket.id, details, ticket.site_id)


def linked_to_earlier(tx: Transaction, new: NewTicket) -> NewTicket:
    """Return it with its link and a raised priority where the trouble came back (S3-7.7.3)."""
    if new.cabinet_id is None or not new.component or new.kind not in REPEATING:
        return new
    within = policy_in_force(tx.session).repeat_within_seconds
    earlier = ended_at_component(tx.session, new.cabinet_id, new.component, tx.now, within)
    if earlier is None:
        return new
    return replace(
        new,
        repeat_of=earlier.id,
        repeats=earlier.repeats + 1,
        priority=new.priority.raised,
    )


def about(ticket: Ticket, site: Site) -> About:
    """Return the subject of a notice about a ticket."""
    return About("ticket", ticket.id, site.id, site.region, ZoneInfo(site.time_zone))


def _check_taker(tx: Transaction, to: str, site: Site) -> None:
    if to in {to_role(role) for role in Role}:
        return
    kind, _, key = to.partition(":")
    user = user_by_id(tx.session, key) if kind == "user" else None
    if user is None or not user.active or to != to_user(user.id):
        raise InvalidError("to", "name `user:<id>` of somebody with an account, or `role:<role>`")
    technician = technician_of_user(tx.session, user.id)
    if technician is not None and not technician.active:
        raise InvalidError("to", f"{to} is out of service")
    grants = [Grant(Role(one.role), one.site_id, one.region) for one in user.grants]
    scope = scope_of(grants, Permission.VIEW)
    sees = scope is not None and any(grant.reaches(site.id, site.region) for grant in grants)
    if not sees:
        raise InvalidError("to", f"{to} does not see this site")
