"""Errors as problem+json (RFC 9457): a type slug, a status, what was wrong. One table."""

from collections.abc import Mapping
from typing import Any

import msgspec

from edge_agent.detection.errors import NothingLatchedError
from edge_agent.drivers.errors import DriverError
from edge_agent.errors import OutsideError
from edge_agent.local_api.calls import Answer
from edge_agent.rules.documents import VersionRefusedError
from edge_agent.selling.errors import (
    DoorBusyError,
    NoOpenDoorError,
    PaymentReferenceReusedError,
    SealingKeyMissingError,
    SessionNeededError,
    StockRefusedError,
    UnknownDoorError,
    UnknownSlotError,
)
from edge_agent.store import StorageError
from protocol.errors import (
    MalformedMessageError,
    MessageTooLargeError,
    SignatureRejectedError,
    UnreadableScanError,
)
from protocol.rules import Notice


class ApiError(OutsideError):
    """A request that cannot be answered; `slug` names the kind of problem."""

    def __init__(
        self, status: int, slug: str, detail: str, *, reason: str = "", text: Notice | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.slug = slug
        self.detail = detail
        self.reason = reason
        self.text = text


_KINDS: dict[type[Exception], tuple[int, str]] = {
    UnknownSlotError: (404, "unknown-slot"),
    UnknownDoorError: (404, "unknown-door"),
    DoorBusyError: (409, "door-busy"),
    DriverError: (409, "pulse-failed"),
    UnreadableScanError: (422, "unreadable-scan"),
    NoOpenDoorError: (409, "no-open-door"),
    SessionNeededError: (409, "session-needed"),
    NothingLatchedError: (409, "nothing-latched"),
    PaymentReferenceReusedError: (409, "payment-reference-reused"),
    StockRefusedError: (409, "stock-refused"),
    VersionRefusedError: (409, "version-refused"),
    SealingKeyMissingError: (409, "no-sealing-key"),
    SignatureRejectedError: (403, "signature-rejected"),
    MalformedMessageError: (422, "malformed"),
    MessageTooLargeError: (413, "too-large"),
    StorageError: (507, "storage"),
    msgspec.ValidationError: (422, "malformed"),
    msgspec.DecodeError: (400, "not-json"),
}

KNOWN: tuple[type[Exception], ...] = (ApiError, *_KINDS)
"""Errors that are somebody's mistake outside; any other is ours and must stop us."""


def problem(error: Exception) -> Answer:
    """Error of `KNOWN` -> answer."""
    if isinstance(error, ApiError):
        more = {"reason": error.reason, "text": error.text}
        return problem_answer(error.status, error.slug, error.detail, more)
    status, slug = next(kind for cls, kind in _KINDS.items() if isinstance(error, cls))
    return problem_answer(status, slug, str(error), _more(error))


def problem_answer(
    status: int, slug: str, detail: str, more: Mapping[str, object] | None = None
) -> Answer:
    """Answer of a problem; of `more` only what says something stands in it (RFC 9457, 3.2)."""
    body: dict[str, Any] = {"type": slug, "status": status, "detail": detail}
    body.update({key: value for key, value in (more or {}).items() if value})
    return Answer(status, body, problem=True)


def _more(error: Exception) -> dict[str, object]:
    """What a screen needs to word the problem in its own language."""
    if isinstance(error, StockRefusedError):
        return {"reason": error.refusal, "wanted": error.detail}
    return {"reason": error.fault} if isinstance(error, UnreadableScanError) else {}
