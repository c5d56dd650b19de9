"""Shapes every feature's `schemas.py` builds on."""

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator

T = TypeVar("T")


class Order(BaseModel):
    """Body of a request: a field we do not know is an error (422), not a silent nothing.

    So is a text with NUL, which one of the two databases would keep and the other refuse.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _no_nul(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for name, value in data.items():
                if isinstance(value, str) and "\0" in value:
                    raise ValueError(f"{name} holds a NUL character")
        return data


class View(BaseModel):
    """Body of an answer, read from a row."""

    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[T]):
    """One page of a list; `next` is the cursor of the following one, null at the end."""

    items: list[T]
    next: str | None = None
