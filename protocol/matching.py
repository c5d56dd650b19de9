"""The only matcher of goods against rules: gate, preview and trace all use it (P-16).

Three-valued. What is not known can never be the reason for `no`: an unknown lot, date or place
gives `possible`, and `possible` blocks like `yes`. So losing information never frees goods
(requirements, invariant 7).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeVar

from protocol.rules import DateRange, Lots, Rule, Terms, Where

T = TypeVar("T")


class Match(StrEnum):
    """How surely goods are meant by a rule."""

    YES = "yes"
    POSSIBLE = "possible"
    NO = "no"

    @property
    def blocks(self) -> bool:
        """Stop-sale and removal use yes and possible alike."""
        return self is not Match.NO


@dataclass(frozen=True)
class Goods:
    """What is known of one stock line or sale line; None means not known."""

    gtin: str | None
    lot: str | None = None
    serial: str | None = None
    expiry: date | None = None
    production: date | None = None


@dataclass(frozen=True)
class Place:
    """Where the goods are; None means not known."""

    cabinet: str | None
    slot: str | None = None
    site: str | None = None
    region: str | None = None


def match(rule: Rule, goods: Goods, place: Place) -> Match:
    """Match of one stock line or sale line against a rule."""
    return _all([match_terms(rule.terms, goods), match_place(rule.where, place)])


def match_terms(terms: Terms, goods: Goods) -> Match:
    """Match of goods against the terms alone; terms that are not given say yes."""
    return _all(
        [
            _one_of(terms.gtins, goods.gtin),
            _lots(terms.lots, goods.lot),
            _one_of(terms.serials, goods.serial),
            _dates(terms.expiry, goods.expiry),
            _dates(terms.production, goods.production),
        ]
    )


def match_place(where: Where, place: Place) -> Match:
    """Match of a place; lists that are not given say yes."""
    return _all(
        [
            _one_of(where.cabinets, place.cabinet),
            _one_of(where.slots, place.slot),
            _one_of(where.sites, place.site),
            _one_of(where.regions, place.region),
        ]
    )


def strongest(matches: Iterable[Match]) -> Match:
    """Return the match that counts when several rules meet one line: yes before possible."""
    found = set(matches)
    return next((kind for kind in (Match.YES, Match.POSSIBLE) if kind in found), Match.NO)


def _all(parts: list[Match]) -> Match:
    if Match.NO in parts:
        return Match.NO
    return Match.POSSIBLE if Match.POSSIBLE in parts else Match.YES


def _one_of(wanted: list[str], known: str | None) -> Match:
    return _decide(bool(wanted), known, lambda value: value in wanted)


def _lots(lots: Lots | None, known: str | None) -> Match:
    return _decide(lots is not None, known, lambda lot: lots is not None and _lot_in(lots, lot))


def _lot_in(lots: Lots, lot: str) -> bool:
    return (
        lot in lots.exact
        or any(lot.startswith(prefix) for prefix in lots.prefix)
        or any(len(lot) == len(span.low) and span.low <= lot <= span.high for span in lots.ranges)
    )


def _dates(span: DateRange | None, known: date | None) -> Match:
    return _decide(
        span is not None,
        known,
        lambda day: (
            span is not None
            and (span.low is None or span.low <= day)
            and (span.high is None or day <= span.high)
        ),
    )


def _decide(given: bool, known: T | None, holds: Callable[[T], bool]) -> Match:  # noqa: FBT001  # private, one word at each call
    if not given:
        return Match.YES
    if known is None:
        return Match.POSSIBLE
    return Match.YES if holds(known) else Match.NO
