"""Pure: from a scope as people write it to the terms and rules cabinets obey.

Split from `rules.py` by object.
"""

from collections.abc import Mapping
from typing import Any

from fleet_server.recalls.schemas import Days, Scope
from protocol.rules import (
    BlockKind,
    DateRange,
    LotRange,
    Lots,
    Notice,
    RecallClass,
    Rule,
    Terms,
    Where,
)


def stored(scope: Scope) -> dict[str, Any]:
    """Scope as it is stored: JSON with the names people write."""
    return scope.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def read(kept: Mapping[str, Any]) -> Scope:
    """Scope as it was stored."""
    return Scope.model_validate(kept)


def terms_of(scope: Scope) -> Terms:
    """What goods are meant."""
    lots = scope.lots
    return Terms(
        gtins=list(scope.gtins),
        lots=None
        if lots is None
        else Lots(
            exact=list(lots.exact),
            prefix=list(lots.prefix),
            ranges=[LotRange(span.low, span.high) for span in lots.ranges],
        ),
        serials=list(scope.serials),
        expiry=_days(scope.expiry),
        production=_days(scope.production),
    )


def where_of(scope: Scope) -> Where:
    """Which places are meant."""
    return Where(
        cabinets=list(scope.cabinets),
        slots=list(scope.slots),
        sites=list(scope.sites),
        regions=list(scope.regions),
    )


def scope_to_rules(
    scope: Scope,
    recall_id: str,
    revision: int,
    block: BlockKind,
    notice: Notice,
    recall_class: RecallClass | None = None,
) -> list[Rule]:
    """Rules that enforce a scope. When goods were sold matters to buyers, never to the block."""
    return [
        Rule(
            recall=recall_id,
            revision=revision,
            block=block,
            terms=terms_of(scope),
            notice=notice,
            recall_class=recall_class,
            where=where_of(scope),
        )
    ]


def _days(days: Days | None) -> DateRange | None:
    return None if days is None else DateRange(days.low, days.high)
