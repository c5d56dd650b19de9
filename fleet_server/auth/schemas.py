"""Web shapes of auth."""

from datetime import datetime
from typing import Self

from pydantic import Field, model_validator

from fleet_server.auth.rules import Role
from fleet_server.web.schemas import Order, View


class SignIn(Order):
    """`POST /session`."""

    username: str = Field(min_length=1, max_length=60)
    password: str = Field(min_length=1, max_length=200)


class GrantShape(Order):
    """One role, everywhere or in one site or in one region."""

    role: Role
    site_id: str | None = None
    region: str | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if self.site_id is not None and self.region is not None:
            raise ValueError("limit a grant to a site or to a region, not to both")
        return self


class SessionView(View):
    """Who I am."""

    user_id: str | None
    actor: str
    username: str
    display_name: str
    grants: list[GrantShape]
    expires_at: datetime | None = None


class UserOrder(Order):
    """`POST /users`."""

    username: str = Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9._@-]+$")
    password: str = Field(max_length=200)
    display_name: str = Field("", max_length=120)
    grants: list[GrantShape] = Field(min_length=1, max_length=50)


class UserView(View):
    """A person as administrators see it."""

    id: str
    username: str
    display_name: str
    active: bool
    grants: list[GrantShape]


class TokenOrder(Order):
    """`POST /tokens`."""

    name: str = Field(min_length=1, max_length=80)
    lifetime_days: int = Field(30, ge=1, le=366)


class TokenView(View):
    """A token; its secret stands in the answer of its making only."""

    id: str
    name: str
    expires_at: datetime
    secret: str | None = None
