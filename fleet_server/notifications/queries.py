"""All selects of notices."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, exists, false, func, or_, select
from sqlalchemy.orm import Session

from fleet_server.auth.models import User, UserGrant
from fleet_server.auth.rules import Actor, Grant, Permission, Role
from fleet_server.bulk import one_of
from fleet_server.errors import NotFoundError
from fleet_server.notifications.models import (
    Notice,
    NoticeAddress,
    NoticeDelivery,
    NoticePreference,
    NoticeReceipt,
    OnCallTurn,
)
from fleet_server.notifications.rules import ON_CALL, Urgency, to_role, to_user
from fleet_server.notifications.states import WAITING, NoticeState

_DUE_COLUMNS: tuple[Any, ...] = (
    NoticeDelivery.id,
    NoticeDelivery.user_id,
    NoticeDelivery.language,
    NoticeDelivery.urgency,
    Notice.title_zh,
    Notice.title_en,
    Notice.body_zh,
    Notice.body_en,
    Notice.about_kind,
    Notice.about_id,
)


def notices_for(actor: Actor) -> Select[Notice]:
    """Notices to this person, to the roles it holds where the grants reach, and to who is on call.

    What was for those on call is seen by who was so at the time, and by supervisors.
    """
    mine: list[ColumnElement[bool]] = [_of_grant(grant) for grant in actor.grants]
    if actor.user_id is not None:
        mine.append(Notice.audience == to_user(actor.user_id))
        on_call = exists().where(
            OnCallTurn.user_id == actor.user_id,
            OnCallTurn.starts_at <= Notice.created_at,
            OnCallTurn.ends_at > Notice.created_at,
        )
        mine.append(and_(Notice.audience == ON_CALL, on_call))
    if actor.may(Permission.DISPATCH):
        mine.append(Notice.audience.like("technician:%"))
    return select(Notice).where(or_(false(), *mine))


def unread(actor: Actor) -> ColumnElement[bool]:
    """Whether the caller has not read a notice; what is older than the account counts as read."""
    me = actor.user_id or ""
    was_read = exists().where(NoticeReceipt.notice_id == Notice.id, NoticeReceipt.user_id == me)
    joined = select(User.created_at).where(User.id == me).scalar_subquery()
    return and_(~was_read, Notice.created_at >= joined)


def unread_count(session: Session, actor: Actor, limit: int) -> int:
    """How many notices the caller has not read, counted up to `limit`."""
    found = notices_for(actor).where(unread(actor)).with_only_columns(Notice.id).limit(limit)
    return session.scalar(select(func.count()).select_from(found.subquery())) or 0


def notice_for(session: Session, actor: Actor, notice_id: str) -> Notice:
    """One of these; NotFoundError for another's, too."""
    notice = session.scalar(notices_for(actor).where(Notice.id == notice_id).with_for_update())
    if notice is None:
        raise NotFoundError("notice", notice_id)
    return notice


def receipt_of(session: Session, notice_id: str, user_id: str) -> NoticeReceipt | None:
    """When a person read a notice, if it did."""
    return session.get(NoticeReceipt, (notice_id, user_id))


def receipts_of(session: Session, actor: Actor, notice_ids: Iterable[str]) -> dict[str, datetime]:
    """When the caller read these notices."""
    found = select(NoticeReceipt.notice_id, NoticeReceipt.read_at).where(
        NoticeReceipt.user_id == (actor.user_id or ""),
        one_of(session, NoticeReceipt.notice_id, notice_ids),
    )
    return {row.notice_id: row.read_at for row in session.execute(found)}


def was_told_since(session: Session, about_kind: str, since: datetime) -> bool:
    """Whether anybody was told of things of this kind since then."""
    told = select(Notice.id).where(Notice.about_kind == about_kind, Notice.created_at > since)
    return session.scalar(told.limit(1)) is not None


def due_notices(session: Session, now: datetime, limit: int) -> list[Notice]:
    """Notices that wait to be spread, oldest first."""
    return list(session.scalars(_unspread(now, limit)))


def unspread_notices(session: Session, now: datetime, limit: int) -> list[Notice]:
    """These notices, locked; those another process holds are left out."""
    found = _unspread(now, limit).with_for_update(skip_locked=True)
    return list(session.scalars(found))


def notices_by_id(session: Session, ids: Iterable[str]) -> dict[str, Notice]:
    """These notices, locked in the order of their ids."""
    found = select(Notice).where(one_of(session, Notice.id, ids)).order_by(Notice.id)
    return {one.id: one for one in session.scalars(found.with_for_update())}


def holders_of(
    session: Session, role: Role, site_id: str | None, region: str | None, limit: int
) -> list[str]:
    """Ids of active people who hold a role that reaches a place, in a fixed order."""
    everywhere = and_(UserGrant.site_id.is_(None), UserGrant.region.is_(None))
    reaches = [everywhere]
    if site_id is not None:
        reaches.append(UserGrant.site_id == site_id)
    if region is not None:
        reaches.append(and_(UserGrant.site_id.is_(None), UserGrant.region == region))
    found = (
        select(User.id)
        .join(UserGrant, UserGrant.user_id == User.id)
        .where(User.active, UserGrant.role == role, or_(*reaches))
        .distinct()
        .order_by(User.id)
        .limit(limit)
    )
    return list(session.scalars(found))


def active_people(session: Session, ids: Iterable[str]) -> list[str]:
    """Those of these people whose account is open."""
    found = select(User.id).where(User.active, one_of(session, User.id, ids))
    return list(session.scalars(found.order_by(User.id)))


def name_of(session: Session, user_id: str) -> str:
    """Return what a person is called."""
    return session.scalar(select(User.display_name).where(User.id == user_id)) or user_id


def on_call_at(session: Session, at: datetime) -> list[str]:
    """Active people who are on call then."""
    found = (
        select(User.id)
        .join(OnCallTurn, OnCallTurn.user_id == User.id)
        .where(User.active, OnCallTurn.starts_at <= at, OnCallTurn.ends_at > at)
        .distinct()
        .order_by(User.id)
    )
    return list(session.scalars(found))


def turns_from(session: Session, since: datetime) -> list[OnCallTurn]:
    """Turns that have not ended by then, in order of time."""
    found = select(OnCallTurn).where(OnCallTurn.ends_at > since)
    return list(session.scalars(found.order_by(OnCallTurn.starts_at, OnCallTurn.id)))


def preferences_of(session: Session, user_ids: Iterable[str]) -> dict[str, NoticePreference]:
    """What these people want, as far as they said."""
    found = select(NoticePreference).where(one_of(session, NoticePreference.user_id, user_ids))
    return {one.user_id: one for one in session.scalars(found)}


def addresses_of(session: Session, owners: Iterable[str]) -> list[NoticeAddress]:
    """Addresses in use of these owners, oldest first."""
    found = select(NoticeAddress).where(
        one_of(session, NoticeAddress.owner, owners), NoticeAddress.removed_at.is_(None)
    )
    return list(session.scalars(found.order_by(NoticeAddress.id)))


def address_by_digest(session: Session, owner: str, digest: str) -> NoticeAddress | None:
    """An owner's address, removed or not."""
    found = select(NoticeAddress).where(
        NoticeAddress.owner == owner, NoticeAddress.digest == digest
    )
    return session.scalar(found)


def others_with(session: Session, digest: str, besides: str) -> list[NoticeAddress]:
    """Addresses in use of other people with the same digest."""
    found = select(NoticeAddress).where(
        NoticeAddress.digest == digest,
        NoticeAddress.id != besides,
        NoticeAddress.removed_at.is_(None),
    )
    return list(session.scalars(found.order_by(NoticeAddress.id).with_for_update()))


def own_address(session: Session, user_id: str, channel: str, address_id: str) -> NoticeAddress:
    """A person's own address in use; NotFoundError for every other."""
    found = select(NoticeAddress).where(
        NoticeAddress.id == address_id,
        NoticeAddress.owner == to_user(user_id),
        NoticeAddress.channel == channel,
        NoticeAddress.removed_at.is_(None),
    )
    address = session.scalar(found.with_for_update())
    if address is None:
        raise NotFoundError("address", address_id)
    return address


def addresses_to_serve(
    session: Session, now: datetime, in_hand: Iterable[str], limit: int
) -> list[NoticeAddress]:
    """Addresses where something is due that nobody serves now; longest unserved first, locked.

    Urgent notices come before that order.
    """
    due = exists().where(
        NoticeDelivery.address_id == NoticeAddress.id,
        NoticeDelivery.state.in_(WAITING),
        NoticeDelivery.next_attempt_at <= now,
    )
    urgent = exists().where(
        NoticeDelivery.address_id == NoticeAddress.id,
        NoticeDelivery.state.in_(WAITING),
        NoticeDelivery.next_attempt_at <= now,
        NoticeDelivery.urgency == Urgency.URGENT,
    )
    found = (
        select(NoticeAddress)
        .where(
            due,
            or_(NoticeAddress.leased_until.is_(None), NoticeAddress.leased_until <= now),
            or_(NoticeAddress.not_before.is_(None), NoticeAddress.not_before <= now),
            NoticeAddress.id.not_in(list(in_hand)),
        )
        .order_by(urgent.desc(), NoticeAddress.served_at.nulls_first(), NoticeAddress.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=NoticeAddress)
    )
    return list(session.scalars(found))


def due_deliveries(
    session: Session, address_id: str, now: datetime, limit: int
) -> Sequence[Row[Any]]:
    """What is due at an address, as far as it decides: urgent first, then the oldest.

    Columns: `_DUE_COLUMNS`; a digest stands for hundreds, and whole rows would cost ten times that.
    """
    found = (
        select(*_DUE_COLUMNS)
        .join(Notice, Notice.id == NoticeDelivery.notice_id)
        .where(
            NoticeDelivery.address_id == address_id,
            NoticeDelivery.state.in_(WAITING),
            NoticeDelivery.next_attempt_at <= now,
        )
        .order_by((NoticeDelivery.urgency == Urgency.URGENT).desc(), NoticeDelivery.id)
        .limit(limit)
    )
    return session.execute(found).all()


def waiting_deliveries(session: Session, ids: Iterable[str]) -> list[NoticeDelivery]:
    """Those of these deliveries that still wait, locked."""
    found = select(NoticeDelivery).where(
        one_of(session, NoticeDelivery.id, ids), NoticeDelivery.state.in_(WAITING)
    )
    return list(session.scalars(found.order_by(NoticeDelivery.id).with_for_update()))


def notices_of(session: Session, delivery_ids: Iterable[str]) -> list[str]:
    """Ids of the notices of these deliveries."""
    found = select(NoticeDelivery.notice_id).where(one_of(session, NoticeDelivery.id, delivery_ids))
    return list(session.scalars(found.distinct()))


def overdue_deliveries(session: Session, before: datetime, limit: int) -> list[NoticeDelivery]:
    """Deliveries that wait since then, locked; those another process holds are left out."""
    found = (
        select(NoticeDelivery)
        .where(NoticeDelivery.state.in_(WAITING), NoticeDelivery.created_at < before)
        .order_by(NoticeDelivery.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(found))


def waiting_at(session: Session, address_id: str) -> list[NoticeDelivery]:
    """All that waits for an address."""
    found = select(NoticeDelivery).where(
        NoticeDelivery.address_id == address_id, NoticeDelivery.state.in_(WAITING)
    )
    return list(session.scalars(found.order_by(NoticeDelivery.id)))


def deliveries_of(session: Session, notice_ids: Iterable[str]) -> Sequence[NoticeDelivery]:
    """All deliveries of these notices."""
    found = select(NoticeDelivery).where(one_of(session, NoticeDelivery.notice_id, notice_ids))
    return session.scalars(found.order_by(NoticeDelivery.id)).all()


def deliveries_in(state: NoticeState | None) -> Select[NoticeDelivery]:
    """Deliveries in a state, or all."""
    found = select(NoticeDelivery)
    return found if state is None else found.where(NoticeDelivery.state == state)


def states_of(session: Session, notice_ids: Iterable[str]) -> dict[str, set[NoticeState]]:
    """States in which the deliveries of these notices are, each once."""
    found = select(NoticeDelivery.notice_id, NoticeDelivery.state).where(
        one_of(session, NoticeDelivery.notice_id, notice_ids)
    )
    states: defaultdict[str, set[NoticeState]] = defaultdict(set)
    for row in session.execute(found.distinct()):
        states[row.notice_id].add(NoticeState(row.state))
    return states


def labels_of(session: Session, address_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Owner and label of these addresses."""
    found = select(NoticeAddress).where(one_of(session, NoticeAddress.id, address_ids))
    return {one.id: (one.owner, one.label) for one in session.scalars(found)}


def count_in(session: Session, *states: NoticeState) -> int:
    """How many deliveries are in one of these states."""
    found = select(func.count(NoticeDelivery.id)).where(NoticeDelivery.state.in_(states))
    return session.scalar(found) or 0


def count_by_state(session: Session) -> dict[str, int]:
    """How many deliveries are in each state."""
    count = func.count(NoticeDelivery.id).label("deliveries")
    counted = select(NoticeDelivery.state, count).group_by(NoticeDelivery.state)
    return {row.state: row.deliveries for row in session.execute(counted)}


def _unspread(now: datetime, limit: int) -> Select[Notice]:
    waits = (Notice.state == NoticeState.PENDING, Notice.next_attempt_at <= now)
    return select(Notice).where(*waits).order_by(Notice.next_attempt_at).limit(limit)


def _of_grant(grant: Grant) -> ColumnElement[bool]:
    audience = Notice.audience == to_role(grant.role)
    if grant.role is Role.SUPERVISOR:
        audience = or_(audience, Notice.audience == ON_CALL)
    where: list[Any] = [audience]
    if grant.site_id is not None:
        where.append(Notice.site_id == grant.site_id)
    elif grant.region is not None:
        where.append(Notice.region == grant.region)
    return and_(*where)
