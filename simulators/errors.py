"""Errors of the simulators."""


class SimulatorError(Exception):
    """Something in a simulator failed; the base of its errors."""


class NoSuchLockError(SimulatorError):
    """A lock was named that the simulated board does not have."""

    def __init__(self, lock: int, locks: int) -> None:
        self.lock = lock
        super().__init__(f"the board has locks 1 to {locks}, not {lock}")


class TerminalStuckError(SimulatorError):
    """The thread that serves a pseudo-terminal did not end within its time."""

    def __init__(self, path: str, seconds: float) -> None:
        self.path = path
        self.seconds = seconds
        super().__init__(f"{path}: the serving thread still runs after {seconds} s")


class ProcessStuckError(SimulatorError):
    """A hosted process did not do as it was told."""

    def __init__(self, command: str, reason: str) -> None:
        self.command = command
        super().__init__(f"{command} did not end: {reason}")


class NotProvenError(SimulatorError):
    """Something the story claims did not come true; the demo fails with this reason."""

    def __init__(self, what: str, reason: str) -> None:
        self.what = what
        self.reason = reason
        super().__init__(f"{what}: {reason}")


class UnexpectedAnswerError(SimulatorError):
    """A person of the story got another answer than it needs."""

    def __init__(self, request: str, status: int, body: str) -> None:
        self.status = status
        super().__init__(f"{request} answered {status}: {body[:500]}")
