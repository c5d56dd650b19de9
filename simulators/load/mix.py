"""What cabinets do, as data: streams of events with bodies a real cabinet would write."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

EXPIRY = "2099-01-01"
CURRENCY = "CNY"
LOADED_UNITS = 50_000
FAULT_EVERY_EVENTS = 400
"""One fault raised and cleared in as many events: 0.5 % of them, some ten times a real fleet's."""


@dataclass(frozen=True)
class Slot:
    """One slot of the planogram all simulated cabinets share."""

    name: str
    gtin: str
    lot: str
    price_minor: int


PLANOGRAM = (
    Slot("A1", "06901234567892", "L2611", 1280),
    Slot("A2", "06902345678903", "W2610", 250),
    Slot("A3", "06901234567892", "L2612", 1280),
    Slot("A4", "06902345678903", "W2611", 250),
)


@dataclass
class Shelf:
    """What a mix has to know of its cabinet while it goes on."""

    name: str
    boot: str
    rules_version: int = 0
    blocked: dict[str, str] = field(default_factory=dict)
    """Slot -> recall that blocks it now."""


Event = tuple[str, str]
"""(type, body as JSON)."""
Mix = Callable[[Shelf, Callable[[], str]], Iterator[Event]]
"""Endless stream of a cabinet; the second argument tells the time as text."""


def vending(shelf: Shelf, now: Callable[[], str]) -> Iterator[Event]:
    """Sales through doors: opened, sold, closed; now and then a door that stays open."""
    yield from _loads()
    number = 0
    while True:
        for _ in range(FAULT_EVERY_EVENTS // 3):
            number += 1
            yield from _sale(shelf, number)
        yield from _fault(f"{shelf.boot}-{number}", now)


def doors(_shelf: Shelf, _now: Callable[[], str]) -> Iterator[Event]:
    """Only doors: what ingest costs by itself."""
    while True:
        yield "door.opened", '{"door":"1","cause":"sale"}'
        yield "door.closed", '{"door":"1","cause":"sale","open_seconds":7.5}'


def faults(shelf: Shelf, now: Callable[[], str]) -> Iterator[Event]:
    """Only faults that come and go: each opens a ticket, and closes it."""
    number = 0
    while True:
        number += 1
        yield from _fault(f"{shelf.boot}-{number}", now)


MIXES: dict[str, Mix] = {"vending": vending, "doors": doors, "faults": faults}


def _loads() -> Iterator[Event]:
    for slot in PLANOGRAM:
        body = (
            f'{{"slot":"{slot.name}","gtin":"{slot.gtin}","lot":"{slot.lot}",'
            f'"quantity":{LOADED_UNITS},"by":"load","expiry":"{EXPIRY}"}}'
        )
        yield "stock.loaded", body


def _sale(shelf: Shelf, number: int) -> Iterator[Event]:
    slot = PLANOGRAM[number % len(PLANOGRAM)]
    recall = shelf.blocked.get(slot.name)
    if recall is not None:
        yield (
            "sale.refused",
            f'{{"reason":"recall","slot":"{slot.name}","gtin":"{slot.gtin}","recall":"{recall}"}}',
        )
        return
    sale = f"{shelf.boot}-{number}"
    yield "door.opened", '{"door":"1","cause":"sale"}'
    body = (
        f'{{"sale":"{sale}","mode":"slot","lines":[{{"line":1,"slot":"{slot.name}",'
        f'"gtin":"{slot.gtin}","lot":"{slot.lot}","lot_confidence":"single","quantity":1,'
        f'"price_minor":{slot.price_minor},"expiry":"{EXPIRY}","not_returnable_told":true}}],'
        f'"total_minor":{slot.price_minor},"currency":"{CURRENCY}",'
        f'"payment_reference":"pay-{sale}","rules_version":{shelf.rules_version}}}'
    )
    yield "sale.completed", body
    yield "door.closed", '{"door":"1","cause":"sale","open_seconds":7.5}'


def _fault(name: str, now: Callable[[], str]) -> Iterator[Event]:
    common = f'"fault":"{name}","code":"DOOR_OPEN_LONG","part":"door1"'
    yield "fault.raised", f'{{{common},"severity":"M","since":"{now()}"}}'
    yield "fault.cleared", f'{{{common},"cleared_by":"auto"}}'
