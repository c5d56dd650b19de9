"""Use cases of attachments. Whose they are is a later feature's business: it hands in a `Subject`.

The routes get one function a kind of thing from `wiring.py`, which knows those features.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import update

from fleet_server.attachments.errors import TooManyAttachmentsError
from fleet_server.attachments.models import Attachment
from fleet_server.attachments.queries import count_about, named_files
from fleet_server.attachments.rules import PER_THING_MAX
from fleet_server.attachments.store import AttachmentFolder, StoredFile
from fleet_server.audit.service import record
from fleet_server.auth.rules import Actor
from fleet_server.errors import ForbiddenError, InvalidError
from fleet_server.live.service import changed
from fleet_server.transactions import Transaction

LOOK_EVERY = timedelta(minutes=1)
ORPHAN_AGE = timedelta(hours=1)
"""An upload takes minutes at most; a younger file may be one whose row is being written."""


@dataclass(frozen=True)
class Subject:
    """The thing a file belongs to, as far as the caller may see it."""

    kind: str
    id: str
    site_id: str | None
    may_add: bool


SubjectOf = Callable[[Transaction, Actor, str, bool], Subject]
"""`subject_of(tx, actor, id, locked)`: raises NotFoundError and ForbiddenError as its feature does;
`locked` for a change."""


@dataclass(frozen=True)
class AttachmentParts:
    """What the routes need: the folder, and who knows the things files belong to."""

    folder: AttachmentFolder
    subjects: Mapping[str, SubjectOf]

    def subject(
        self, tx: Transaction, actor: Actor, kind: str, key: str, *, locked: bool = False
    ) -> Subject:
        """Return the thing. Raises InvalidError for a kind without attachments."""
        subject_of = self.subjects.get(kind)
        if subject_of is None:
            raise InvalidError("about_kind", f"not among {sorted(self.subjects)}")
        return subject_of(tx, actor, key, locked)

    def addable(
        self, tx: Transaction, actor: Actor, kind: str, key: str, *, locked: bool = False
    ) -> Subject:
        """Return the thing the caller may add to. Raises ForbiddenError."""
        subject = self.subject(tx, actor, kind, key, locked=locked)
        if not subject.may_add:
            raise ForbiddenError(f"adding to this {kind} is not permitted to you now")
        return subject


def attach(tx: Transaction, subject: Subject, file: StoredFile, name: str) -> Attachment:
    """Note that a stored file belongs to a thing, which is locked.

    Raises TooManyAttachmentsError.
    """
    if count_about(tx.session, subject.kind, subject.id) >= PER_THING_MAX:
        raise TooManyAttachmentsError
    row = Attachment(
        id=tx.new_id(),
        about_kind=subject.kind,
        about_id=subject.id,
        site_id=subject.site_id,
        name=name,
        media_type=file.media_type,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        created_at=tx.now,
        created_by=tx.actor,
    )
    tx.session.add(row)
    tx.session.flush()
    facts = {"attachment": row.id, "sha256": file.sha256, "bytes": file.size_bytes}
    record(tx, "attachment.added", subject.kind, subject.id, facts, subject.site_id)
    topic = f"{subject.kind}/{subject.id}"
    changed(tx, [topic], subject.kind, subject.id, subject.site_id)
    return row


def hand_on(tx: Transaction, kind: str, from_id: str, to_id: str) -> None:
    """Let all attachments of one thing belong to another one (merged tickets), past the bound."""
    tx.session.flush()
    mine = (Attachment.about_kind == kind) & (Attachment.about_id == from_id)
    tx.session.execute(update(Attachment).where(mine).values(about_id=to_id))


class OrphanSweep:
    """Sweep: takes away files no row names, a sixteenth of the folders a minute."""

    def __init__(self, folder: AttachmentFolder) -> None:
        self._folder = folder
        self._looked_at: datetime | None = None
        self._next = 0

    def look(self, tx: Transaction) -> None:
        """Look at the next folders, when it is time again."""
        if self._looked_at is not None and tx.now - self._looked_at < LOOK_EVERY:
            return
        self._looked_at = tx.now
        before = tx.now - ORPHAN_AGE
        self._folder.drop_unfinished(before)
        for second in range(16):
            folder = f"{self._next:x}{second:x}"
            self._folder.drop_orphans(folder, before, lambda names: named_files(tx.session, names))
        self._next = (self._next + 1) % 16
