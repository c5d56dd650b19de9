"""What may not be sold, read from the signed bundles themselves and decided in the plainest way.

A second opinion beside `protocol.matching`: of the bundles the agent took, the highest version
counts; the simulation's scopes name GTINs and exact lots only.
"""

import json
from typing import Any

from protocol.wire import DOWN_LIMIT_BYTES, unpack
from simulators.fleet_simulation.shelves import Unit


class RulesOracle:
    """Rules that reached one cabinet."""

    def __init__(self) -> None:
        self.version = 0
        self._rules: list[dict[str, Any]] = []

    def reached(self, payload: bytes) -> None:
        """Note a bundle as it came from the wire."""
        bundle = _read(payload)
        if bundle["version"] > self.version:
            self.version, self._rules = bundle["version"], bundle["rules"]

    def reached_if_held(self, payload: bytes, held_version: int) -> None:
        """Note a bundle if it was kept: the power went while it was taken in."""
        if _read(payload)["version"] <= held_version:
            self.reached(payload)

    def forgets(self) -> None:
        """Note that the store of the cabinet is gone, and the bundle with it."""
        self.version, self._rules = 0, []

    def blocks(self, unit: Unit) -> str:
        """Recall or hold that means this unit; empty for none."""
        return next((str(rule["recall"]) for rule in self._rules if _means(rule, unit)), "")


def _read(payload: bytes) -> dict[str, Any]:
    text = json.loads(unpack(payload, DOWN_LIMIT_BYTES))["payload"]
    found: dict[str, Any] = json.loads(text)
    return found


def _means(rule: dict[str, Any], unit: Unit) -> bool:
    terms = rule["terms"]
    gtins = terms.get("gtins", [])
    lots = terms.get("lots") or {}
    exact = lots.get("exact", [])
    return (not gtins or unit.gtin in gtins) and (not exact or unit.lot in exact)
