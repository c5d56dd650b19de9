"""Facts about tickets."""

from dataclasses import dataclass

from fleet_server.service_levels.rules import Priority
from fleet_server.tickets.states import TicketState


@dataclass(frozen=True)
class TicketOpened:
    """A ticket began."""

    ticket_id: str
    kind: str
    site_id: str
    cabinet_id: str | None


@dataclass(frozen=True)
class TicketReady:
    """A technician may be asked now."""

    ticket_id: str


@dataclass(frozen=True)
class TicketMoved:
    """A ticket took a step."""

    ticket_id: str
    before: TicketState
    after: TicketState
    reason: str


@dataclass(frozen=True)
class TicketEscalated:
    """A ticket became more urgent."""

    ticket_id: str
    priority: Priority


@dataclass(frozen=True)
class TicketMerging:
    """A ticket is about to end as a part of another one, which takes over what it can."""

    ticket_id: str
    into: str


@dataclass(frozen=True)
class TicketAppointed:
    """The site named when somebody may come: its visit is due otherwise."""

    ticket_id: str
