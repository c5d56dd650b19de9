"""Which rules block which goods; pure. The matching itself is `protocol/matching.py`, only there.

Rules that name GTINs are found by GTIN, so a slot is checked against the few that can mean it.
Goods without a known GTIN are checked against all of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from protocol.matching import Goods, Match, Place, match, strongest
from protocol.rules import BlockKind, Notice, OpenDoorAction, RecallClass, Rule


@dataclass(frozen=True)
class Block:
    """One recall or hold that blocks a slot, and how surely."""

    recall: str
    kind: BlockKind
    match: Match
    notice: Notice
    open_door: OpenDoorAction = OpenDoorAction.LOCK
    """What it does to an open-door cabinet; a slot is blocked by either."""


@dataclass(frozen=True)
class RuleIndex:
    """Rules of one bundle, found by GTIN."""

    everything: tuple[Rule, ...] = ()
    by_gtin: dict[str, list[Rule]] = field(default_factory=dict)
    without_gtin: tuple[Rule, ...] = ()

    def about(self, gtin: str | None) -> Iterable[Rule]:
        """Rules that can mean goods of this GTIN."""
        if gtin is None:
            return self.everything
        return (*self.by_gtin.get(gtin, ()), *self.without_gtin)


def index(rules: Iterable[Rule]) -> RuleIndex:
    """Rules -> index."""
    everything = tuple(rules)
    by_gtin: dict[str, list[Rule]] = {}
    for rule in everything:
        for gtin in rule.terms.gtins:
            by_gtin.setdefault(gtin, []).append(rule)
    without = tuple(rule for rule in everything if not rule.terms.gtins)
    return RuleIndex(everything, by_gtin, without)


def _locks(rule: Rule) -> bool:
    return rule.open_door is OpenDoorAction.LOCK or rule.recall_class is RecallClass.I


def blocks(rules: RuleIndex, goods: Iterable[Goods], place: Place) -> tuple[Block, ...]:
    """Blocks on goods that lie together in one place, one per recall, surest first.

    A recall only warns when every rule of it that matches says so, and never in class I.
    """
    matches: dict[str, list[Match]] = {}
    first: dict[str, Rule] = {}
    locking: set[str] = set()
    for item in goods:
        for rule in rules.about(item.gtin):
            found = match(rule, item, place)
            if found.blocks:
                matches.setdefault(rule.recall, []).append(found)
                first.setdefault(rule.recall, rule)
                if _locks(rule):
                    locking.add(rule.recall)
    found_blocks = [
        Block(
            recall,
            rule.block,
            strongest(matches[recall]),
            rule.notice,
            OpenDoorAction.LOCK if recall in locking else OpenDoorAction.WARN,
        )
        for recall, rule in first.items()
    ]
    return tuple(sorted(found_blocks, key=lambda block: block.match is not Match.YES))
