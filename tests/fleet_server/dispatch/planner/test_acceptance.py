"""When a new plan is taken, and what people are told about it."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from fleet_server.dispatch.planner.acceptance import Judgement, Verdict, judged
from fleet_server.dispatch.planner.evaluator import Evaluator
from fleet_server.dispatch.planner.problem import Commitment, Job, Plan, Problem, TechnicianDay
from fleet_server.dispatch.planner.reasons import ReasonCode, reason
from fleet_server.dispatch.planner.travel import Place
from tests.fleet_server.dispatch.planner.drawn import problems, unhurried

WEST, EAST, FAR = Place(31.2, 121.3), Place(31.2, 121.5), Place(31.2, 121.9)
DAYS = (
    TechnicianDay("w", "wen", WEST, 0.0, 36_000.0),
    TechnicianDay("e", "eva", EAST, 0.0, 36_000.0),
)


def judge(jobs: list[Job], before: Plan, after: Plan, told: Plan | None = None) -> Judgement:
    evaluator = Evaluator(Problem(tuple(jobs), DAYS, previous=told or before))
    return judged(evaluator, evaluator.plan(before), evaluator.plan(after))


def accepted(name: str, place: Place, **wanted: object) -> Job:
    job = Job(name, place, 1800.0, commitment=Commitment.ACCEPTED)
    return replace(job, **wanted)  # type: ignore[arg-type]  # fields by name


def test_a_plan_that_makes_a_late_job_punctual_is_taken_and_says_by_how_much() -> None:
    job = accepted("j", EAST, latest_start_seconds=600.0)
    said = judge([job], Plan({"w": ("j",)}), Plan({"e": ("j",)}))
    assert said.verdict is Verdict.REMOVES_BREACH
    (move,) = said.moves
    assert (move.before.technician_id, move.after.technician_id) == ("wen", "eva")
    assert move.reason.code is ReasonCode.BREACH_REMOVED
    assert move.reason.numbers["seconds"] > 600  # type: ignore[operator]  # a number of seconds
    assert "min late" in move.reason.en
    assert "迟到" in move.reason.zh


def test_ten_minutes_for_each_moved_accepted_job_are_needed() -> None:
    """From wen to eva saves the ways of both, about 65 min; one eighth of that is too little."""
    jobs = [accepted("j", EAST)]
    assert judge(jobs, Plan({"w": ("j",)}), Plan({"e": ("j",)})).verdict is Verdict.SAVES_ENOUGH
    near = Place(31.2, 121.418)  # a little nearer to eva
    said = judge([accepted("j", near)], Plan({"w": ("j",)}), Plan({"e": ("j",)}))
    assert 0 < said.saved_seconds < 600
    assert said.verdict is Verdict.NOT_WORTH_IT


def test_what_nobody_has_accepted_moves_for_a_minute() -> None:
    near = replace(accepted("j", Place(31.2, 121.418)), commitment=Commitment.OPEN)
    said = judge([near], Plan({"w": ("j",)}), Plan({"e": ("j",)}))
    assert 60 <= said.saved_seconds < 600
    assert said.verdict is Verdict.SAVES_ENOUGH


def test_a_job_that_moved_twice_today_moves_no_more() -> None:
    jobs = [accepted("j", EAST, moves_today=2, latest_start_seconds=600.0)]
    said = judge(jobs, Plan({"w": ("j",)}), Plan({"e": ("j",)}))
    assert said.verdict is Verdict.MOVED_TOO_OFTEN


def test_what_was_legal_is_not_given_up_for_what_is_not() -> None:
    job = accepted("j", EAST, latest_start_seconds=600.0, refused=frozenset({"eva"}))
    said = judge([job], Plan({"w": ("j",)}), Plan({"e": ("j",)}))
    assert said.verdict is Verdict.ILLEGAL


def test_a_violation_that_stood_there_before_blocks_nothing() -> None:
    """A technician who works past the end of the shift must not stop the others' plans."""
    overrun = Job("o", WEST, 40_000.0)
    late = Job("j", EAST, 1800.0, latest_start_seconds=600.0)
    days = (*DAYS, TechnicianDay("n", "nia", WEST, 0.0, 36_000.0, fixed=("o",)))
    before, after = Plan({"n": ("o",), "w": ("j",)}), Plan({"n": ("o",), "e": ("j",)})
    evaluator = Evaluator(Problem((overrun, late), days, previous=before))
    seen = evaluator.plan(before)
    assert not seen.is_legal
    assert judged(evaluator, seen, evaluator.plan(after)).is_taken


def test_a_job_without_a_place_gets_one_and_the_reason_says_so() -> None:
    said = judge([Job("j", EAST, 1800.0)], Plan(), Plan({"e": ("j",)}))
    assert said.verdict is Verdict.REMOVES_BREACH
    assert said.moves[0].reason.code is ReasonCode.PLACED


def test_one_who_makes_room_is_told_for_whom() -> None:
    urgent = Job("u", EAST, 1800.0, latest_start_seconds=600.0)
    calm = replace(accepted("c", EAST), service_seconds=7200.0)
    said = judge([urgent, calm], Plan({"e": ("c", "u")}), Plan({"e": ("u",), "w": ("c",)}))
    (move,) = said.moves
    assert said.verdict is Verdict.REMOVES_BREACH
    assert move.reason.code is ReasonCode.MAKES_ROOM
    assert move.reason.numbers == {"job_id": "u", "count": 1}


@unhurried
@given(problems(), st.data())
def test_no_plan_that_is_taken_moves_what_is_pinned_or_has_moved_enough(
    problem: Problem, data: st.DataObject
) -> None:
    """Whatever the new plan: here every job is dealt out anew."""
    routes: dict[str, tuple[str, ...]] = {day.id: () for day in problem.days}
    for job in problem.jobs:
        where = data.draw(st.sampled_from([None, *routes]))
        if where is not None:
            routes[where] += (job.id,)
    evaluator = Evaluator(problem)
    before, after = evaluator.plan(problem.previous), evaluator.plan(Plan(routes))
    said = judged(evaluator, before, after)
    assert {move.job_id for move in said.moves} == {
        job.id
        for job in problem.jobs
        if (before.stops.get(job.id, (None,))[0]) != (after.stops.get(job.id, (None,))[0])
    }
    if said.is_taken:
        assert after.cost_seconds < before.cost_seconds
        for move in said.moves:
            job = evaluator.jobs[move.job_id]
            told = move.before.technician_id is not None
            assert not (told and job.has_moved_enough)
            assert not told or job.pinned_to in {None, move.after.technician_id}


def test_every_reason_is_a_sentence_in_both_languages() -> None:
    for code in ReasonCode:
        told = reason(code, seconds=900.0, count=3)
        assert told.zh
        assert told.en
        assert "{" not in told.zh + told.en
    assert "15" in reason(ReasonCode.EARLIER, seconds=900.0).en


def test_numbers_without_end_are_left_out_of_a_reason() -> None:
    assert reason(ReasonCode.PLACED, seconds=float("inf")).numbers == {}
