"""Problems drawn by hypothesis: small, but with every kind of trouble in them."""

from hypothesis import settings
from hypothesis import strategies as st

from fleet_server.dispatch.planner.problem import (
    Break,
    Commitment,
    Job,
    Plan,
    Problem,
    TechnicianDay,
)
from fleet_server.dispatch.planner.travel import Estimate, Place
from fleet_server.service_levels.rules import Priority

unhurried = settings(deadline=None, max_examples=60)
"""A problem takes 1 ms to plan, and much longer on a busy machine: no test here asserts time."""

PEOPLE = ("ann", "bob", "cem")
HOUR = 3600.0

places = st.builds(Place, st.floats(31.0, 31.4), st.floats(121.2, 121.8))
skills = st.frozensets(st.sampled_from(["cooling", "payment"]), max_size=2)
seconds = st.integers(0, 12 * 3600).map(float)


@st.composite
def breaks(draw: st.DrawFn) -> tuple[Break, ...]:
    """No break, or lunch and perhaps tea."""
    count = draw(st.integers(0, 2))
    begins = [draw(st.integers(2, 4)) * HOUR, draw(st.integers(5, 7)) * HOUR]
    return tuple(
        Break(begin, begin + draw(st.integers(0, 2)) * HOUR, draw(st.sampled_from([900.0, 2700.0])))
        for begin in begins[:count]
    )


@st.composite
def days(draw: st.DrawFn, person: str) -> TechnicianDay:
    start = draw(st.integers(0, 3600))
    return TechnicianDay(
        f"{person}-today",
        person,
        draw(places),
        float(start),
        float(start + draw(st.integers(3600, 10 * 3600))),
        draw(st.none() | places),
        skills=draw(skills),
        level=draw(st.integers(0, 2)),
        stock=draw(st.dictionaries(st.sampled_from(["fan", "lock"]), st.integers(1, 2))),
        breaks=draw(breaks()),
    )


@st.composite
def jobs(draw: st.DrawFn, name: str) -> Job:
    return Job(
        name,
        draw(places),
        float(draw(st.integers(0, 5000))),
        latest_start_seconds=draw(seconds | st.just(float("inf"))),
        resolve_by_seconds=draw(seconds | st.just(float("inf"))),
        release_seconds=draw(st.just(float("-inf")) | seconds),
        priority=draw(st.sampled_from(list(Priority))),
        skills=draw(st.sampled_from([frozenset(), frozenset({"cooling"})])),
        level=draw(st.sampled_from([0, 0, 0, 1])),
        parts=draw(st.dictionaries(st.sampled_from(["fan", "lock"]), st.just(1), max_size=1)),
        pinned_to=draw(st.sampled_from([None, None, None, *PEOPLE])),
        refused=draw(st.frozensets(st.sampled_from(PEOPLE), max_size=1)),
        commitment=draw(st.sampled_from(list(Commitment))),
        site_told=draw(st.booleans()),
        moves_today=draw(st.integers(0, 2)),
        wait_weight=draw(st.sampled_from([0.0, 0.0, 1.0])),
    )


@st.composite
def problems(draw: st.DrawFn, jobs_max: int = 6) -> Problem:
    """A problem whose previous plan holds some of its jobs, legal or not."""
    people = PEOPLE[: draw(st.integers(1, len(PEOPLE)))]
    own = tuple(draw(days(person)) for person in people)
    made = tuple(draw(jobs(f"j{number}")) for number in range(draw(st.integers(0, jobs_max))))
    routes: dict[str, tuple[str, ...]] = {day.id: () for day in own}
    for job in made:
        where = draw(st.sampled_from([None, *own]))
        if where is not None:
            routes[where.id] += (job.id,)
    margin = draw(st.sampled_from([0.0, 1200.0]))
    return Problem(made, own, Estimate(), Plan(routes), margin_seconds=margin)
