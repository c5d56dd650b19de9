"""What is wrong with thresholds or a release that somebody asked for."""

from edge_agent.errors import OutsideError


class ThresholdError(OutsideError):
    """Thresholds from outside cannot be used; `key` names the one at fault."""

    def __init__(self, key: str, reason: str) -> None:
        self.key = key
        self.reason = reason
        super().__init__(f"threshold {key}: {reason}")


class UnknownProfileError(ThresholdError):
    """No profile of this name."""


class UnknownThresholdError(ThresholdError):
    """No threshold of this name."""


class AbsurdThresholdError(ThresholdError):
    """A number that no cabinet can mean."""


class NothingLatchedError(OutsideError):
    """A release was asked for something that is not latched; nothing changed."""

    def __init__(self, code: str, part: str) -> None:
        self.code = code
        self.part = part
        super().__init__(f"{code} is not latched on {part!r}")
