"""Whether a new plan is worth telling people, and what each of them is told.

A plan is taken only if it removes an expected breach, or saves 10 min for each accepted job it
moves; a job moves at most twice a day; what is pinned or fixed never moves (dispatch, When). A
plan that is illegal where the standing one was not is never taken.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from fleet_server.dispatch.planner.evaluator import Evaluation, Evaluator, Stop, Violation
from fleet_server.dispatch.planner.prices import left_out_price, move_price
from fleet_server.dispatch.planner.problem import Commitment, Job
from fleet_server.dispatch.planner.reasons import Reason, ReasonCode, reason

SAVING_FOR_EACH_MOVE_SECONDS = 600.0
"""10 min for each moved accepted job (dispatch, When)."""
SAVING_MIN_SECONDS = 60.0
"""A plan that moves nobody has to save a minute: below, it is noise of the estimate."""


class Verdict(StrEnum):
    """What is done with a new plan, and why."""

    REMOVES_BREACH = "removes_breach"
    SAVES_ENOUGH = "saves_enough"
    ILLEGAL = "illegal"
    MOVES_PINNED = "moves_pinned"
    MOVED_TOO_OFTEN = "moved_too_often"
    NOT_WORTH_IT = "not_worth_it"


class Seat(NamedTuple):
    """Where a job stands in a plan; no technician and no stop when it is left out."""

    technician_id: str | None
    stop: Stop | None


@dataclass(frozen=True)
class Move:
    """One job that a new plan gives to somebody else, or to nobody, or to somebody at last."""

    job_id: str
    before: Seat
    after: Seat
    reason: Reason


@dataclass(frozen=True)
class Judgement:
    """The verdict; `saved_seconds` is what the plan costs less, prices of moving left aside."""

    verdict: Verdict
    moves: tuple[Move, ...]
    saved_seconds: float
    breaches_removed: int
    accepted_moved: int

    @property
    def is_taken(self) -> bool:
        """Whether the new plan replaces the standing one."""
        return self.verdict in {Verdict.REMOVES_BREACH, Verdict.SAVES_ENOUGH}


def judged(evaluator: Evaluator, before: Evaluation, after: Evaluation) -> Judgement:
    """Compare the plan that stands with a new one, both evaluated by this evaluator."""
    moves = tuple(_moves(evaluator, before, after))
    jobs = evaluator.jobs
    accepted = [one for one in moves if jobs[one.job_id].commitment is Commitment.ACCEPTED]
    saved = _without_moves(evaluator, before) - _without_moves(evaluator, after)
    removed = len(_breaches(before)) - len(_breaches(after))
    verdict = _illegal(jobs, before, after, moves) or _worth(
        before, after, removed, saved, len(accepted)
    )
    return Judgement(verdict, moves, saved, removed, len(accepted))


def _illegal(
    jobs: Mapping[str, Job], before: Evaluation, after: Evaluation, moves: Iterable[Move]
) -> Verdict | None:
    if _new_violations(before, after):
        return Verdict.ILLEGAL
    told = [one for one in moves if one.before.technician_id is not None]
    if any(_pinned_away(jobs[one.job_id], one) for one in told):
        return Verdict.MOVES_PINNED
    if any(jobs[one.job_id].has_moved_enough for one in told):
        return Verdict.MOVED_TOO_OFTEN
    return None


def _worth(
    before: Evaluation, after: Evaluation, removed: int, saved: float, accepted: int
) -> Verdict:
    cheaper = after.cost_seconds < before.cost_seconds
    if cheaper and removed > 0:
        return Verdict.REMOVES_BREACH
    needed = max(SAVING_FOR_EACH_MOVE_SECONDS * accepted, SAVING_MIN_SECONDS)
    if cheaper and saved >= needed:
        return Verdict.SAVES_ENOUGH
    return Verdict.NOT_WORTH_IT


def _new_violations(before: Evaluation, after: Evaluation) -> Counter[Violation]:
    return Counter(after.violations) - Counter(before.violations)


def _pinned_away(job: Job, move: Move) -> bool:
    return job.pinned_to is not None and move.after.technician_id != job.pinned_to


def _breaches(evaluation: Evaluation) -> set[str]:
    return {*evaluation.late, *evaluation.left_out}


def _without_moves(evaluator: Evaluator, evaluation: Evaluation) -> float:
    told = sum(
        move_price(evaluator.jobs[job_id])
        for job_id, (technician_id, _) in evaluation.stops.items()
        if evaluator.is_moved(evaluator.jobs[job_id], technician_id)
    )
    return evaluation.cost_seconds - told


def _moves(evaluator: Evaluator, before: Evaluation, after: Evaluation) -> Iterable[Move]:
    seats_before, seats_after = before.stops, after.stops
    saved = before.travel_seconds - after.travel_seconds
    rescued = sorted(_breaches(before) - _breaches(after))
    for job_id, job in evaluator.jobs.items():
        was, now = _seat(seats_before.get(job_id)), _seat(seats_after.get(job_id))
        if was.technician_id != now.technician_id:
            yield Move(job_id, was, now, _why(job, was, now, saved, rescued))


def _seat(found: tuple[str, Stop] | None) -> Seat:
    return Seat(None, None) if found is None else Seat(*found)


def _why(job: Job, was: Seat, now: Seat, saved: float, rescued: list[str]) -> Reason:
    """Return the first of the reasons that is true, the strongest first."""
    if now.stop is None:
        return reason(ReasonCode.LEFT_OUT, seconds=left_out_price(job))
    if was.stop is None:
        return reason(ReasonCode.PLACED, seconds=job.due_seconds - now.stop.start_seconds)
    if was.stop.late_seconds > now.stop.late_seconds:
        return _less_late(was.stop, now.stop)
    if rescued:
        return reason(ReasonCode.MAKES_ROOM, job_id=rescued[0], count=len(rescued))
    earlier = was.stop.start_seconds - now.stop.start_seconds
    if saved >= SAVING_MIN_SECONDS or earlier <= 0:
        return reason(ReasonCode.SAVES_TRAVEL, seconds=saved)
    return reason(ReasonCode.EARLIER, seconds=earlier)


def _less_late(was: Stop, now: Stop) -> Reason:
    code = ReasonCode.LESS_LATE if now.late_seconds else ReasonCode.BREACH_REMOVED
    return reason(code, seconds=was.late_seconds - now.late_seconds)
