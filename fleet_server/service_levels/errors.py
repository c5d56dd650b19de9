"""Errors of service levels: a policy that cannot be used is the operator's to mend."""

from fleet_server.errors import ConfigurationError


class PolicyError(ConfigurationError):
    """There is no such policy, or it asks for what the engine cannot count."""

    def __init__(self, policy: str, reason: str) -> None:
        super().__init__(f"service policy {policy!r}: {reason}")
        self.policy = policy
        self.reason = reason
