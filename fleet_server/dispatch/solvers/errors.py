"""Errors of the solvers."""

from fleet_server.errors import FleetError


class SolverError(FleetError):
    """An engine gave no answer; the plan that stands goes on standing."""

    slug = "solver"

    def __init__(self, engine: str, reason: str) -> None:
        super().__init__(f"{engine}: {reason}")
        self.engine = engine
        self.reason = reason


class SolverMissingError(SolverError):
    """The engine is not installed."""

    def __init__(self, engine: str) -> None:
        super().__init__(engine, "is not installed")


class SolverTimedOutError(SolverError):
    """The engine was killed: it did not answer within its budget and the grace."""

    def __init__(self, engine: str, seconds: float) -> None:
        super().__init__(engine, f"gave no answer within {seconds:.1f} s and was killed")
        self.seconds = seconds


class SolverFailedError(SolverError):
    """The engine raised, or its process died."""
