"""What a dispatcher decides against the plan: this one goes, and what that costs.

The price is the planner's own: how much dearer the region's plan becomes, and which promises are
broken that were not. A dispatcher may pay any price; the one thing nobody can order is work that a
technician is not qualified for (requirements, S3-5.2.2.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fleet_server.audit.service import record
from fleet_server.cabinets.queries import site_by_id
from fleet_server.dispatch.models import PlanMove, PlanVersion, Visit
from fleet_server.dispatch.moving import Seat, give_to
from fleet_server.dispatch.planner.evaluator import Evaluation, Evaluator, ViolationCode
from fleet_server.dispatch.planner.problem import Plan
from fleet_server.dispatch.territory import Territory, territory
from fleet_server.errors import ConflictError, InvalidError
from fleet_server.technicians.models import Technician
from fleet_server.technicians.queries import abilities
from fleet_server.technicians.rules import is_qualified
from fleet_server.transactions import Transaction

_NEVER = frozenset({ViolationCode.SKILL, ViolationCode.LEVEL})
"""A day on which the qualification has lapsed is no place for the visit, at any price."""


@dataclass(frozen=True)
class Price:
    """What giving a visit to somebody costs."""

    technician_id: str
    arrival_at: datetime | None
    """When they would be there; none where no shift of theirs has room for it."""
    cost_seconds: float
    """How much dearer the plan of the region becomes, in seconds of travel."""
    newly_late: tuple[str, ...]
    """Visits that would be late and were not."""
    violations: tuple[str, ...]
    """What it breaks: shift, parts, break, a refusal, another lock."""


def price_of(tx: Transaction, visit: Visit, technician: Technician) -> Price:
    """Return what it costs to let this technician make the visit, at the best place of their day.

    Raises InvalidError for who is not qualified or does not work there, ConflictError when the
    visit is under way.
    """
    _must_be_able(tx, visit, technician)
    seen = territory(tx, site_by_id(tx.session, visit.site_id).region)
    evaluator = Evaluator(seen.problem)
    if visit.id not in evaluator.jobs:
        raise ConflictError(f"visit {visit.id} is {visit.state}; it is not given to others now")
    before = evaluator.plan(seen.problem.previous)
    tried = [evaluator.plan(plan) for plan in _places(evaluator, visit, technician)]
    if not tried:
        return Price(technician.id, None, 0.0, (), (ViolationCode.SHIFT_END,))
    return _price(seen, visit, technician, before, min(tried, key=_rank))


def assign(  # who, where to, and what is said of it
    tx: Transaction, visit: Visit, technician: Technician, reason: str, *, lock: bool
) -> Price:
    """Ask this technician, whatever the plan says; with `lock` no plan takes it from them."""
    price = price_of(tx, visit, technician)
    giver = visit.technician_id
    before = visit.planned_arrival_at
    if giver != technician.id or not lock:
        give_to(tx, visit, Seat(technician.id, price.arrival_at), f"dispatcher: {reason}")
    visit.locked_to = technician.id if lock else None
    facts = {"technician": technician.id, "lock": lock, "cost_seconds": price.cost_seconds}
    record(tx, "visit.assigned", "visit", visit.id, {**facts, "reason": reason}, visit.site_id)
    _note(tx, visit, giver, before, price, reason)
    return price


def unlock(tx: Transaction, visit: Visit) -> None:
    """Let plans move the visit again."""
    visit.locked_to = None
    record(tx, "visit.unlocked", "visit", visit.id, site_id=visit.site_id)


def _must_be_able(tx: Transaction, visit: Visit, technician: Technician) -> None:
    known = abilities(tx.session, tx.now).get(technician.id)
    if known is None:
        raise InvalidError("technician_id", "this technician is not active")
    if not is_qualified(known[1], visit.skills, tx.now, visit.level):
        needs = ", ".join(visit.skills) or "any"
        reason = f"lacks a valid qualification (skills {needs}, level {visit.level})"
        raise InvalidError("technician_id", reason)


def _places(evaluator: Evaluator, visit: Visit, technician: Technician) -> Sequence[Plan]:
    """Every plan in which they make the visit, the rest staying as it is."""
    standing, job = evaluator.problem.previous, evaluator.jobs[visit.id]
    without = {
        key: tuple(one for one in route if one != visit.id)
        for key, route in standing.routes.items()
    }
    plans = []
    for day in evaluator.problem.days:
        if day.technician_id != technician.id or evaluator.may_do(day, job) in _NEVER:
            continue
        route = without.get(day.id, ())
        for position in range(len(day.fixed), len(route) + 1):
            placed = (*route[:position], visit.id, *route[position:])
            plans.append(Plan({**without, day.id: placed}))
    return plans


def _rank(found: Evaluation) -> tuple[int, float]:
    return len(found.violations), found.cost_seconds


def _price(
    seen: Territory,
    visit: Visit,
    technician: Technician,
    before: Evaluation,
    after: Evaluation,
) -> Price:
    _, stop = after.stops[visit.id]
    known = set(before.violations)
    broken = [one.code for one in after.violations if one not in known]
    return Price(
        technician.id,
        seen.instant(stop.arrival_seconds),
        after.cost_seconds - before.cost_seconds,
        tuple(sorted(set(after.late) - set(before.late))),
        tuple(sorted({str(code) for code in broken})),
    )


def _note(  # private; the parts of one version
    tx: Transaction,
    visit: Visit,
    giver: str | None,
    before: datetime | None,
    price: Price,
    reason: str,
) -> None:
    plan = PlanVersion(
        id=tx.new_id(),
        region=site_by_id(tx.session, visit.site_id).region,
        tier=0,
        cause="person",
        made_at=tx.now,
        made_by=tx.actor,
        verdict="ordered",
        saved_seconds=-price.cost_seconds,
        breaches_removed=-len(price.newly_late),
        accepted_moved=0,
        took_seconds=0.0,
    )
    tx.session.add(plan)
    tx.session.flush()
    tx.session.add(
        PlanMove(
            plan_id=plan.id,
            visit_id=visit.id,
            giver=giver,
            taker=price.technician_id,
            arrival_before=before,
            arrival_after=price.arrival_at,
            reason="ordered",
            numbers={"cost_seconds": price.cost_seconds, "newly_late": len(price.newly_late)},
            reason_zh=f"调度员指定：{reason}"[:200],
            reason_en=f"ordered by a dispatcher: {reason}"[:200],
        )
    )
