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
