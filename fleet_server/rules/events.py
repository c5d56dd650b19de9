"""Facts the rule set announces."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VersionNotBelieved:
    """A cabinet names a version this server did not issue, and is not followed (ADR 0021)."""

    cabinet_id: str
    reason: str
