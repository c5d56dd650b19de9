"""Who can be asked at all."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fleet_server.technicians.rules import (
    Ability,
    Certificate,
    Span,
    is_qualified,
    on_duty_until,
    works_in,
)

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SKILLS = ["door", "lock", "refrigeration"]


def hours(number: int) -> datetime:
    return NOW + timedelta(hours=number)


def ability(
    skills: frozenset[str] = frozenset({"door"}),
    certificates: tuple[Certificate, ...] = (Certificate(None, hours(100)),),
    shifts: tuple[Span, ...] = (Span(hours(-1), hours(8)),),
    absences: tuple[Span, ...] = (),
    region: str | None = None,
    *,
    active: bool = True,
) -> Ability:
    return Ability("t", active, skills, certificates, shifts, absences, region)


certificates = st.builds(
    Certificate, st.sampled_from([None, *SKILLS]), st.integers(-9, 9).map(hours)
)
spans = st.tuples(st.integers(-9, 9), st.integers(1, 9)).map(
    lambda pair: Span(hours(pair[0]), hours(pair[0] + pair[1]))
)


@given(
    st.frozensets(st.sampled_from(SKILLS)),
    st.lists(certificates, max_size=4).map(tuple),
    st.sets(st.sampled_from(SKILLS), max_size=2),
)
def test_nobody_is_qualified_without_a_valid_certificate_for_each_skill(
    skills: frozenset[str], held: tuple[Certificate, ...], needed: set[str]
) -> None:
    valid = {one.skill for one in held if one.expires_at > NOW}
    if is_qualified(ability(skills, held), needed, NOW):
        assert needed <= skills
        assert valid
        assert None in valid or needed <= valid


def test_a_certificate_lapses_at_its_instant() -> None:
    one = ability(certificates=(Certificate(None, hours(1)),))
    assert is_qualified(one, ["door"], NOW)
    assert not is_qualified(one, ["door"], hours(1))


def test_a_certificate_for_one_skill_does_not_cover_another() -> None:
    one = ability(frozenset({"door", "lock"}), (Certificate("door", hours(9)),))
    assert is_qualified(one, ["door"], NOW)
    assert not is_qualified(one, ["lock"], NOW)
    assert not is_qualified(one, [], NOW)


@given(st.lists(spans, max_size=4).map(tuple), st.lists(spans, max_size=2).map(tuple))
def test_on_duty_means_in_a_shift_and_not_away_until_then(
    shifts: tuple[Span, ...], absences: tuple[Span, ...]
) -> None:
    end = on_duty_until(ability(shifts=shifts, absences=absences), NOW)
    if end is None:
        working = any(shift.holds(NOW) for shift in shifts)
        away = any(absence.holds(NOW) for absence in absences)
        assert away or not working
        return
    for quarter in range(int((end - NOW) / timedelta(minutes=15))):
        instant = NOW + timedelta(minutes=15) * quarter
        assert any(shift.holds(instant) for shift in shifts)
        assert not any(absence.holds(instant) for absence in absences)


def test_shifts_that_touch_are_one() -> None:
    one = ability(shifts=(Span(hours(4), hours(9)), Span(hours(-1), hours(4))))
    assert on_duty_until(one, NOW) == hours(9)


def test_who_left_is_never_on_duty() -> None:
    assert on_duty_until(ability(active=False), NOW) is None


def test_a_region_limits_where_they_work() -> None:
    assert works_in(ability(), "east")
    assert works_in(ability(region="east"), "east")
    assert not works_in(ability(region="east"), "west")
