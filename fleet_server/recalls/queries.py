"""All selects of holds and recalls."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from fleet_server.auth.rules import Scope as ActorScope
from fleet_server.bulk import one_of
from fleet_server.cabinets.models import CabinetPresence
from fleet_server.cabinets.queries import within
from fleet_server.dispatch.models import Visit, VisitTicket
from fleet_server.errors import NotFoundError
from fleet_server.recalls.models import (
    Hold,
    HoldHistory,
    PublicNotice,
    Recall,
    RecallBuyer,
    RecallBuyerHistory,
    RecallCabinet,
    RecallCabinetHistory,
    RecallHistory,
    RulesHeld,
)
from fleet_server.recalls.rules import LineProof
from fleet_server.recalls.states import BUYER_DONE, CABINET_DONE, RUNNING
from fleet_server.stock.models import StockMovement
from fleet_server.stock.queries import FoundStock, units_of
from fleet_server.stock.rules import MovementKind

EDITS = frozenset({"drafted", "edited", "submitted"})
"""Steps that make somebody an author (invariant 1)."""
SHOWN_MAX = 50
"""Entries of a refusal's list."""


def hold_by_id(session: Session, hold_id: str, *, lock: bool = False) -> Hold:
    """Hold; NotFoundError when there is none."""
    hold = session.get(Hold, hold_id, with_for_update=lock or None, populate_existing=lock)
    if hold is None:
        raise NotFoundError("hold", hold_id)
    return hold


def hold_history_of(session: Session, hold_id: str) -> list[HoldHistory]:
    """Steps of a hold, oldest first."""
    found = select(HoldHistory).where(HoldHistory.hold_id == hold_id)
    return list(session.scalars(found.order_by(HoldHistory.seq)))


def due_holds(session: Session, now: datetime, limit: int) -> list[Hold]:
    """Holds whose warning or end is due, locked."""
    found = select(Hold).where(Hold.look_at <= now).order_by(Hold.look_at).limit(limit)
    return list(session.scalars(found.with_for_update(skip_locked=True)))


def recall_by_id(session: Session, recall_id: str) -> Recall:
    """Recall; NotFoundError when there is none."""
    recall = session.get(Recall, recall_id)
    if recall is None:
        raise NotFoundError("recall", recall_id)
    return recall


def locked_recall(session: Session, recall_id: str) -> Recall:
    """Recall for a change; NotFoundError when there is none."""
    session.flush()
    recall = session.get(Recall, recall_id, with_for_update=True, populate_existing=True)
    if recall is None:
        raise NotFoundError("recall", recall_id)
    return recall


def running_recalls(session: Session) -> list[Recall]:
    """Recalls that late events still add to."""
    found = select(Recall).where(Recall.state.in_(RUNNING)).order_by(Recall.id)
    return list(session.scalars(found))


def due_rescans(session: Session, now: datetime, limit: int) -> list[Recall]:
    """Recalls to look over once more, locked."""
    found = select(Recall).where(Recall.rescan_at <= now).order_by(Recall.rescan_at).limit(limit)
    return list(session.scalars(found.with_for_update(skip_locked=True)))


def told_sales(session: Session, recall_id: str) -> set[str]:
    """Sales a recall has a buyer for."""
    found = select(RecallBuyer.sale_id).where(RecallBuyer.recall_id == recall_id)
    return set(session.scalars(found))


def recall_history_of(session: Session, recall_id: str) -> list[RecallHistory]:
    """Steps of a recall, oldest first."""
    found = select(RecallHistory).where(RecallHistory.recall_id == recall_id)
    return list(session.scalars(found.order_by(RecallHistory.seq)))


def authors_of(session: Session, recall_id: str) -> set[str]:
    """Persons who wrote, edited or submitted it."""
    found = select(RecallHistory.person).where(
        RecallHistory.recall_id == recall_id, RecallHistory.what.in_(EDITS)
    )
    return set(session.scalars(found))


def cabinets_of(session: Session, recall_id: str, *, lock: bool = False) -> list[RecallCabinet]:
    """Cabinets of a recall, in a fixed order."""
    found = select(RecallCabinet).where(RecallCabinet.recall_id == recall_id)
    found = found.order_by(RecallCabinet.cabinet_id)
    return list(session.scalars(found.with_for_update() if lock else found))


def cabinet_rows(
    session: Session, recall_ids: Iterable[str], cabinet_ids: Iterable[str]
) -> dict[tuple[str, str], RecallCabinet]:
    """Rows by (recall, cabinet), locked."""
    found = (
        select(RecallCabinet)
        .where(RecallCabinet.recall_id.in_(sorted(set(recall_ids))))
        .where(RecallCabinet.cabinet_id.in_(sorted(set(cabinet_ids))))
        .order_by(RecallCabinet.id)
        .with_for_update()
    )
    return {(row.recall_id, row.cabinet_id): row for row in session.scalars(found)}


def cabinet_row(session: Session, recall_id: str, cabinet_id: str) -> RecallCabinet:
    """Row of one cabinet, locked; NotFoundError when the recall does not concern it."""
    row = cabinet_rows(session, [recall_id], [cabinet_id]).get((recall_id, cabinet_id))
    if row is None:
        raise NotFoundError("cabinet in this recall", cabinet_id)
    return row


def unacknowledged(session: Session, cabinet_ids: Iterable[str]) -> list[RecallCabinet]:
    """Rows of running recalls that wait for these cabinets' word, locked."""
    found = (
        select(RecallCabinet)
        .join(Recall, Recall.id == RecallCabinet.recall_id)
        .where(RecallCabinet.cabinet_id.in_(sorted(set(cabinet_ids))))
        .where(RecallCabinet.acked_version.is_(None), Recall.state.in_(RUNNING))
        .order_by(RecallCabinet.id)
        .with_for_update(of=RecallCabinet)
    )
    return list(session.scalars(found))


def rows_of_tickets(
    session: Session, ticket_ids: Iterable[str]
) -> defaultdict[str, list[RecallCabinet]]:
    """Rows these tickets work for, by ticket, locked in one order."""
    found = select(RecallCabinet).where(one_of(session, RecallCabinet.ticket_id, ticket_ids))
    rows: defaultdict[str, list[RecallCabinet]] = defaultdict(list)
    for row in session.scalars(found.order_by(RecallCabinet.id).with_for_update()):
        if row.ticket_id is not None:
            rows[row.ticket_id].append(row)
    return rows


def rows_of_cabinet(session: Session, cabinet_id: str) -> list[RecallCabinet]:
    """Rows of one cabinet in running recalls, locked."""
    found = (
        select(RecallCabinet)
        .join(Recall, Recall.id == RecallCabinet.recall_id)
        .where(RecallCabinet.cabinet_id == cabinet_id, Recall.state.in_(RUNNING))
        .order_by(RecallCabinet.id)
        .with_for_update(of=RecallCabinet)
    )
    return list(session.scalars(found))


def due_cabinets(session: Session, now: datetime, limit: int) -> list[RecallCabinet]:
    """Rows the sweep has to decide about, locked."""
    found = (
        select(RecallCabinet)
        .where(RecallCabinet.look_at <= now)
        .order_by(RecallCabinet.look_at, RecallCabinet.id)
        .limit(limit)
    )
    return list(session.scalars(found.with_for_update(skip_locked=True)))


def cabinet_history_of(session: Session, row_id: str) -> list[RecallCabinetHistory]:
    """Steps of a cabinet, oldest first."""
    found = select(RecallCabinetHistory).where(RecallCabinetHistory.row_id == row_id)
    return list(session.scalars(found.order_by(RecallCabinetHistory.seq)))


def held_by(session: Session, cabinet_ids: Iterable[str]) -> dict[str, RulesHeld]:
    """What cabinets said they applied, locked; those that never said are left out."""
    found = select(RulesHeld).where(RulesHeld.cabinet_id.in_(sorted(set(cabinet_ids))))
    rows = session.scalars(found.order_by(RulesHeld.cabinet_id).with_for_update())
    return {row.cabinet_id: row for row in rows}


def acknowledged_versions(session: Session, cabinet_ids: Iterable[str]) -> dict[str, int]:
    """Rules versions cabinets acknowledged with our digest; not locked."""
    ids = set(cabinet_ids)
    if not ids:
        return {}  # most batches hold no birth
    found = select(RulesHeld.cabinet_id, RulesHeld.version)
    return dict(session.execute(found.where(one_of(session, RulesHeld.cabinet_id, ids))).all())


def is_online(session: Session, cabinet_id: str) -> bool:
    """Whether a cabinet is heard of now."""
    presence = session.get(CabinetPresence, cabinet_id)
    return presence is not None and presence.online


def proofs_of(session: Session, found: Iterable[FoundStock], since: datetime) -> list[LineProof]:
    """Units of matching lines and what was done with them since then.

    A count proves nothing about units that were loaded after it.
    """
    lines = {one.line.id: one.line for one in found}
    moved: defaultdict[str, dict[str, int]] = defaultdict(dict)
    newest = (
        select(StockMovement.line_id, StockMovement.kind, func.max(StockMovement.seq))
        .where(StockMovement.line_id.in_(sorted(lines)), StockMovement.at >= since)
        .group_by(StockMovement.line_id, StockMovement.kind)
    )
    for line_id, kind, seq in session.execute(newest):
        moved[line_id][kind] = seq
    return [
        LineProof(
            units_of(line),
            was_counted=moved[line_id].get(MovementKind.COUNTED, 0)
            > moved[line_id].get(MovementKind.LOADED, 0),
            was_removed=MovementKind.REMOVED in moved[line_id],
        )
        for line_id, line in lines.items()
    ]


def buyers_of_sales(
    session: Session, recall_id: str, sale_ids: Iterable[str]
) -> dict[str, RecallBuyer]:
    """Buyers of a recall by sale."""
    found = select(RecallBuyer).where(
        RecallBuyer.recall_id == recall_id, RecallBuyer.sale_id.in_(sorted(set(sale_ids)))
    )
    return {row.sale_id: row for row in session.scalars(found)}


def buyer_by_id(session: Session, recall_id: str, buyer_id: str) -> RecallBuyer:
    """Buyer, locked; NotFoundError when the recall has none of that id."""
    buyer = session.get(RecallBuyer, buyer_id, with_for_update=True)
    if buyer is None or buyer.recall_id != recall_id:
        raise NotFoundError("buyer in this recall", buyer_id)
    return buyer


def buyers_of(session: Session, recall_id: str) -> list[RecallBuyer]:
    """Buyers of a recall, oldest sale first."""
    found = select(RecallBuyer).where(RecallBuyer.recall_id == recall_id)
    return list(session.scalars(found.order_by(RecallBuyer.sold_at, RecallBuyer.id)))


def due_buyers(session: Session, now: datetime, limit: int) -> list[RecallBuyer]:
    """Buyers somebody has to be told, locked."""
    found = (
        select(RecallBuyer)
        .where(RecallBuyer.look_at <= now)
        .order_by(RecallBuyer.look_at, RecallBuyer.id)
        .limit(limit)
    )
    return list(session.scalars(found.with_for_update(skip_locked=True)))


def buyer_history_of(session: Session, buyer_id: str) -> list[RecallBuyerHistory]:
    """Steps of a buyer, oldest first."""
    found = select(RecallBuyerHistory).where(RecallBuyerHistory.buyer_id == buyer_id)
    return list(session.scalars(found.order_by(RecallBuyerHistory.seq)))


def counts(session: Session, recall_id: str) -> tuple[dict[str, int], dict[str, int]]:
    """Cabinets and buyers of a recall by state."""
    cabinets = session.execute(
        select(RecallCabinet.state, func.count())
        .where(RecallCabinet.recall_id == recall_id)
        .group_by(RecallCabinet.state)
    )
    buyers = session.execute(
        select(RecallBuyer.state, func.count())
        .where(RecallBuyer.recall_id == recall_id)
        .group_by(RecallBuyer.state)
    )
    return {row[0]: row[1] for row in cabinets}, {row[0]: row[1] for row in buyers}


def still_open(session: Session, recall_id: str) -> tuple[list[str], list[str], int]:
    """Cabinets and buyers that are not done (cut at SHOWN_MAX), and how many there are."""
    cabinets = select(RecallCabinet.cabinet_id).where(
        RecallCabinet.recall_id == recall_id, RecallCabinet.state.not_in(CABINET_DONE)
    )
    buyers = select(RecallBuyer.id).where(
        RecallBuyer.recall_id == recall_id, RecallBuyer.state.not_in(BUYER_DONE)
    )
    shown = [
        list(session.scalars(found.order_by(column).limit(SHOWN_MAX)))
        for found, column in ((cabinets, RecallCabinet.cabinet_id), (buyers, RecallBuyer.id))
    ]
    total = sum(
        session.scalar(select(func.count()).select_from(found.subquery())) or 0
        for found in (cabinets, buyers)
    )
    return shown[0], shown[1], total


def public_notices(session: Session, recall_id: str) -> list[PublicNotice]:
    """Public notices of a recall, oldest first."""
    found = select(PublicNotice).where(PublicNotice.recall_id == recall_id)
    return list(session.scalars(found.order_by(PublicNotice.since, PublicNotice.id)))


def standing_notices() -> Select[PublicNotice]:
    """Public notices that stand now."""
    return select(PublicNotice).where(PublicNotice.until.is_(None))


def cabinets_within(recall_id: str, scope: ActorScope) -> Select[RecallCabinet]:
    """Cabinets of a recall at the sites a scope covers."""
    found = select(RecallCabinet).where(RecallCabinet.recall_id == recall_id)
    return within(found, RecallCabinet.site_id, scope)


def buyers_within(recall_id: str, scope: ActorScope) -> Select[RecallBuyer]:
    """Buyers of a recall who bought at the sites a scope covers."""
    found = select(RecallBuyer).where(RecallBuyer.recall_id == recall_id)
    return within(found, RecallBuyer.site_id, scope)


def technicians_of_ticket(session: Session, ticket_id: str) -> set[str]:
    """Technicians of the visits of a ticket, ended ones too; each may have been inside."""
    found = (
        select(Visit.technician_id)
        .join(VisitTicket, VisitTicket.visit_id == Visit.id)
        .where(VisitTicket.ticket_id == ticket_id)
    )
    return {one for one in session.scalars(found) if one is not None}
