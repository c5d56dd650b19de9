"""Earlier due instants that are kept, whatever else people do to tickets.

Split from `service.py`: it is the one place that bends clocks beyond what their policy says. A
clock that is to be due earlier gets a target that ends then, as a step of its history.
"""

from collections.abc import Mapping
from datetime import datetime

from fleet_server.service_levels import service as clocks
from fleet_server.service_levels.clocks import StepKind
from fleet_server.service_levels.models import ServiceClock
from fleet_server.service_levels.queries import running_clocks, scales
from fleet_server.transactions import Transaction

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

    So neither merging, splitting nor becoming more urgent wins time. What was promised to a site
    stays as it was promised.
    """
    tx.session.flush()
    for clock in running_clocks(tx.session, owner_kind, [owner_id]):
        due_at = dues.get(clock.name)
        if due_at is not None and clock.promised_at is None and clock.due_at > due_at:
            _aim(tx, clock, due_at)


def _aim(tx: Transaction, clock: ServiceClock, due_at: datetime) -> None:
    scale = scales(tx.session)(clock.timebase)
    run_seconds = scale.between(clock.begun_at, due_at) - clock.paused_seconds
    clocks.note(tx, clock, StepKind.RETARGETED, max(run_seconds, RUN_SECONDS_MIN))
