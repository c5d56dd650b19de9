"""Pure: when goods count as near their expiry.

Customary Chinese retail table by shelf life (requirements 1.7, Near-expiry default): at least a
year 45 days before, 6-12 months 20, 90 days to 6 months 15, 30-90 days 10, 16-30 days 5, up to
15 days 2.
"""

NEAR_EXPIRY_BY_SHELF_LIFE: tuple[tuple[int, int], ...] = (
    (365, 45),
    (180, 20),
    (90, 15),
    (30, 10),
    (16, 5),
)
"""Shelf life of at least so many days -> near expiry so many days before, longest first."""
NEAR_EXPIRY_SHORTEST_DAYS = 2


def near_expiry_days(shelf_life_days: int | None) -> int:
    """Days before expiry from which a buyer is told; a shelf life nobody stated is short."""
    known = shelf_life_days or 0
    return next(
        (days for at_least, days in NEAR_EXPIRY_BY_SHELF_LIFE if known >= at_least),
        NEAR_EXPIRY_SHORTEST_DAYS,
    )
