"""Errors of service levels: a policy or calendar that cannot be used, and who has to mend it."""

from datetime import datetime

from fleet_server.errors import ConfigurationError, RequestError


class PolicyError(ConfigurationError):
    """There is no such policy, or it asks for what the engine cannot count."""

    def __init__(self, policy: str, reason: str) -> None:
        super().__init__(f"service policy {policy!r}: {reason}")
        self.policy = policy
        self.reason = reason


class CalendarError(ConfigurationError):
    """There is no such calendar, or no time can be counted by it."""

    def __init__(self, calendar: str, reason: str) -> None:
        super().__init__(f"calendar {calendar!r}: {reason}")
        self.calendar = calendar
        self.reason = reason


class DocumentRefusedError(RequestError):
    """A policy or calendar that somebody wants to publish cannot be used as it is."""

    status = 422
    slug = "document-refused"

    def __init__(self, reference: str, reason: str) -> None:
        super().__init__(f"{reference}: {reason}")
        self.reference = reference
        self.reason = reason

    @property
    def facts(self) -> dict[str, object]:
        """Name the document and what is wrong with it."""
        return {"reference": self.reference, "reason": self.reason}


class DueInThePastError(RequestError):
    """A promise is for later: nobody can keep one that is over."""

    status = 422
    slug = "due-in-the-past"

    def __init__(self, due_at: datetime, now: datetime) -> None:
        super().__init__(f"due at {due_at.isoformat()}, and it is {now.isoformat()} already")
        self.due_at = due_at
        self.now = now

    @property
    def facts(self) -> dict[str, object]:
        """Say both times."""
        return {"due_at": self.due_at.isoformat(), "now": self.now.isoformat()}
