"""All selects of the broker."""

from sqlalchemy import Engine, select
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
