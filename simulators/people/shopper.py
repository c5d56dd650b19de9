"""Shoppers: pay, take, close the door, and write down what they got for how much."""

from dataclasses import dataclass, field
from typing import Any

from simulators.hosts.cabinet_host import CabinetHost
from simulators.waiting import wait_until

SHUT_SECONDS_MAX = 120.0
"""The agent polls every 0.25 s in the story; one that is killed again and again on a busy machine
sees its door only in a life that lasts a second or two."""


@dataclass(frozen=True)
class Purchase:
    """What a shopper wrote down."""

    cabinet_id: str
    slot: str
    payment_reference: str
    outcome: str
    reason: str
    price_minor: int


@dataclass
class Shopper:
    """Buys at cabinets; `log` is its own word, beside what the machines say."""

    name: str
    log: list[Purchase] = field(default_factory=list)
    _count: int = 0

    def buy(
        self, cabinet: CabinetHost, slot: str, contact: str = "", *, closes: bool = True
    ) -> Purchase:
        """Pay for one unit; a careless shopper leaves the door open."""
        self._count += 1
        reference = f"{self.name}-{self._count}"
        price = next(
            shown["price_minor"] for shown in cabinet.state()["slots"] if shown["slot"] == slot
        )
        order = {"payment_reference": reference, "slot": slot, "contact": contact}
        answer: dict[str, Any] = cabinet.screen.post("/vends", order)
        if closes:
            cabinet.locks.close_door(cabinet.lock_of(slot))
            wait_until(f"{slot} is shut", lambda: _is_shut(cabinet, slot), SHUT_SECONDS_MAX)
        got = answer["outcome"] == "dispensed"
        purchase = Purchase(
            cabinet.cabinet_id,
            slot,
            reference,
            answer["outcome"],
            answer.get("reason", ""),
            price if got else 0,
        )
        self.log.append(purchase)
        return purchase

    @property
    def taken(self) -> list[Purchase]:
        """Purchases that ended with goods in hand."""
        return [purchase for purchase in self.log if purchase.outcome == "dispensed"]


def _shown(cabinet: CabinetHost, slot: str) -> dict[str, Any]:
    """What the screen shows of a slot."""
    shown: dict[str, Any] = next(one for one in cabinet.state()["slots"] if one["slot"] == slot)
    return shown


def _is_shut(cabinet: CabinetHost, slot: str) -> bool:
    return bool(_shown(cabinet, slot)["door_state"] == "closed")
