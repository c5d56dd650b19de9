"""All selects of the rule set."""

from collections.abc import Collection

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fleet_server.rules.models import ActiveRule, RuleSet
from protocol.matching import Goods, Match, Place, match
from protocol.rules import Rule


def newest_version(session: Session) -> int:
    """Version in force; 0 before the first bundle."""
    return session.scalar(select(func.max(RuleSet.version))) or 0


def digests_of(session: Session, versions: Collection[int]) -> dict[int, str]:
    """Digests of bundles that were issued."""
    found = select(RuleSet.version, RuleSet.digest).where(RuleSet.version.in_(sorted(versions)))
    return {row.version: row.digest for row in session.execute(found)}


def newest_set(session: Session) -> RuleSet | None:
    """Bundle in force."""
    return session.scalar(select(RuleSet).order_by(RuleSet.version.desc()).limit(1))


def lock_versions(session: Session) -> None:
    """Keep other writers out until this transaction ends.

    The first bundle stands for all: the newest one changes while a writer waits for it, and two
    who waited for different rows would make the same version.
    """
    session.execute(
        select(RuleSet.version).order_by(RuleSet.version).limit(1).with_for_update()
    ).all()


def active_rules(session: Session) -> list[Rule]:
    """Every rule in force, in a fixed order."""
    rows = session.scalars(select(ActiveRule).order_by(ActiveRule.recall_id, ActiveRule.id))
    return [msgspec.convert(row.rule, Rule) for row in rows]


def blocking(session: Session, goods: Goods, place: Place) -> list[tuple[Rule, Match]]:
    """Rules that block these goods at this place, with how surely they match."""
    found = [(rule, match(rule, goods, place)) for rule in active_rules(session)]
    return [(rule, result) for rule, result in found if result.blocks]
