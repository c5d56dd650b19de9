"""Life of a ticket, and which of its steps a person takes.

The table holds every legal step. Most are taken by the system when a fact says so (a visit was
accepted, the cabinet cleared the fault); `BY_PERSON` and `BY_OWNER` are the rest.
"""

from collections.abc import Mapping
from enum import StrEnum

from fleet_server.life_cycles import LifeCycle


class TicketState(StrEnum):
    """States of the design (fleet-server, Faults -> tickets)."""

    NEW = "new"
    TRIAGED = "triaged"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    VERIFIED = "verified"
    CLOSED = "closed"
    WAITING_PARTS = "waiting_parts"
    WAITING_SITE = "waiting_site"
    CANCELLED = "cancelled"
    REOPENED = "reopened"


_S = TicketState
WAITING = frozenset({_S.WAITING_PARTS, _S.WAITING_SITE})

TICKET_LIFE = LifeCycle(
    "ticket",
    _S.NEW,
    {
        _S.NEW: frozenset({_S.TRIAGED, _S.CLOSED, _S.CANCELLED}),
        _S.TRIAGED: WAITING | {_S.SCHEDULED, _S.IN_PROGRESS, _S.CLOSED, _S.CANCELLED},
        _S.SCHEDULED: WAITING | {_S.TRIAGED, _S.IN_PROGRESS, _S.CLOSED, _S.CANCELLED},
        _S.IN_PROGRESS: WAITING | {_S.RESOLVED, _S.TRIAGED},
        _S.WAITING_PARTS: frozenset({_S.TRIAGED, _S.CANCELLED}),
        _S.WAITING_SITE: frozenset({_S.TRIAGED, _S.CANCELLED}),
        _S.RESOLVED: frozenset({_S.VERIFIED, _S.REOPENED}),
        _S.VERIFIED: frozenset({_S.CLOSED, _S.REOPENED}),
        _S.REOPENED: frozenset({_S.TRIAGED, _S.CANCELLED}),
        # Final: due times of a closed ticket never change; a repeat is a new ticket with a link.
        _S.CLOSED: frozenset(),
        _S.CANCELLED: frozenset(),
    },
)

SELF_CLEARING = frozenset({_S.NEW, _S.TRIAGED, _S.SCHEDULED})
"""A fault that clears by itself closes its ticket from these."""

JOINABLE = frozenset({_S.NEW, _S.TRIAGED, _S.SCHEDULED, _S.IN_PROGRESS, _S.REOPENED} | WAITING)
"""A further fault of the same cabinet and component joins a ticket in these."""

REOPENABLE = frozenset({_S.RESOLVED, _S.VERIFIED})

OPEN = JOINABLE | REOPENABLE


class TicketAct(StrEnum):
    """What people do to a ticket beside the steps of its life."""

    MERGE = "merge"
    SPLIT = "split"
    HAND_OVER = "hand_over"
    ADD_NOTE = "add_note"
    SET_PRIORITY = "set_priority"
    APPOINT = "appoint"
    EXPECT = "expect"
    ATTACH = "attach"


_BEFORE_WORK = frozenset({_S.NEW, _S.TRIAGED, _S.SCHEDULED, _S.REOPENED}) | WAITING

ACTS: Mapping[TicketAct, frozenset[TicketState]] = {
    # What ends as a part of another ticket is cancelled: nobody works on it yet.
    TicketAct.MERGE: _BEFORE_WORK,
    TicketAct.SPLIT: JOINABLE,
    # Scheduled and in progress, the technician of the visit is accountable, and nobody else.
    TicketAct.HAND_OVER: OPEN - {_S.SCHEDULED},
    TicketAct.ADD_NOTE: frozenset(_S),
    TicketAct.SET_PRIORITY: JOINABLE,
    TicketAct.APPOINT: _BEFORE_WORK,
    TicketAct.EXPECT: WAITING,
    TicketAct.ATTACH: OPEN,
}
"""In which states each makes sense."""

BY_PERSON: Mapping[TicketState, frozenset[TicketState]] = {
    _S.NEW: frozenset({_S.TRIAGED, _S.CANCELLED}),
    # in_progress without a visit: somebody mends it from the desk.
    _S.TRIAGED: WAITING | {_S.IN_PROGRESS, _S.CANCELLED},
    _S.SCHEDULED: WAITING | {_S.CANCELLED},
    _S.IN_PROGRESS: WAITING | {_S.RESOLVED},
    _S.WAITING_PARTS: frozenset({_S.TRIAGED, _S.CANCELLED}),
    _S.WAITING_SITE: frozenset({_S.TRIAGED, _S.CANCELLED}),
    _S.RESOLVED: frozenset({_S.VERIFIED, _S.REOPENED}),
    _S.VERIFIED: frozenset({_S.CLOSED, _S.REOPENED}),
    _S.REOPENED: frozenset({_S.TRIAGED, _S.CANCELLED}),
    _S.CLOSED: frozenset(),
    _S.CANCELLED: frozenset(),
}

BY_OWNER: Mapping[TicketState, frozenset[TicketState]] = {
    state: (WAITING | {_S.RESOLVED}) if state is _S.IN_PROGRESS else frozenset()
    for state in TicketState
}
"""Steps of the technician who is accountable for the ticket."""
