"""How likely visits are late: drawn anew where a route changed, and every five minutes.

A visit that becomes likely to be late asks for a better plan around it; somebody on site for longer
than planned makes the rest of their day late, so an overrun asks by the same door.
"""

from datetime import timedelta

from fleet_server.cabinets.queries import site_by_id
from fleet_server.dispatch.models import Visit
from fleet_server.dispatch.planner.evaluator import Evaluator
from fleet_server.dispatch.planner.risk import StopRisk, route_risk
from fleet_server.dispatch.queries import technicians_to_draw, visits_by_id
from fleet_server.dispatch.routes import standing_problem
from fleet_server.dispatch.wishes import wish_for_visit
from fleet_server.technicians.queries import technicians_by_id
from fleet_server.transactions import Transaction

RISK_MAX = 0.3
"""Above it tier 1 thinks about the visit (dispatch, When)."""
DRAWN_EVERY = timedelta(minutes=5)
ROUTES_MAX = 10
"""Routes of one sweep, some 10 ms each; those left over are drawn a second later."""


def draw_risks(tx: Transaction) -> None:
    """Draw the routes whose risk is not known or old; a sweep."""
    found = technicians_to_draw(tx.session, tx.now - DRAWN_EVERY, ROUTES_MAX)
    people = technicians_by_id(tx.session, found)
    problem = standing_problem(tx, people, {})
    evaluator = Evaluator(problem)
    for day in problem.days:
        jobs = evaluator.jobs_of(problem.previous.route(day.id))
        visits = visits_by_id(tx.session, [job.id for job in jobs])
        for risk in route_risk(problem, day, jobs, tx.chance):
            _note(tx, visits[risk.job_id], risk)


def _note(tx: Transaction, visit: Visit, risk: StopRisk) -> None:
    before = visit.late_probability or 0.0
    visit.late_probability, visit.risk_at = risk.late_probability, tx.now
    visit.arrival_p80_at = tx.now + timedelta(seconds=round(risk.arrival_p80_seconds))
    if risk.late_probability > RISK_MAX >= before:
        wish_for_visit(tx, visit, site_by_id(tx.session, visit.site_id).region, "risk")
