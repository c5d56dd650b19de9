"""What is sold in a simulation, and the scopes people stop the sale of."""

from datetime import date
from typing import Any

from simulators.fleet_simulation.shelves import Unit

SANDWICH = "06901234567892"
WATER = "06902345678903"
LOTS = ("L1", "L2", "L3")
EXPIRY = date(2026, 12, 31)
"""After every run: dates are what the forbidden-sales runs of the agent are for."""
PLANOGRAM = {"A1": SANDWICH, "A2": WATER, "A3": SANDWICH}


def unit(gtin: str, lot: str) -> Unit:
    """One piece."""
    return Unit(gtin, lot, EXPIRY)


def desired(price_minor: int) -> dict[str, Any]:
    """What `PUT /cabinets/{id}/desired` takes."""
    rows = [
        {
            "slot": slot,
            "gtin": gtin,
            "price_minor": price_minor,
            "name_zh": "商品",
            "name_en": "goods",
            "capacity": 20,
            "par": 2,
            "perishable": gtin == SANDWICH,
            "chilled": gtin == SANDWICH,
        }
        for slot, gtin in PLANOGRAM.items()
    ]
    return {"planogram": rows, "threshold_profile": "demo"}


def scope(gtin: str, lot: str) -> dict[str, Any]:
    """Scope of one lot."""
    return {"gtins": [gtin], "lots": {"exact": [lot]}}


def recall(gtin: str, lot: str, number: int) -> dict[str, Any]:
    """Whole draft of a recall."""
    texts = {"zh": "未标示过敏原", "en": "undeclared allergen"}
    return {
        "title": {"zh": f"召回 {number}", "en": f"Recall {number}"},
        "recall_class": "II",
        "initiator": {"type": "producer", "name": "Fresh Foods"},
        "source_document": f"FF-{number}",
        "scope": scope(gtin, lot),
        "reason": texts,
        "hazard": texts,
        "action": {"zh": "请勿食用", "en": "do not eat"},
        "remedy": "refund",
        "contact": "400-000-0000",
    }
