"""Routes of attachments: one multipart upload, the list of a thing, the bytes.

Bytes leave as a download that no browser runs anything of, under the type they were found to have.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query, Request, UploadFile
from fastapi.responses import FileResponse

from fleet_server.attachments import service
from fleet_server.attachments.models import Attachment
from fleet_server.attachments.queries import attachment_by_id, attachments_about
from fleet_server.attachments.rules import MediaType, shown_name
from fleet_server.attachments.schemas import AttachmentOrder, AttachmentView
from fleet_server.attachments.service import AttachmentParts
from fleet_server.auth.api import CurrentActor
from fleet_server.errors import InvariantError
from fleet_server.transactions import Transaction
from fleet_server.web.context import WebContext
from fleet_server.web.idempotency import IdempotencyKey, create_once
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.schemas import Page

# A plain router: a request that lost a deadlock cannot be played again, its form is read by then.
# It answers 503 instead, and the phone tries again under the same Idempotency-Key.
router = APIRouter(tags=["attachments"])

_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, no-store",
}


def _parts(request: Request) -> AttachmentParts:
    parts: AttachmentParts = request.app.state.attachments
    return parts


Parts = Annotated[AttachmentParts, Depends(_parts)]
Kind = Annotated[str, Form(max_length=20)]
Key = Annotated[str, Form(min_length=1, max_length=80)]


@router.post("/attachments", status_code=201)
def add_attachment(  # a form has its fields
    file: UploadFile,
    about_id: Key,
    actor: CurrentActor,
    context: WebContext,
    parts: Parts,
    about_kind: Kind = "ticket",
    key: IdempotencyKey = None,
) -> AttachmentView:
    """Attach a photo (JPEG, PNG, WebP) or a PDF of at most 10 MB."""
    with context.transactions.read() as tx:
        # Before a byte is stored: who may add nothing fills no disk.
        parts.addable(tx, actor, about_kind, about_id)
        now = tx.now
    stored = parts.folder.store(file.file, now)
    name = shown_name(file.filename or "", stored.media_type)
    order = AttachmentOrder(
        about_kind=about_kind, about_id=about_id, name=name, sha256=stored.sha256
    )

    def create(tx: Transaction) -> AttachmentView:
        subject = parts.addable(tx, actor, about_kind, about_id, locked=True)
        return AttachmentView.model_validate(service.attach(tx, subject, stored, name))

    made = create_once(
        context.transactions, actor.name, key, "attachments", order, AttachmentView, create
    )
    if not parts.folder.path_of(stored.sha256).exists():
        # The sweep took an old orphan with the same bytes before the row stood: once more.
        file.file.seek(0)
        parts.folder.store(file.file, now)
    return made


@router.get("/attachments")
def list_attachments(  # a list has its filters
    about_id: Annotated[str, Query(min_length=1, max_length=80)],
    actor: CurrentActor,
    context: WebContext,
    parts: Parts,
    about_kind: Annotated[str, Query(max_length=20)] = "ticket",
    limit: Limit = LIMIT_DEFAULT,
    after: After = None,
) -> Page[AttachmentView]:
    """List the attachments of a thing the caller may see."""
    with context.transactions.read() as tx:
        parts.subject(tx, actor, about_kind, about_id)
        found = attachments_about(about_kind, about_id)
        return page_of(
            tx.session, found, Attachment.id, limit, after, AttachmentView.model_validate
        )


@router.get(
    "/attachments/{attachment_id}",
    response_class=FileResponse,
    responses={200: {"content": {str(kind): {} for kind in MediaType}}},
)
def download_attachment(
    attachment_id: str, actor: CurrentActor, context: WebContext, parts: Parts
) -> FileResponse:
    """Give the bytes, as a download."""
    with context.transactions.read() as tx:
        row = attachment_by_id(tx.session, attachment_id)
        parts.subject(tx, actor, row.about_kind, row.about_id)
    path = parts.folder.path_of(row.sha256)
    if not path.exists():
        raise InvariantError(f"the file of attachment {row.id} is missing: {path}")
    return FileResponse(path, media_type=row.media_type, filename=row.name, headers=_HEADERS)
