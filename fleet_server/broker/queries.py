"""All selects of the broker."""

from dataclasses import dataclass

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from fleet_server.cabinets.models import Cabinet
from fleet_server.cabinets.states import CabinetState


def credential_of(engine: Engine, cabinet_id: str) -> str | None:
    """Hash of the credential of a cabinet that may connect; None for all others."""
    with Session(engine) as session:
        return session.scalar(
            select(Cabinet.credential_hash).where(
                Cabinet.id == cabinet_id,
                Cabinet.state.in_([CabinetState.ENROLLED, CabinetState.IN_SERVICE]),
            )
        )


@dataclass(frozen=True)
class CabinetLogin:
    """One cabinet that may connect; a form is None when it joined before that form was kept."""

    cabinet_id: str
    mosquitto: str | None
    nats: str | None


def cabinet_logins(engine: Engine) -> list[CabinetLogin]:
    """Every cabinet that may connect, by id."""
    with Session(engine) as session:
        rows = session.execute(
            select(Cabinet.id, Cabinet.credential_mosquitto, Cabinet.credential_nats)
            .where(
                Cabinet.credential_hash.is_not(None),
                Cabinet.state.in_([CabinetState.ENROLLED, CabinetState.IN_SERVICE]),
            )
            .order_by(Cabinet.id)
        )
        return [CabinetLogin(*row) for row in rows]


def credential_mark(engine: Engine) -> int:
    """Return a number that rises with each change of any credential; read from an index alone.

    A sum and no newest time: transactions end in another order than they began.
    """
    with Session(engine) as session:
        return session.scalar(select(func.sum(Cabinet.credential_revision))) or 0
