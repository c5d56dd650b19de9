"""Facts about stock."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StockShifted:
    """Lines of cabinets moved; one fact for a whole batch, in the order of the journal."""

    line_ids: tuple[str, ...]
