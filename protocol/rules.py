"""The rule bundle: every active hold and recall, signed, with one version (protocol v1, P-16)."""

from datetime import date, datetime
from enum import StrEnum

import msgspec

from protocol.errors import MalformedMessageError
from protocol.gtin import checked_gtin
from protocol.signatures import WHOLE_FLEET, SignedKind
from protocol.wire import decode_json

RULES_MAX = 5_000
"""Rules in one bundle: five times what the gate is measured with; 512 KiB is reached later."""


class BlockKind(StrEnum):
    """A hold stops sale for 24 h by one person; a recall is approved by two."""

    HOLD = "hold"
    RECALL = "recall"


class RecallClass(StrEnum):
    """Seriousness, I the highest."""

    I = "I"  # noqa: E741  # the field's own name for it
    II = "II"
    III = "III"


class OpenDoorAction(StrEnum):
    """What an open-door cabinet does with a match inside."""

    LOCK = "lock"
    WARN = "warn"


class LotRange(msgspec.Struct, frozen=True, rename={"low": "from", "high": "to"}):
    """Lots of the same length, in text order, both ends included; case as scanned."""

    low: str
    high: str


class Lots(msgspec.Struct, frozen=True, omit_defaults=True):
    """Any of these says yes."""

    exact: list[str] = []
    prefix: list[str] = []
    ranges: list[LotRange] = []


class DateRange(
    msgspec.Struct, frozen=True, omit_defaults=True, rename={"low": "from", "high": "to"}
):
    """Days, both ends included; an open end is absent."""

    low: date | None = None
    high: date | None = None


class Terms(msgspec.Struct, frozen=True, omit_defaults=True):
    """What goods are meant. All given terms must match; the entries of a list are alternatives."""

    gtins: list[str] = []
    lots: Lots | None = None
    serials: list[str] = []
    expiry: DateRange | None = None
    production: DateRange | None = None


class Where(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which places are meant; empty means everywhere."""

    cabinets: list[str] = []
    slots: list[str] = []
    sites: list[str] = []
    regions: list[str] = []


class Notice(msgspec.Struct, frozen=True):
    """Text for the cabinet's screen, both languages."""

    zh: str
    en: str


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """One active block. `recall` is the id of the recall or hold it enforces."""

    recall: str
    revision: int
    block: BlockKind
    terms: Terms
    notice: Notice
    recall_class: RecallClass | None = None
    where: Where = Where()
    open_door: OpenDoorAction = OpenDoorAction.LOCK


class RuleBundle(msgspec.Struct, frozen=True):
    """Payload of the signed bundle: the full set, so the newest version alone is enough."""

    kind: SignedKind
    fleet: str
    cabinet: str
    version: int
    issued_at: datetime
    rules: list[Rule]


def read_rule_bundle(payload: str) -> RuleBundle:
    """Payload text -> bundle whose rules make sense; MalformedMessageError when not."""
    bundle = decode_json(payload, RuleBundle)
    if bundle.version < 1:
        raise MalformedMessageError("versions start at 1")
    if bundle.cabinet != WHOLE_FLEET:
        raise MalformedMessageError("a rule bundle is for the whole fleet")
    if len(bundle.rules) > RULES_MAX:
        raise MalformedMessageError(f"{len(bundle.rules)} rules exceed {RULES_MAX}")
    for rule in bundle.rules:
        check_rule(rule)
    return bundle


def check_rule(rule: Rule) -> None:
    """Refuse a rule that would match by accident; MalformedMessageError says why."""
    if rule.terms == Terms() and rule.where == Where():
        raise MalformedMessageError(f"{rule.recall}: a rule without any term would block all goods")
    for gtin in rule.terms.gtins:
        if checked_gtin(gtin) != gtin:
            raise MalformedMessageError(f"{rule.recall}: GTIN {gtin} is not written as 14 digits")
    for lots in rule.terms.lots.ranges if rule.terms.lots else ():
        if len(lots.low) != len(lots.high) or lots.low > lots.high:
            raise MalformedMessageError(
                f"{rule.recall}: lot range {lots.low}..{lots.high} has no meaning"
            )
    for days in (rule.terms.expiry, rule.terms.production):
        if days and days.low and days.high and days.low > days.high:
            raise MalformedMessageError(f"{rule.recall}: a date range ends before it begins")
