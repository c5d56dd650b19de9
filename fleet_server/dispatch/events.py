"""Facts about visits."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VisitOffered:
    """A technician was asked."""

    visit_id: str
    offer_id: str
    technician_id: str


@dataclass(frozen=True)
class VisitAccepted:
    """A technician said yes."""

    visit_id: str
    ticket_ids: tuple[str, ...]
    site_id: str
    technician_id: str


@dataclass(frozen=True)
class VisitArrived:
    """The technician stands at the site."""

    visit_id: str
    ticket_ids: tuple[str, ...]
    site_id: str
    technician_id: str


@dataclass(frozen=True)
class VisitDone:
    """The work of the visit is done and recorded."""

    visit_id: str
    ticket_ids: tuple[str, ...]
    site_id: str
    technician_id: str


@dataclass(frozen=True)
class VisitAborted:
    """The visit ended without its work; its tickets go on elsewhere."""

    visit_id: str
    ticket_ids: tuple[str, ...]
    site_id: str
    technician_id: str | None
    reason: str
