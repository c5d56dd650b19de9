"""Facts notices announce."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NoticeAcknowledged:
    """Somebody whom a notice was for answers for what it says; `kind` is its template."""

    notice_id: str
    kind: str
    about_kind: str
    about_id: str
