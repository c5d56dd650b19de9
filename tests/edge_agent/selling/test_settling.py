"""Grams into pieces: one explanation is final, anything else is provisional with its evidence."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.selling.settling import BEYOND_BOOK, SCALE_GRAMS, Kind, Shelf, explain, settle

WATER = Kind("S1", 520.0, 0.0, 250, booked=10)
SANDWICH = Kind("S2", 180.0, 0.0, 1280, booked=6)
JUICE = Kind("S3", 365.0, 0.0, 690, booked=8)


def shelf(before: float | None, after: float | None, *kinds: Kind, name: str = "top") -> Shelf:
    return Shelf(name, before, after, kinds)


def test_a_shelf_nobody_touched_gives_nothing_and_is_sure() -> None:
    settled = settle([shelf(5_200, 5_197, WATER), shelf(1_080, 1_083, SANDWICH)])
    assert settled.taken == {}
    assert not settled.provisional


def test_pieces_are_counted_by_their_weight() -> None:
    settled = settle([shelf(5_200, 5_200 - 2 * 523, WATER), shelf(1_080, 1_080 - 178, SANDWICH)])
    assert settled.taken == {"S1": 2, "S2": 1}
    assert not settled.provisional
    assert [row.why for row in settled.evidence] == ["", ""]


def test_two_products_on_one_scale_are_told_apart_by_their_sum() -> None:
    settled = settle([shelf(6_000, 6_000 - 520 - 180, WATER, SANDWICH)])
    assert settled.taken == {"S1": 1, "S2": 1}
    assert not settled.provisional


def test_two_explanations_are_provisional_and_the_nearest_counts() -> None:
    """365 g of juice weigh nearly what two sandwiches do."""
    settled = settle([shelf(6_000, 6_000 - 364, SANDWICH, JUICE)])
    assert settled.taken == {"S3": 1}
    assert settled.provisional
    assert settled.evidence[0].why == "ambiguous"


def test_of_two_explanations_as_near_the_cheaper_counts() -> None:
    twin = replace(JUICE, slot="S4", price_minor=100)
    settled = settle([shelf(6_000, 6_000 - 365, JUICE, twin)])
    assert settled.taken == {"S4": 1}
    assert settled.provisional


def test_what_does_not_add_up_is_provisional_with_the_grams_left_over() -> None:
    settled = settle([shelf(5_200, 5_200 - 700, WATER)])
    assert settled.taken == {"S1": 1}
    assert settled.evidence[0].why == "unexplained"
    assert settled.evidence[0].unexplained_grams == 180.0


def test_more_than_the_book_has_is_believed_but_provisional() -> None:
    settled = settle([shelf(1_300, 1_300 - 3 * 180, replace(SANDWICH, booked=2))])
    assert settled.taken == {"S2": 3}
    assert settled.evidence[0].why == "more_than_booked"


def test_a_piece_put_back_on_another_shelf_is_not_charged() -> None:
    settled = settle(
        [
            shelf(5_200, 5_200 - 2 * 520, WATER, name="top"),
            shelf(1_080, 1_080 + 520, SANDWICH, name="bottom"),
        ]
    )
    assert settled.taken == {"S1": 1}
    assert settled.provisional
    assert {row.why for row in settled.evidence} == {"put_back_elsewhere"}


def test_a_strange_thing_left_inside_is_provisional() -> None:
    settled = settle([shelf(5_200, 5_200 + 77, WATER)])
    assert settled.taken == {}
    assert settled.evidence[0].why == "heavier"


def test_a_weight_nobody_could_read_is_provisional_and_charges_nothing() -> None:
    for before, after in ((None, 100.0), (100.0, None)):
        settled = settle([shelf(before, after, WATER)])
        assert settled.taken == {}
        assert settled.evidence[0].why == "weight_unknown"


kinds = st.builds(
    Kind,
    st.just("S1"),
    st.floats(40, 2_000),
    st.just(0.0),
    st.integers(0, 5_000),
    booked=st.integers(0, 20),
)


@given(kinds, st.data())
def test_whole_pieces_of_one_kind_are_found_whatever_they_weigh(
    kind: Kind, data: st.DataObject
) -> None:
    """Goal: no count is ever off where the pieces weigh what the plan says.

    Drift of the scale stays below a quarter piece, or pieces could not be told apart at all.
    """
    count = data.draw(st.integers(0, kind.booked))
    drift = data.draw(st.floats(-1, 1)) * min(SCALE_GRAMS, kind.unit_grams / 4) * 0.9
    before = 30_000.0
    explained = explain(Shelf("top", before, before - kind.unit_grams * count - drift, (kind,)))
    assert explained.taken["S1"] == count


@given(
    st.lists(st.tuples(st.floats(30, 900), st.integers(0, 9)), min_size=1, max_size=3),
    st.floats(-2_000, 8_000),
)
def test_no_weight_is_ever_charged_beyond_the_book_by_more_than_the_allowance(
    rows: list[tuple[float, int]], gone: float
) -> None:
    made = tuple(
        Kind(f"S{number}", grams, 0.0, 100, booked) for number, (grams, booked) in enumerate(rows)
    )
    explained = explain(Shelf("top", 10_000.0, 10_000.0 - gone, made))
    for kind in made:
        taken = explained.taken.get(kind.slot, 0)
        assert 0 <= taken <= kind.booked + BEYOND_BOOK
        if taken > kind.booked:
            assert explained.why
    if gone < -SCALE_GRAMS:
        assert explained.taken == {}


@given(st.floats(0.0, 40.0), st.floats(0.0, 40.0), st.floats(-50.0, 500.0))
def test_no_planned_weight_however_small_can_break_the_settling(
    unit_grams: float, tolerance_grams: float, gone: float
) -> None:
    feather = Kind("S9", unit_grams, tolerance_grams, 100, booked=5)
    explained = explain(shelf(5_000.0, 5_000.0 - gone, feather))
    assert explained.taken.get("S9", 0) == 0 or feather.can_be_weighed


def test_a_piece_that_weighs_no_more_than_its_tolerance_is_never_counted() -> None:
    tea_bag = Kind("S9", 3.0, 0.0, 100, booked=50)
    assert not tea_bag.can_be_weighed
    explained = explain(shelf(5_000.0, 4_900.0, tea_bag))
    assert (explained.taken, explained.why) == ({"S9": 0}, "unexplained")


def test_an_explanation_is_not_sure_while_others_were_left_untried() -> None:
    kinds = [Kind(f"S{n}", 400.0 + 97.0 * n, 1.0, 100, booked=30) for n in range(7)]
    explained = explain(shelf(60_000.0, 60_000.0 - kinds[-1].unit_grams * 9, *kinds))
    assert explained.why == "ambiguous"
