"""The roster: who is on call from when to when. Split from `service.py` by object."""

from collections.abc import Sequence

from sqlalchemy import delete, update

from fleet_server.audit.service import record
from fleet_server.errors import InvalidError
from fleet_server.live.service import changed
from fleet_server.notifications.models import OnCallTurn
from fleet_server.notifications.queries import active_people
from fleet_server.notifications.schemas import TurnShape
from fleet_server.notifications.service import TOPIC
from fleet_server.transactions import Transaction


def set_roster(tx: Transaction, turns: Sequence[TurnShape]) -> None:
    """Put `turns` in place of all that have not ended. Raises InvalidError for a closed account.

    What has ended stays: who was on call then still sees what was for them.
    """
    people = {turn.user_id for turn in turns}
    strangers = sorted(people - set(active_people(tx.session, people)))
    if strangers:
        raise InvalidError("turns", f"no open account: {', '.join(strangers)}")
    _end_standing(tx)
    tx.session.add_all(
        OnCallTurn(
            id=tx.new_id(), user_id=turn.user_id, starts_at=turn.starts_at, ends_at=turn.ends_at
        )
        for turn in turns
        if turn.ends_at > tx.now
    )
    record(tx, "on_call.set", "roster", "on_call", {"turns": len(turns)})
    changed(tx, [TOPIC], "roster", "on_call")


def _end_standing(tx: Transaction) -> None:
    """Drop turns to come; one that runs ends now, its past stays."""
    tx.session.execute(delete(OnCallTurn).where(OnCallTurn.starts_at >= tx.now))
    running = update(OnCallTurn).where(OnCallTurn.ends_at > tx.now)
    tx.session.execute(running.values(ends_at=tx.now))
