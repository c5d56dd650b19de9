"""Tiers 1 to 3: take a wish for a better plan, think without a transaction, write what holds.

A wish is a row, so it outlives every process; it is deleted in the transaction that writes its
plan. A plan rests on what was seen when it was made: where a visit it moves has changed meanwhile,
nothing of it is written and the wish waits for another try. Who leads runs this, one at a time.
"""

from dataclasses import dataclass
from datetime import timedelta

from fleet_server.clock import Clock
from fleet_server.dispatch.models import PlanMove, PlanVersion, PlanWish, Visit
from fleet_server.dispatch.moving import Seat, give_to
from fleet_server.dispatch.planner.acceptance import Move
from fleet_server.dispatch.planner.repair import repaired
from fleet_server.dispatch.queries import locked_visit, next_wish, visits_by_id
from fleet_server.dispatch.routes import write_arrivals
from fleet_server.dispatch.solvers.engines import Budget
from fleet_server.dispatch.solvers.pool import SolverPool
from fleet_server.dispatch.solvers.rolling import Improvement, improve
from fleet_server.dispatch.states import VisitState
from fleet_server.dispatch.territory import Territory, seen_of, territory
from fleet_server.live.service import DISPATCH, changed
from fleet_server.logs import get_logger
from fleet_server.transactions import Transaction, Transactions

log = get_logger("dispatch")

BUDGET_SECONDS = {1: 0.7, 2: 7.0, 3: 60.0}
"""Of each tier (dispatch, When): 0.3-1 s, 5-10 s, 60-120 s."""
WISHES_MAX = 20
"""Plans of one turn; the scheduler comes back a second later."""
TRIES_MAX = 5
"""A region in which something changes during every try is planned again in the next round."""
TRY_AGAIN = timedelta(seconds=2)
CLAIM = timedelta(minutes=5)
"""Longer than the longest budget: a wish whose process died is taken up again after it."""
ACTOR = "system:dispatch.plan"


@dataclass(frozen=True)
class Wanted:
    """A claimed wish."""

    region: str
    tier: int
    visit_ids: tuple[str, ...]
    cause: str
    wished_by: str


class Replanner:
    """Makes better plans where somebody wished for one."""

    def __init__(self, transactions: Transactions, clock: Clock, solvers: SolverPool) -> None:
        self._transactions = transactions
        self._clock = clock
        self._solvers = solvers
        self._seed = 0

    def work_off(self, limit: int = WISHES_MAX) -> int:
        """Take up to `limit` wishes, most urgent tier first; returns how many were taken."""
        for number in range(limit):
            if not self.step():
                return number
        return limit

    def step(self) -> bool:
        """Take the next wish, if there is one that is due."""
        with self._transactions.write(ACTOR) as tx:
            wanted = _claimed(tx)
        if wanted is None:
            return False
        begun = self._clock.elapsed()
        with self._transactions.read() as tx:
            seen = territory(tx, wanted.region)
        found = self._thought(seen, wanted)
        took = self._clock.elapsed() - begun
        with self._transactions.write(ACTOR) as tx:
            _finish(tx, wanted, seen, found, took)
        return True

    def close(self) -> None:
        """End the engines."""
        self._solvers.close()

    def _thought(self, seen: Territory, wanted: Wanted) -> Improvement | None:
        problem = seen.problem
        if not problem.jobs or not problem.days:
            return None
        known = {job.id for job in problem.jobs}
        focus = [one for one in wanted.visit_ids if one in known]
        if wanted.tier == 1 and not focus:
            return None
        self._seed += 1
        standing = repaired(problem, problem.previous)
        budget = Budget(BUDGET_SECONDS[wanted.tier])
        found = improve(problem, standing, budget, self._seed, self._solvers, focus)
        for failure in found.failures:
            log.warning("engine.failed", engine=failure.engine, reason=failure.reason)
        return found


def _claimed(tx: Transaction) -> Wanted | None:
    wish = next_wish(tx.session, tx.now)
    if wish is None:
        return None
    wish.not_before = tx.now + CLAIM
    return Wanted(wish.region, wish.tier, tuple(wish.visit_ids), wish.cause, wish.wished_by)


def _finish(
    tx: Transaction, wanted: Wanted, seen: Territory, found: Improvement | None, took: float
) -> None:
    stands = found is None or not found.is_new or _written(tx, wanted, seen, found, took)
    # After the visits, as everywhere: who holds a visit may wish for a plan.
    wish = tx.session.get(PlanWish, (wanted.region, wanted.tier), with_for_update=True)
    if not stands:
        _again(tx, wish)
        return
    if wish is None:
        return
    later = [one for one in wish.visit_ids if one not in wanted.visit_ids]
    if later:  # asked for while we thought
        wish.visit_ids, wish.not_before, wish.tries = later, tx.now, 0
    else:
        tx.session.delete(wish)


def _again(tx: Transaction, wish: PlanWish | None) -> None:
    if wish is None:
        return
    wish.tries += 1
    if wish.tries >= TRIES_MAX:
        log.warning("plan.given_up", region=wish.region, tier=wish.tier, tries=wish.tries)
        tx.session.delete(wish)
    else:
        wish.not_before = tx.now + TRY_AGAIN


def _written(
    tx: Transaction, wanted: Wanted, seen: Territory, found: Improvement, took: float
) -> bool:
    """Write a plan; False, and nothing written, where it rests on what is not so any more."""
    judgement = found.judgement
    moved = sorted(judgement.moves, key=lambda move: move.job_id)
    for move in moved:
        if seen_of(locked_visit(tx.session, move.job_id)) != seen.seen[move.job_id]:
            return False
    plan = PlanVersion(
        id=tx.new_id(),
        region=wanted.region,
        tier=wanted.tier,
        cause=wanted.cause,
        made_at=tx.now,
        made_by=wanted.wished_by,
        verdict=judgement.verdict,
        saved_seconds=judgement.saved_seconds,
        breaches_removed=judgement.breaches_removed,
        accepted_moved=judgement.accepted_moved,
        took_seconds=took,
    )
    tx.session.add(plan)
    tx.session.flush()
    _retime(tx, seen, found)
    for move in moved:
        _move(tx, seen, plan, move)
    changed(tx, [DISPATCH], "plan", plan.id)
    return True


def _retime(tx: Transaction, seen: Territory, found: Improvement) -> None:
    """Write arrivals of who keeps their technician, where nothing has changed meanwhile."""
    late = (tx.now - seen.epoch).total_seconds()
    stops = found.evaluation.stops
    visits = visits_by_id(tx.session, stops)
    kept = {
        key: stop.arrival_seconds - late
        for key, (person, stop) in stops.items()
        if key in visits and visits[key].technician_id == person
    }
    write_arrivals(tx, kept.items())
    for key, (person, stop) in stops.items():
        visit = visits.get(key)
        if visit is not None and visit.state == VisitState.PLANNED:
            visit.planned_for = person
            visit.planned_arrival_at = seen.instant(stop.arrival_seconds)


def _move(tx: Transaction, seen: Territory, plan: PlanVersion, move: Move) -> None:
    visit = tx.session.get_one(Visit, move.job_id)
    before = None if move.before.stop is None else seen.instant(move.before.stop.arrival_seconds)
    after = None if move.after.stop is None else seen.instant(move.after.stop.arrival_seconds)
    tx.session.add(
        PlanMove(
            plan_id=plan.id,
            visit_id=visit.id,
            giver=move.before.technician_id,
            taker=move.after.technician_id,
            arrival_before=before,
            arrival_after=after,
            reason=move.reason.code,
            numbers=dict(move.reason.numbers),
            reason_zh=move.reason.zh[:200],
            reason_en=move.reason.en[:200],
        )
    )
    seat = Seat(move.after.technician_id, after)
    give_to(tx, visit, seat, f"plan: {move.reason.en}")
