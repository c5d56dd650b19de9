"""Seeded days of a service desk: technicians, jobs, skills, parts; as large as asked for."""

import random  # noqa: TID251  # days are drawn from a seed
from dataclasses import replace

from fleet_server.dispatch.planner.building import built
from fleet_server.dispatch.planner.evaluator import Evaluator
from fleet_server.dispatch.planner.formulation import Part, Question, formulated
from fleet_server.dispatch.planner.problem import Job, Plan, Problem, TechnicianDay
from fleet_server.dispatch.planner.travel import Place
from fleet_server.service_levels.rules import Priority

HOUR = 3600.0
SKILLS = ("cooling", "payment", "locks")


def day(seed: int, technicians: int, jobs: int) -> Problem:
    """One working day in a town of 40 by 45 km; nothing stands yet."""
    chance = random.Random(seed)
    people = tuple(
        TechnicianDay(
            f"d{number}",
            f"t{number}",
            _place(chance),
            0.0,
            9 * HOUR,
            skills=frozenset(chance.sample(SKILLS, 2)),
            level=chance.choice([0, 1]),
            stock={"fan": chance.randint(0, 2)},
        )
        for number in range(technicians)
    )
    return Problem(tuple(_job(chance, f"j{number}", people) for number in range(jobs)), people)


def standing(problem: Problem) -> Problem:
    """The same day with a plan by insertion that people have been told."""
    return replace(problem, previous=built(problem))


def question_of(problem: Problem, plan: Plan | None = None) -> tuple[Evaluator, Question, Part]:
    """Everything of a problem as one question."""
    evaluator = Evaluator(problem)
    part = Part(tuple(one.id for one in problem.days), tuple(one.id for one in problem.jobs))
    chosen = problem.previous if plan is None else plan
    return evaluator, formulated(evaluator, chosen, evaluator.plan(chosen), part), part


def _job(chance: random.Random, name: str, people: tuple[TechnicianDay, ...]) -> Job:
    return Job(
        name,
        _place(chance),
        chance.choice([1200.0, 1800.0, 2400.0]),
        latest_start_seconds=chance.uniform(1, 9) * HOUR,
        priority=chance.choice(list(Priority)),
        skills=frozenset(chance.choice([(), (), ("cooling",), ("payment",)])),
        level=chance.choice([0, 0, 0, 1]),
        parts=chance.choice([{}, {}, {}, {"fan": 1}]),
        refused=frozenset(chance.choice([(), (), (chance.choice(people).technician_id,)])),
    )


def _place(chance: random.Random) -> Place:
    return Place(31.0 + chance.random() * 0.4, 121.2 + chance.random() * 0.5)
