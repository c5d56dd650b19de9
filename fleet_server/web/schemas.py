"""Shapes every feature's `schemas.py` builds on."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


class Order(BaseModel):
    """Body of a request: a field we do not know is an error (422), not a silent nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class View(BaseModel):
    """Body of an answer, read from a row."""

    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[T]):
    """One page of a list; `next` is the cursor of the following one, null at the end."""

    items: list[T]
    next: str | None = None
