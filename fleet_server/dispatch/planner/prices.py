"""What a plan's failings cost, in seconds of travel: the only scale a plan is judged on.

Being late at all is what a service level counts, so the first second late costs half of leaving
the job out; the rest grows with the hours. A job done late is always cheaper than one not done.
"""

from collections.abc import Mapping
from math import inf

from fleet_server.dispatch.planner.problem import Commitment, Job
from fleet_server.service_levels.rules import Priority

UNIT_SECONDS = 4 * 3600.0
"""Above the largest saving of travel one job can bring: two ways of 2 h."""

LEFT_OUT_SECONDS: Mapping[Priority, float] = {
    Priority.P1: 8 * UNIT_SECONDS,
    Priority.P2: 3 * UNIT_SECONDS,
    Priority.P3: 1 * UNIT_SECONDS,
}
"""Prizes of the design: P1 : P2 : P3 about 8 : 3 : 1 (dispatch, Formulation)."""

BREACH_SHARE = 0.5
WORST_SHARE = 0.95
WORST_AFTER_SECONDS = 8 * 3600.0
"""A job a shift late is hardly better than one left out, but better."""

TIGHT_SHARE = 0.2
"""A job planned for the very instant it is due is late about that often, corrections counted."""
MARGIN_SHARE = 0.25
"""Of the time that is left: what is due in an hour has no 20 min to spare."""

BREACH_SECONDS_MIN = BREACH_SHARE * min(LEFT_OUT_SECONDS.values())
"""One more job late costs at least this."""

MOVE_SECONDS = 600.0
MOVE_TOLD_SECONDS = 1800.0
"""Accepted later: may move at a price, 10 min; 30 min if the site was told (Formulation)."""


def left_out_price(job: Job) -> float:
    """Cost of a job that is in no route."""
    return LEFT_OUT_SECONDS[job.priority]


def late_price(job: Job, late_seconds: float) -> float:
    """Cost of a job that starts so much after its due instant."""
    if late_seconds <= 0:
        return 0.0
    grown = min(late_seconds / WORST_AFTER_SECONDS, 1.0) * (WORST_SHARE - BREACH_SHARE)
    return LEFT_OUT_SECONDS[job.priority] * (BREACH_SHARE + grown)


def margin_of(job: Job, margin_seconds: float, now_seconds: float) -> float:
    """Spare time that a job should have before it is due, as far as there is any."""
    if not margin_seconds or job.due_seconds == inf:
        return 0.0
    return max(min(margin_seconds, MARGIN_SHARE * (job.due_seconds - now_seconds)), 0.0)


def tight_price(job: Job, slack_seconds: float, margin: float) -> float:
    """Cost of a job that is planned punctually, but with less than its margin to spare."""
    if not 0 <= slack_seconds < margin:
        return 0.0
    return LEFT_OUT_SECONDS[job.priority] * TIGHT_SHARE * (1 - slack_seconds / margin)


def move_price(job: Job) -> float:
    """Cost of giving a job to somebody else than the plan that people were told says."""
    if job.commitment is not Commitment.ACCEPTED:
        return 0.0
    return MOVE_TOLD_SECONDS if job.site_told else MOVE_SECONDS
