"""Cursor pages: stable while rows are added, unlike page numbers."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Query
from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from fleet_server.web.schemas import Page

LIMIT_DEFAULT = 50
LIMIT_MAX = 500
"""Rows of one page: bounds the work of one request."""

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="rows of one page")]
After = Annotated[str | None, Query(description="`next` of the page before")]

Row = TypeVar("Row")
Shown = TypeVar("Shown")


def page_of(
    session: Session,
    select: Select[Row],
    key: InstrumentedAttribute[Any],
    limit: int,
    after: str | None,
    show: Callable[[Row], Shown],
    *,
    newest_first: bool = True,
) -> Page[Shown]:
    """One page of `select`, ordered by `key` (a unique column, usually the id)."""
    if after is not None:
        select = select.where(key < after if newest_first else key > after)
    ordered = select.order_by(key.desc() if newest_first else key).limit(limit + 1)
    rows: Sequence[Row] = session.scalars(ordered).all()
    shown = rows[:limit]
    following = str(getattr(shown[-1], key.key)) if len(rows) > limit else None
    return Page(items=[show(row) for row in shown], next=following)
