"""What ends a run, and what ends a simulated machine."""

from simulators.errors import SimulatorError

TOLD_LENGTH_MAX = 300


class InvariantBrokenError(SimulatorError):
    """A promise of the product was broken in a run."""

    def __init__(self, checker: str, detail: str) -> None:
        super().__init__(f"{checker}: {detail}")
        self.checker = checker
        self.detail = detail


def shortly(error: BaseException) -> str:
    """Say what an exception is in one line."""
    return f"{type(error).__name__}: {error}".split("\n", 1)[0][:TOLD_LENGTH_MAX]


class MachineCrashed(BaseException):
    """The simulated machine stops in the middle of what it does.

    No `Exception`: nothing of the product may catch it, as nothing catches a power cut.
    """
