"""Shapes every feature's `schemas.py` builds on."""

import math
import re
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator

T = TypeVar("T")


_UNKEEPABLE = re.compile(r"[\x00\ud800-\udfff]")
DEPTH_MAX = 20
"""Levels of a request's body; the deepest honest one has six."""
NUMBER_MAX = 2**63 - 1
"""The largest number both databases hold."""


class Order(BaseModel):
    """Body of a request: a field we do not know is an error (422), not a silent nothing.

    So is a value one of the two databases, or JSON itself, would not keep: NUL, half a surrogate
    pair, a number past 64 bits or none at all, a depth no honest body has.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _can_be_kept(cls, data: Any) -> Any:
        check_keepable(data)
        return data


def check_keepable(value: Any, depth: int = 0) -> None:
    """ValueError for a value that cannot be kept."""
    if depth > DEPTH_MAX:
        raise ValueError(f"more than {DEPTH_MAX} levels deep")
    if isinstance(value, dict):
        inner = [*value.keys(), *value.values()]
    elif isinstance(value, list):
        inner = value
    else:
        _check_one(value)
        return
    for one in inner:
        check_keepable(one, depth + 1)


def _check_one(value: Any) -> None:
    if isinstance(value, str) and _UNKEEPABLE.search(value):
        raise ValueError("a text holds a NUL or half a character")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not a number")
    if isinstance(value, int) and abs(value) > NUMBER_MAX:
        raise ValueError("a number exceeds 64 bits")


class View(BaseModel):
    """Body of an answer, read from a row."""

    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[T]):
    """One page of a list; `next` is the cursor of the following one, null at the end."""

    items: list[T]
    next: str | None = None
