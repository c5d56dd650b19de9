"""A whole plan by insertion: where no solver is installed, and what a solver starts from.

Most urgent first, then by due instant: the order in which a dispatcher would. What is fixed stands
first in its route whatever it costs.
"""

from fleet_server.dispatch.planner.insertion import StandingPlan
from fleet_server.dispatch.planner.problem import Job, Plan, Problem


def built(problem: Problem, plan: Plan | None = None) -> Plan:
    """Insert every job that `plan` leaves out; without one, only what is fixed stands."""
    if plan is None:
        plan = Plan({day.id: day.fixed for day in problem.days})
    standing = StandingPlan(problem, plan)
    for job in in_order_of_urgency(problem, plan):
        candidate = standing.cheapest(job)
        if candidate is not None:
            standing.take(candidate, job)
    return standing.plan


def relocated(problem: Problem, plan: Plan, job_id: str) -> Plan:
    """Put one job where it is cheapest, all others staying; the same plan where that is so already.

    Engines need neighbours to move a job past: in a region with little to do they find nothing.
    """
    standing = StandingPlan(problem, plan)
    job = standing.evaluator.jobs[job_id]
    standing.remove(job_id)
    candidate = standing.cheapest(job)
    if candidate is None:
        return plan
    standing.take(candidate, job)
    return standing.plan


def in_order_of_urgency(problem: Problem, plan: Plan) -> list[Job]:
    """Return the jobs that the plan leaves out, pinned ones first, then by priority and due."""
    placed = plan.placed
    left_out = [job for job in problem.jobs if job.id not in placed]
    left_out.sort(key=lambda job: (job.pinned_to is None, job.priority, job.due_seconds, job.id))
    return left_out
