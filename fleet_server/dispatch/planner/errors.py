"""Errors of the pure planner."""

from fleet_server.errors import FleetError


class PlannerError(FleetError):
    """The planner was asked something that makes no sense."""

    slug = "planner"


class BadProblemError(PlannerError):
    """A problem contradicts itself: it is refused before anything is planned."""

    def __init__(self, subject: str, reason: str) -> None:
        super().__init__(f"{subject}: {reason}")
        self.subject = subject
        self.reason = reason


class UnknownJobError(PlannerError):
    """A plan names a job that the problem does not have."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"the problem has no job {job_id!r}")
        self.job_id = job_id
