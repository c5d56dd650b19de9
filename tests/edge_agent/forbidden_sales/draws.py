"""Recalls drawn from a seed, of every kind of term and place."""

import random  # noqa: TID251  # a run repeats from its seed
from collections.abc import Callable, Sequence
from datetime import date, timedelta

from tests.edge_agent.forbidden_sales.oracle import Recall
from tests.edge_agent.forbidden_sales.place import GTINS

LOTS = (None, "L1", "L2", "K1", "L10", "l1")


def drawn_recall(chance: random.Random, number: int, today: date, slots: Sequence[str]) -> Recall:
    """Some recall that makes sense."""
    draws: list[tuple[str, float, Callable[[], object]]] = [
        ("gtin", 0.7, lambda: chance.choice(GTINS)),
        ("exact", 0.3, lambda: chance.choice(LOTS[1:])),
        ("prefix", 0.2, lambda: chance.choice(["L", "L1", "K", "X"])),
        ("span", 0.2, lambda: chance.choice([("L0", "L5"), ("K1", "K1"), ("L10", "L99")])),
        ("expiry", 0.2, lambda: (None, today + timedelta(chance.choice([1, 30, 3_000])))),
        ("slot", 0.1, lambda: chance.choice(slots)),
        ("site", 0.1, lambda: chance.choice(["site-1", "site-2"])),
    ]
    terms = {name: draw() for name, share, draw in draws if chance.random() < share}
    terms = terms or {"gtin": chance.choice(GTINS)}
    return Recall(
        f"R-{number}",
        warns=chance.random() < 0.3,
        class_one=chance.random() < 0.3,
        **terms,  # type: ignore[arg-type]  # drawn by name
    )
