"""All selects of attachments."""

from collections.abc import Collection

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from fleet_server.attachments.models import Attachment
from fleet_server.bulk import one_of
from fleet_server.errors import NotFoundError


def attachment_by_id(session: Session, attachment_id: str) -> Attachment:
    """Attachment; NotFoundError when there is none."""
    row = session.get(Attachment, attachment_id)
    if row is None:
        raise NotFoundError("attachment", attachment_id)
    return row


def attachments_about(kind: str, key: str) -> Select[Attachment]:
    """Attachments of one thing."""
    return select(Attachment).where(Attachment.about_kind == kind, Attachment.about_id == key)


def count_about(session: Session, kind: str, key: str) -> int:
    """How many attachments a thing has."""
    found = select(func.count()).select_from(attachments_about(kind, key).subquery())
    return session.scalar(found) or 0


def named_files(session: Session, hashes: Collection[str]) -> set[str]:
    """Those of these hashes that a row names."""
    found = select(Attachment.sha256).where(one_of(session, Attachment.sha256, hashes))
    return set(session.scalars(found))
