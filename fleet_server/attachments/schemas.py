"""Web shapes of attachments."""

from datetime import datetime

from pydantic import Field

from fleet_server.attachments.rules import MediaType
from fleet_server.web.schemas import Order, View


class AttachmentOrder(Order):
    """`POST /attachments`, as far as it makes one upload the same as another."""

    about_kind: str = Field(max_length=20)
    about_id: str = Field(max_length=80)
    name: str
    sha256: str


class AttachmentView(View):
    """What is known of a file; `GET /attachments/{id}` gives its bytes."""

    id: str
    about_kind: str
    about_id: str
    name: str
    media_type: MediaType
    size_bytes: int
    sha256: str
    created_at: datetime
    created_by: str
    actions: list[str] = Field(default_factory=lambda: ["download"])
