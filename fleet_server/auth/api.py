"""Routes of sign-in, tokens and people; and `CurrentActor`, which every other route asks for.

People carry an opaque cookie (SameSite=Strict). A request that changes something under a cookie
must also carry the header `X-Fleet-Request`: another site's form cannot set it (CSRF).
Programs carry a bearer token and need no such header.
"""

from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.requests import HTTPConnection
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from fleet_server.audit.service import record
from fleet_server.auth import service
from fleet_server.auth.models import User
from fleet_server.auth.queries import user_by_id
from fleet_server.auth.rules import Actor, Grant, Permission
from fleet_server.auth.schemas import (
    GrantShape,
    SessionView,
    SignIn,
    TokenOrder,
    TokenView,
    UserOrder,
    UserView,
)
from fleet_server.errors import (
    ForbiddenError,
    InvalidError,
    TooManyRequestsError,
    UnauthenticatedError,
)
from fleet_server.transactions import Transaction
from fleet_server.web.context import Context, WebContext, context_of
from fleet_server.web.idempotency import IdempotencyKey, create_once
from fleet_server.web.pages import LIMIT_DEFAULT, After, Limit, page_of
from fleet_server.web.routes import Router
from fleet_server.web.schemas import Page

COOKIE = "fleet_session"
REQUEST_HEADER = "X-Fleet-Request"
TRIES_MAX = 3
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

router = Router(tags=["auth"])


def actor_of(connection: HTTPConnection) -> Actor:
    """Who makes this request or opened this socket; UnauthenticatedError when nobody says."""
    with context_of(connection).transactions.read() as tx:
        secret = _bearer(connection)
        if secret is not None:
            return service.actor_of_token(tx, secret)
        cookie = connection.cookies.get(COOKIE)
        if cookie is None:
            raise UnauthenticatedError("sign in first (POST /api/v1/session)")
        return service.actor_of_login(tx, cookie)


def current_actor(request: Request) -> Actor:
    """Who makes this request; also refuses a forged one (CSRF)."""
    by_cookie = _bearer(request) is None and COOKIE in request.cookies
    if by_cookie and request.method not in SAFE_METHODS and REQUEST_HEADER not in request.headers:
        raise ForbiddenError(f"a change under a session cookie needs the header {REQUEST_HEADER}")
    return actor_of(request)


CurrentActor = Annotated[Actor, Depends(current_actor)]


@router.post("/session", status_code=201)
def sign_in(order: SignIn, context: WebContext, response: Response) -> SessionView:
    """Check name and password, set the session cookie."""
    return open_session(context, response, order.username, order.password)


def open_session(context: Context, response: Response, username: str, password: str) -> SessionView:
    """Sign a person in on this response; UnauthenticatedError when name or password is wrong.

    Counted first, compared outside of any transaction, noted last: tries at once all count, and
    a guesser holds up neither ingest nor anyone else's change.
    """
    user = _counted(context, username)
    right = service.password_matches(user, password)
    if user is None or not right:
        with context.transactions.write("system:auth") as tx:
            service.note_failure(tx, user)
        raise UnauthenticatedError("name or password is wrong")
    with context.transactions.write(f"user:{user.id}") as tx:
        secret, login = service.log_in(tx, user, context.settings.session_lifetime)
    _set_cookie(response, context, secret)
    view = _session_view(user, f"user:{user.id}")
    return view.model_copy(update={"expires_at": login.expires_at})


@router.get("/session")
def who_am_i(actor: CurrentActor, context: WebContext) -> SessionView:
    """Say who the caller is and what it was granted."""
    with context.transactions.read() as tx:
        user = user_by_id(tx.session, actor.user_id or "")
        if user is None:
            raise UnauthenticatedError("the account is closed")
        return _session_view(user, actor.name)


@router.delete("/session", status_code=204)
def sign_out(
    request: Request, response: Response, actor: CurrentActor, context: WebContext
) -> None:
    """End the session."""
    with context.transactions.write(actor.name) as tx:
        service.log_out(tx, request.cookies.get(COOKIE, ""))
    response.delete_cookie(COOKIE)


@router.post("/tokens", status_code=201)
def make_token(
    order: TokenOrder, actor: CurrentActor, context: WebContext, key: IdempotencyKey = None
) -> TokenView:
    """Make a bearer token for a program that acts as the caller. The secret is shown once."""
    user_id = actor.user_id
    if user_id is None or not actor.name.startswith("user:"):
        raise ForbiddenError("only a person makes tokens")
    if key is not None:
        raise InvalidError("Idempotency-Key", "a secret is never kept, so it cannot be repeated")
    with context.transactions.write(actor.name) as tx:
        lifetime = timedelta(days=order.lifetime_days)
        secret, token = service.make_token(tx, user_id, order.name, lifetime)
    return TokenView(id=token.id, name=token.name, expires_at=token.expires_at, secret=secret)


@router.delete("/tokens/{token_id}", status_code=204)
def revoke_token(token_id: str, actor: CurrentActor, context: WebContext) -> None:
    """Revoke an own token."""
    with context.transactions.write(actor.name) as tx:
        service.revoke_token(tx, actor, token_id)


@router.get("/users")
def list_users(
    actor: CurrentActor, context: WebContext, limit: Limit = LIMIT_DEFAULT, after: After = None
) -> Page[UserView]:
    """List people."""
    actor.must(Permission.ADMINISTER)
    with context.transactions.read() as tx:
        found = select(User).options(selectinload(User.grants))
        return page_of(tx.session, found, User.id, limit, after, _user_view)


@router.post("/users", status_code=201)
def add_user(
    order: UserOrder, actor: CurrentActor, context: WebContext, key: IdempotencyKey = None
) -> UserView:
    """Add a person with roles."""
    actor.must(Permission.ADMINISTER)
    grants = [Grant(shape.role, shape.site_id, shape.region) for shape in order.grants]

    password = service.hash_password(order.password)

    def create(tx: Transaction) -> UserView:
        return _user_view(
            service.add_user(tx, order.username, password, grants, order.display_name)
        )

    return create_once(context.transactions, actor.name, key, "users", order, UserView, create)


@router.delete("/users/{user_id}", status_code=204)
def close_account(user_id: str, actor: CurrentActor, context: WebContext) -> None:
    """Close an account; its history stays."""
    actor.must(Permission.ADMINISTER)
    with context.transactions.write(actor.name) as tx:
        service.close_account(tx, user_id)
        record(tx, "user.closed", "user", user_id)


def _counted(context: Context, username: str) -> User | None:
    for _ in range(TRIES_MAX):
        try:
            with context.transactions.write("system:auth") as tx:
                return service.count_try(tx, username)
        except IntegrityError:  # the first two tries of a name came at once; one row is there now
            continue
    raise TooManyRequestsError(1)


def _bearer(connection: HTTPConnection) -> str | None:
    """Secret of a bearer token; None for every other scheme."""
    scheme, _, secret = connection.headers.get("Authorization", "").partition(" ")
    return secret if scheme.lower() == "bearer" else None


def _set_cookie(response: Response, context: Context, secret: str) -> None:
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(context.settings.session_lifetime.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=context.settings.secure_cookies,
    )


def _grants(user: User) -> list[GrantShape]:
    return [
        GrantShape.model_validate(grant, from_attributes=True, extra="ignore")
        for grant in user.grants
    ]


def _session_view(user: User, actor: str) -> SessionView:
    return SessionView(
        user_id=user.id,
        actor=actor,
        username=user.username,
        display_name=user.display_name,
        grants=_grants(user),
    )


def _user_view(user: User) -> UserView:
    return UserView(
        id=user.id,
        username=user.username,
        display_name=user.display_name,
        active=user.active,
        grants=_grants(user),
    )
