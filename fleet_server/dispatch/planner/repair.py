"""Make a plan legal that time has broken: who overruns cannot do all that was planned for them.

A plan is legal when it is made, and work takes as long as it takes. What no longer fits is taken
out, the least urgent and last first, so that it is inserted elsewhere; without this the standing
plan would be illegal for the rest of the day, and nothing could be planned into its routes.
"""

from collections.abc import Sequence

from fleet_server.dispatch.planner.evaluator import Evaluator
from fleet_server.dispatch.planner.problem import Job, Plan, Problem, TechnicianDay


def repaired(problem: Problem, plan: Plan) -> Plan:
    """Take out what its technician can no longer do; fixed jobs stay, whatever they break."""
    evaluator = Evaluator(problem)
    routes = {
        day.id: _fitting(evaluator, day, evaluator.jobs_of(plan.route(day.id)))
        for day in problem.days
    }
    return Plan(routes)


def _fitting(evaluator: Evaluator, day: TechnicianDay, jobs: Sequence[Job]) -> tuple[str, ...]:
    kept = list(jobs)
    while evaluator.route(day, kept).violations:
        free = kept[len(day.fixed) :]
        if not free:
            break
        barred = [job for job in free if evaluator.may_do(day, job) is not None]
        kept.remove(barred[0] if barred else _least_urgent(free))
    return tuple(job.id for job in kept)


def _least_urgent(jobs: Sequence[Job]) -> Job:
    """The last of the lowest priority."""
    return max(enumerate(jobs), key=lambda one: (one[1].priority.rank, one[0]))[1]
