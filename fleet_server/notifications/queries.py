"""All selects of notices."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlalchemy.orm import Session

from fleet_server.auth.rules import Actor, Grant, Permission
from fleet_server.errors import NotFoundError
from fleet_server.notifications.models import Notice
from fleet_server.notifications.rules import to_role, to_user
from fleet_server.notifications.states import NoticeState


def notices_for(actor: Actor) -> Select[Notice]:
    """Notices to this person and to the roles it holds where the grants reach."""
    mine: list[ColumnElement[bool]] = [_of_grant(grant) for grant in actor.grants]
    if actor.user_id is not None:
        mine.append(Notice.audience == to_user(actor.user_id))
    if actor.may(Permission.DISPATCH):
        mine.append(Notice.audience.like("technician:%"))
    return select(Notice).where(or_(false(), *mine))


def notice_for(session: Session, actor: Actor, notice_id: str) -> Notice:
    """One of these; NotFoundError for another's, too."""
    notice = session.scalar(notices_for(actor).where(Notice.id == notice_id).with_for_update())
    if notice is None:
        raise NotFoundError("notice", notice_id)
    return notice


def was_told_since(session: Session, about_kind: str, since: datetime) -> bool:
    """Whether anybody was told of things of this kind since then."""
    told = select(Notice.id).where(Notice.about_kind == about_kind, Notice.created_at > since)
    return session.scalar(told.limit(1)) is not None


def due_notices(session: Session, now: datetime, limit: int) -> list[Notice]:
    """Notices to send now, oldest first, locked; those another process holds are left out."""
    found = (
        select(Notice)
        .where(Notice.state == NoticeState.PENDING, Notice.next_attempt_at <= now)
        .order_by(Notice.next_attempt_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(found))


def _of_grant(grant: Grant) -> ColumnElement[bool]:
    where: list[Any] = [Notice.audience == to_role(grant.role)]
    if grant.site_id is not None:
        where.append(Notice.site_id == grant.site_id)
    elif grant.region is not None:
        where.append(Notice.region == grant.region)
    return and_(*where)
