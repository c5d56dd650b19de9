"""Errors of the server: services raise, `web.problems` renders; each carries its status once.

"They are wrong" derives from RequestError (4xx). Everything else is ours (5xx).
"""

from collections.abc import Iterable
from typing import ClassVar


class FleetError(Exception):
    """The server cannot do this."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"

    @property
    def facts(self) -> dict[str, object]:
        """Fields shown to the caller beside the sentence."""
        return {}


class RequestError(FleetError):
    """The caller asked for something that cannot be had."""

    status = 400
    slug = "bad-request"


class InvalidError(RequestError):
    """A field of the request has a value that makes no sense."""

    status = 422
    slug = "invalid"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason

    @property
    def facts(self) -> dict[str, object]:
        """Name the field and the reason."""
        return {"field": self.field, "reason": self.reason}


class NotFoundError(RequestError):
    """There is no such thing, or the caller may not know of it."""

    status = 404
    slug = "not-found"

    def __init__(self, kind: str, key: str) -> None:
        super().__init__(f"no {kind} {key!r}")
        self.kind = kind
        self.key = key

    @property
    def facts(self) -> dict[str, object]:
        """Name what was looked for."""
        return {"kind": self.kind, "key": self.key}


class ConflictError(RequestError):
    """The request contradicts what stands."""

    status = 409
    slug = "conflict"


class IllegalTransitionError(ConflictError):
    """A life cycle has no such step."""

    slug = "illegal-transition"

    def __init__(self, kind: str, state: str, wanted: str, legal: Iterable[str]) -> None:
        self.kind = kind
        self.state = state
        self.wanted = wanted
        self.legal = sorted(legal)
        super().__init__(f"{kind} is {state}; {wanted} is not among {self.legal}")

    @property
    def facts(self) -> dict[str, object]:
        """State the present state and the legal steps from it."""
        return {"state": self.state, "wanted": self.wanted, "legal": self.legal}


class UnauthenticatedError(RequestError):
    """The caller did not say who it is, or not truly."""

    status = 401
    slug = "unauthenticated"


class ForbiddenError(RequestError):
    """The caller is known and may not do this."""

    status = 403
    slug = "forbidden"


class TooManyRequestsError(RequestError):
    """The caller has to wait."""

    status = 429
    slug = "too-many-requests"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(f"try again in {retry_after_seconds} s")
        self.retry_after_seconds = retry_after_seconds

    @property
    def facts(self) -> dict[str, object]:
        """Say how long to wait."""
        return {"retry_after_seconds": self.retry_after_seconds}


class ConfigurationError(FleetError):
    """The server was set up so that it cannot run; the operator has to mend it."""

    slug = "configuration"


class InvariantError(FleetError):
    """Something that must hold does not: a fault of ours."""

    slug = "invariant"
