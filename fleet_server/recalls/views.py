"""From rows to web shapes, for all routes. Split from `schemas.py`: these look things up."""

from datetime import datetime

from fleet_server.auth.rules import Actor, Permission
from fleet_server.cabinets.models import Site
from fleet_server.cabinets.queries import site_by_id
from fleet_server.recalls.models import Hold, PublicNotice, Recall, RecallBuyer, RecallCabinet
from fleet_server.recalls.permissions import recall_actions
from fleet_server.recalls.queries import (
    authors_of,
    counts,
    hold_history_of,
    recall_by_id,
    recall_history_of,
)
from fleet_server.recalls.reach import by_cabinet, content_of, stock_in
from fleet_server.recalls.schemas import (
    HistoryView,
    HoldView,
    PublicNoticeView,
    RecallBuyerView,
    RecallCabinetView,
    RecallHistoryView,
    RecallView,
    ShortTexts,
)
from fleet_server.recalls.states import (
    BUYER_LIFE,
    CABINET_LIFE,
    BuyerState,
    CabinetRecallState,
    HoldState,
)
from fleet_server.service_levels.queries import clocks_of
from fleet_server.stock.queries import units_of
from fleet_server.stock.rules import Units
from fleet_server.stock.schemas import UnitsView
from fleet_server.tickets.queries import ticket_by_id
from fleet_server.tickets.service import OWNER_KIND
from fleet_server.transactions import Transaction

_C = CabinetRecallState
_BY_SERVER = frozenset({BuyerState.QUEUED, BuyerState.SENT, BuyerState.NO_CONTACT})


def hold_view(tx: Transaction, actor: Actor, hold: Hold) -> HoldView:
    """A hold with its history."""
    active = hold.state == HoldState.ACTIVE
    actions = ["lift"] if active else []
    if active and hold.renewed_at is None:
        actions.append("renew")
    return HoldView(
        id=hold.id,
        state=hold.state,
        scope=hold.scope,
        reason=hold.reason,
        notice=ShortTexts(zh=hold.notice_zh, en=hold.notice_en),
        set_by=hold.set_by,
        since=hold.since,
        until=hold.until,
        renewed_at=hold.renewed_at,
        ended_at=hold.ended_at,
        recall_id=hold.recall_id,
        rules_version=hold.rules_version,
        history=[HistoryView.model_validate(row) for row in hold_history_of(tx.session, hold.id)],
        actions=actions if actor.may(Permission.HOLD) else [],
    )


def recall_view(tx: Transaction, actor: Actor, recall: Recall) -> RecallView:
    """A recall with its history and figures."""
    cabinets, buyers = counts(tx.session, recall.id)
    content = content_of(recall)
    return RecallView(
        id=recall.id,
        state=recall.state,
        revision=recall.revision,
        recall_class=content.recall_class,
        mock=recall.mock,
        title=content.title,
        initiator=content.initiator,
        source_document=content.source_document,
        scope=recall.content["scope"],
        reason=content.reason,
        hazard=content.hazard,
        action=content.action,
        remedy=content.remedy,
        contact=content.contact,
        notice=content.notice,
        content_hash=recall.content_hash,
        hold_id=recall.hold_id,
        created_by=recall.created_by,
        created_at=recall.created_at,
        approved_by=recall.approved_by,
        approved_at=recall.approved_at,
        approved_hash=recall.approved_hash,
        activated_at=recall.activated_at,
        rules_version=recall.rules_version,
        withdrawal_asked_by=recall.withdrawal_asked_by,
        ended_at=recall.ended_at,
        cabinets=cabinets,
        buyers=buyers,
        history=[
            RecallHistoryView.model_validate(row)
            for row in recall_history_of(tx.session, recall.id)
        ],
        actions=recall_actions(
            tx.session, actor, recall, content.scope, authors_of(tx.session, recall.id)
        ),
    )


def cabinet_views(
    tx: Transaction, actor: Actor, recall: Recall, rows: list[RecallCabinet]
) -> list[RecallCabinetView]:
    """Rows of the board, with units, who is on it and until when."""
    ids = [row.cabinet_id for row in rows]
    found = by_cabinet(stock_in(tx.session, content_of(recall).scope, ids))
    tickets = [row.ticket_id for row in rows if row.ticket_id is not None]
    clocks = clocks_of(tx.session, OWNER_KIND, tickets)
    views = []
    for row in rows:
        units = sum((units_of(one.line) for one in found.get(row.cabinet_id, [])), Units())
        due: list[datetime] = [
            clock.due_at for clock in clocks[row.ticket_id or ""] if clock.stopped_at is None
        ]
        ticket = ticket_by_id(tx.session, row.ticket_id) if row.ticket_id else None
        site = site_by_id(tx.session, row.site_id)
        views.append(
            RecallCabinetView(
                cabinet_id=row.cabinet_id,
                site_id=row.site_id,
                state=row.state,
                match=row.match,
                protected=row.acked_version is not None,
                acked_version=row.acked_version,
                acked_at=row.acked_at,
                expected_units=row.expected_units,
                units=UnitsView.of(units),
                ticket_id=row.ticket_id,
                accountable=ticket.owner if ticket else None,
                due_at=min(due, default=None),
                late=row.late,
                reason=row.reason,
                actions=[str(step) for step in cabinet_steps(actor, recall, row, site)],
            )
        )
    return views


def cabinet_steps(
    actor: Actor, recall: Recall, row: RecallCabinet, site: Site
) -> list[CabinetRecallState]:
    """Return the steps this person may take for a cabinet now."""
    legal = CABINET_LIFE.steps[CabinetRecallState(row.state)]
    writes = actor.may(Permission.RECALL_WRITE)
    steps = set(legal) - {_C.RELEASED} if recall.mock and writes else set()
    if writes or actor.may(Permission.VERIFY, site.id, site.region):
        steps |= legal & {_C.VERIFIED, _C.REFUSED_ACCESS}
        if row.ticket_id is None and not recall.mock:
            steps |= legal & {_C.VISIT_ASSIGNED}
    if row.state == _C.DISCREPANCY and actor.may(Permission.OVERRIDE, site.id, site.region):
        steps.add(_C.RECONCILED)
    return sorted(steps)


def buyer_view(actor: Actor, buyer: RecallBuyer, site: Site) -> RecallBuyerView:
    """A buyer, without any contact."""
    view = RecallBuyerView.model_validate(
        {name: getattr(buyer, name) for name in RecallBuyerView.model_fields if name != "actions"}
    )
    if may_serve(actor, site):
        legal = BUYER_LIFE.steps[BuyerState(buyer.state)] - _BY_SERVER
        view.actions = sorted(str(step) for step in legal)
    return view


def may_serve(actor: Actor, site: Site) -> bool:
    """Whether this person may take steps for buyers of a site."""
    return actor.may(Permission.RECALL_WRITE) or actor.may(Permission.TICKET, site.id, site.region)


def public_view(tx: Transaction, notice: PublicNotice) -> PublicNoticeView:
    """What everybody may read."""
    recall = recall_by_id(tx.session, notice.recall_id)
    return PublicNoticeView(
        recall_id=notice.recall_id,
        kind=notice.kind,
        recall_class=recall.recall_class,
        title_zh=notice.title_zh,
        title_en=notice.title_en,
        body_zh=notice.body_zh,
        body_en=notice.body_en,
        since=notice.since,
    )
