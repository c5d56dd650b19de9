"""Facts about sales."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SalesRecorded:
    """Sales, or new revisions of them, entered the ledger; one fact for a whole batch."""

    sale_ids: tuple[str, ...]
