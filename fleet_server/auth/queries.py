"""All selects of auth."""

import hashlib

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from fleet_server.auth.models import ApiToken, Login, User


def secret_hash(secret: str) -> str:
    """Hash under which an unguessable secret is kept; no salt needed for 256 bits of chance."""
    return hashlib.sha256(secret.encode()).hexdigest()


def user_by_name(session: Session, username: str) -> User | None:
    """Person of that name, with grants."""
    return session.scalar(
        select(User).where(User.username == username).options(selectinload(User.grants))
    )


def user_by_id(session: Session, user_id: str) -> User | None:
    """Person, with grants."""
    return session.scalar(select(User).where(User.id == user_id).options(selectinload(User.grants)))


def login_by_secret(session: Session, secret: str) -> Login | None:
    """Session of that cookie value, expired or not."""
    return session.get(Login, secret_hash(secret))


def token_by_secret(session: Session, secret: str) -> ApiToken | None:
    """Token of that bearer value, expired and revoked ones too."""
    return session.scalar(select(ApiToken).where(ApiToken.secret_hash == secret_hash(secret)))
