"""Facts the rule set announces."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VersionNotBelieved:
    """A cabinet names a version this server did not issue, and is not followed (ADR 0021)."""

    cabinet_id: str
    reason: str


@dataclass(frozen=True)
class RulesOvertaken:
    """Rules were issued once more because cabinets hold some this database never issued.

    They hold what it knows alone: a recall or hold begun after the backup is lifted by them.
    """

    version: int
    cabinet_ids: tuple[str, ...]
    """Who named such rules in this transaction."""
