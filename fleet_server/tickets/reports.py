"""What consumers report at a cabinet becomes a ticket, or a note on the one that stands.

Split from `service.py` by origin. Who reported, and how they can be reached, is the caller's
business: a ticket holds no personal data of buyers.
"""

from dataclasses import dataclass

from fleet_server.cabinets.queries import site_of
from fleet_server.service_levels.rules import Priority
from fleet_server.tickets.by_hand import add_note, linked_to_earlier
from fleet_server.tickets.models import Ticket
from fleet_server.tickets.queries import unended_ticket
from fleet_server.tickets.rules import CONSUMER_ORIGIN, DESK_SKILL, TicketKind
from fleet_server.tickets.service import NewTicket, escalate, open_ticket
from fleet_server.tickets.states import JOINABLE
from fleet_server.transactions import Transaction


@dataclass(frozen=True)
class ConsumerReport:
    """What a consumer says. `receipt`: the code they were given, by which it is found again."""

    cabinet_id: str
    title_zh: str
    title_en: str
    words: str
    receipt: str
    component: str = "cabinet"
    urgent: bool = False
    """Injury, unsafe goods, a door that stands open, money without goods (requirements 1.7)."""
    needs_visit: bool = False
    skill: str = DESK_SKILL


def open_from_report(tx: Transaction, report: ConsumerReport) -> Ticket:
    """Open a ticket for a report, or note it on the open one of its cabinet and component.

    Raises NotFoundError for no such cabinet, ConflictError when the open one is full of notes.
    """
    site = site_of(tx.session, report.cabinet_id)
    kind = TicketKind.CONSUMER_REPORT
    standing = unended_ticket(tx.session, site.id, report.cabinet_id, kind, report.component)
    if standing is not None and standing.state in JOINABLE:
        add_note(tx, standing, f"{report.receipt}: {report.words}")
        if report.urgent:
            escalate(tx, standing, Priority.P1, None)
        return standing
    return open_ticket(tx, linked_to_earlier(tx, _new(report, site.id)))


def _new(report: ConsumerReport, site_id: str) -> NewTicket:
    return NewTicket(
        kind=TicketKind.CONSUMER_REPORT,
        priority=Priority.P1 if report.urgent else Priority.P2,
        site_id=site_id,
        cabinet_id=report.cabinet_id,
        component=report.component,
        skill=report.skill,
        title_zh=report.title_zh[:200],
        title_en=report.title_en[:200],
        description=report.words,
        needs_visit=report.needs_visit,
        origin_kind=CONSUMER_ORIGIN,
        origin_id=report.receipt,
    )
