"""When tickets are due, beyond what their policy says: earlier dues that are kept, appointments.

Split from `service.py`: it is the one place that bends clocks. A clock whose due instant is moved
gets a retargeted step, so that it stays the fold of its history.
"""

from collections.abc import Mapping
from datetime import datetime

from fleet_server.service_levels import service as clocks
from fleet_server.service_levels.clocks import StepKind
from fleet_server.service_levels.models import ServiceClock
from fleet_server.service_levels.presets import pinned
from fleet_server.service_levels.queries import running_clocks
from fleet_server.transactions import Transaction

ARRIVED = "arrived"
RUN_SECONDS_MIN = 1.0
"""A clock that takes over a due instant from before its own start breaches at once."""


def of(tx: Transaction, owner_kind: str, owner_id: str) -> dict[str, datetime]:
    """Return when each running clock of a thing is due."""
    return {
        clock.name: clock.due_at for clock in running_clocks(tx.session, owner_kind, [owner_id])
    }


def keep_earlier(
    tx: Transaction, owner_kind: str, owner_id: str, dues: Mapping[str, datetime]
) -> None:
    """Let no running clock be due later than the one of its name in `dues`.

    So neither merging, splitting nor becoming more urgent wins time.
    """
    tx.session.flush()
    for clock in running_clocks(tx.session, owner_kind, [owner_id]):
        due_at = dues.get(clock.name)
        if due_at is not None and clock.due_at > due_at:
            _aim(tx, clock, due_at)


def promise_arrival(tx: Transaction, owner_kind: str, owner_id: str, due_at: datetime) -> None:
    """Let the arrival be due at an appointment instead (requirements 1.6, row 2)."""
    tx.session.flush()
    for clock in running_clocks(tx.session, owner_kind, [owner_id]):
        if ARRIVED in pinned(clock.policy).clock(clock.name).stop:
            _aim(tx, clock, due_at)


def _aim(tx: Transaction, clock: ServiceClock, due_at: datetime) -> None:
    run_seconds = (due_at - clock.started_at).total_seconds() - clock.paused_seconds
    clocks.note(tx, clock, StepKind.RETARGETED, max(run_seconds, RUN_SECONDS_MIN))
