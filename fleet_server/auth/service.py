"""Use cases of sign-in, people and tokens."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from pwdlib import PasswordHash
from sqlalchemy import delete

from fleet_server.audit.service import record
from fleet_server.auth.events import AccountClosed
from fleet_server.auth.models import ApiToken, Login, LoginAttempt, User, UserGrant
from fleet_server.auth.queries import (
    login_by_secret,
    secret_hash,
    token_by_secret,
    user_by_id,
    user_by_name,
)
from fleet_server.auth.rules import Actor, Grant, Role
from fleet_server.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    TooManyRequestsError,
    UnauthenticatedError,
)
from fleet_server.seed import new_secret
from fleet_server.transactions import Transaction

FAILURES_MAX = 5
"""Failed sign-ins before a name has to wait: a person mistypes, a program guesses."""
LOCK_OUT = timedelta(minutes=5)
PASSWORD_LENGTH_MIN = 8
NAME_LENGTH_MAX = 60
HASHES_AT_ONCE = 2
HASH_WAIT_SECONDS = 5
"""argon2 takes 0.1 s of a core: more at once would starve ingest, a longer queue its callers."""
TOKEN_LIFETIME_MAX = timedelta(days=366)

_hashing = threading.BoundedSemaphore(HASHES_AT_ONCE)
_passwords = PasswordHash.recommended()
_NOBODY = _passwords.hash("nobody has this password")
"""Checked when the name is unknown, so that an unknown name takes as long as a known one."""


class PasswordHashed(str):
    """Hash of a password, made before the transaction that keeps it."""

    __slots__ = ()


def hash_password(password: str) -> PasswordHashed:
    """Hash a password; InvalidError for a weak one. Slow on purpose: never in a transaction."""
    if len(password) < PASSWORD_LENGTH_MIN:
        raise InvalidError("password", f"at least {PASSWORD_LENGTH_MIN} characters")
    with _turn():
        return PasswordHashed(_passwords.hash(password))


def add_user(
    tx: Transaction,
    username: str,
    password: PasswordHashed,
    grants: list[Grant],
    display_name: str = "",
) -> User:
    """Make a person. Raises ConflictError for a taken name."""
    if user_by_name(tx.session, username) is not None:
        raise ConflictError(f"the name {username!r} is taken")
    user = User(
        id=tx.new_id(),
        username=username,
        display_name=display_name or username,
        password_hash=str(password),
        active=True,
        created_at=tx.now,
        grants=[
            UserGrant(id=tx.new_id(), role=grant.role, site_id=grant.site_id, region=grant.region)
            for grant in grants
        ],
    )
    tx.session.add(user)
    roles = [
        {"role": grant.role, "site": grant.site_id, "region": grant.region} for grant in grants
    ]
    record(tx, "user.added", "user", user.id, {"username": username, "grants": roles})
    return user


def count_try(tx: Transaction, username: str) -> User | None:
    """Count a try before its password is looked at, so that tries at once all count.

    Returns the person of that name, if there is one. Raises TooManyRequestsError while the name
    is locked out.
    """
    # One row for each name, also where a form sends a longer one than any person has.
    name = username[:NAME_LENGTH_MAX].replace("\0", "")
    attempt = tx.session.get(LoginAttempt, name, with_for_update=True)
    if attempt is None:
        attempt = LoginAttempt(username=name, failures=0, last_failure_at=tx.now)
        tx.session.add(attempt)
    if attempt.failures >= FAILURES_MAX:
        wait = attempt.last_failure_at + LOCK_OUT - tx.now
        if wait > timedelta(0):
            raise TooManyRequestsError(int(wait.total_seconds()) + 1)
        attempt.failures = 0
    attempt.failures += 1
    attempt.last_failure_at = tx.now
    return user_by_name(tx.session, name) if name == username else None


def password_matches(user: User | None, password: str) -> bool:
    """Compare; as slow for a name nobody has. Slow on purpose: never in a transaction."""
    with _turn():
        right = _passwords.verify(password, user.password_hash if user else _NOBODY)
    return right and user is not None and user.active


def note_failure(tx: Transaction, user: User | None) -> None:
    """Write a failed sign-in into the audit log; it was counted before."""
    record(tx, "login.failed", "user", user.id if user else "unknown")


def forget_old_tries(tx: Transaction) -> None:
    """Sweep: drop counts that hold nobody up any more, and sessions that ended."""
    old = tx.now - LOCK_OUT
    tx.session.execute(delete(LoginAttempt).where(LoginAttempt.last_failure_at < old))
    tx.session.execute(delete(Login).where(Login.expires_at < tx.now))


@contextmanager
def _turn() -> Iterator[None]:
    """Wait for a turn at hashing. Raises TooManyRequestsError when none comes in time."""
    if not _hashing.acquire(timeout=HASH_WAIT_SECONDS):
        raise TooManyRequestsError(HASH_WAIT_SECONDS)
    try:
        yield
    finally:
        _hashing.release()


def log_in(tx: Transaction, user: User, lifetime: timedelta) -> tuple[str, Login]:
    """Begin a session of a person whose password was checked; returns the cookie's secret."""
    tx.session.execute(delete(LoginAttempt).where(LoginAttempt.username == user.username))
    secret = new_secret()
    login = Login(
        secret_hash=secret_hash(secret),
        user_id=user.id,
        created_at=tx.now,
        expires_at=tx.now + lifetime,
    )
    tx.session.add(login)
    record(tx, "login.succeeded", "user", user.id)
    return secret, login


def log_out(tx: Transaction, secret: str) -> None:
    """End a session; one that is gone already is fine."""
    login = login_by_secret(tx.session, secret)
    if login is not None:
        tx.session.delete(login)


def make_token(
    tx: Transaction, user_id: str, name: str, lifetime: timedelta
) -> tuple[str, ApiToken]:
    """Make a bearer token that may what its maker may; returns the secret, shown once."""
    if not timedelta(0) < lifetime <= TOKEN_LIFETIME_MAX:
        raise InvalidError("lifetime_days", "1 to 366")
    secret = new_secret()
    token = ApiToken(
        id=tx.new_id(),
        name=name,
        user_id=user_id,
        secret_hash=secret_hash(secret),
        created_at=tx.now,
        expires_at=tx.now + lifetime,
    )
    tx.session.add(token)
    record(tx, "token.made", "token", token.id, {"name": name})
    return secret, token


def actor_of_login(tx: Transaction, secret: str) -> Actor:
    """Who holds this session cookie; UnauthenticatedError when nobody does."""
    login = login_by_secret(tx.session, secret)
    if login is None or login.expires_at <= tx.now:
        raise UnauthenticatedError("the session has ended; sign in again")
    return _actor(tx, login.user_id, f"user:{login.user_id}")


def actor_of_token(tx: Transaction, secret: str) -> Actor:
    """Who holds this bearer token; UnauthenticatedError when nobody does."""
    token = token_by_secret(tx.session, secret)
    if token is None or token.revoked_at is not None or token.expires_at <= tx.now:
        raise UnauthenticatedError("the token is not valid")
    return _actor(tx, token.user_id, f"program:{token.id}")


def _actor(tx: Transaction, user_id: str, name: str) -> Actor:
    user = user_by_id(tx.session, user_id)
    if user is None or not user.active:
        raise UnauthenticatedError("the account is closed")
    grants = tuple(Grant(Role(row.role), row.site_id, row.region) for row in user.grants)
    return Actor(name, grants, user_id)


def revoke_token(tx: Transaction, actor: Actor, token_id: str) -> None:
    """Revoke a token of the caller; NotFoundError for one that is not its own."""
    token = tx.session.get(ApiToken, token_id)
    if token is None or token.user_id != actor.user_id:
        raise NotFoundError("token", token_id)
    token.revoked_at = token.revoked_at or tx.now
    record(tx, "token.revoked", "token", token.id)


def close_account(tx: Transaction, user_id: str) -> None:
    """Close an account and end its sessions; what it did stays."""
    user = user_by_id(tx.session, user_id)
    if user is None:
        raise NotFoundError("user", user_id)
    user.active = False
    tx.session.execute(delete(Login).where(Login.user_id == user_id))
    tx.announce(AccountClosed(user_id))
