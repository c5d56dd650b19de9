"""P-16, invariant 7: three values, and what is not known never frees goods."""

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from protocol.matching import Goods, Match, Place, match, match_terms, strongest
from protocol.rules import BlockKind, DateRange, LotRange, Lots, Notice, Rule, Terms, Where

LOTS = st.sampled_from(["L1", "L2", "L15", "LA", "X1", "l1"])
GTINS = st.sampled_from(["00850003560007", "06901234567892"])
DAYS = st.dates(date(2026, 1, 1), date(2026, 1, 9))
NAMES = st.sampled_from(["a", "b", "c"])


def few(values: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(values, max_size=2)


@st.composite
def spans(draw: st.DrawFn) -> DateRange:
    low, high = draw(st.none() | DAYS), draw(st.none() | DAYS)
    return DateRange(min(low, high), max(low, high)) if low and high else DateRange(low, high)


@st.composite
def lot_ranges(draw: st.DrawFn) -> LotRange:
    low, high = sorted([draw(LOTS), draw(LOTS)])
    return LotRange(low, high)


RULES = st.builds(
    Rule,
    recall=st.just("r"),
    revision=st.just(1),
    block=st.sampled_from(BlockKind),
    notice=st.just(Notice("停", "stop")),
    terms=st.builds(
        Terms,
        gtins=few(GTINS),
        lots=st.none()
        | st.builds(
            Lots, exact=few(LOTS), prefix=few(LOTS), ranges=st.lists(lot_ranges(), max_size=2)
        ),
        serials=few(NAMES),
        expiry=st.none() | spans(),
        production=st.none() | spans(),
    ),
    where=st.builds(
        Where, cabinets=few(NAMES), slots=few(NAMES), sites=few(NAMES), regions=few(NAMES)
    ),
)
GOODS = st.builds(
    Goods,
    gtin=st.none() | GTINS,
    lot=st.none() | LOTS,
    serial=st.none() | NAMES,
    expiry=st.none() | DAYS,
    production=st.none() | DAYS,
)
PLACES = st.builds(
    Place,
    cabinet=st.none() | NAMES,
    slot=st.none() | NAMES,
    site=st.none() | NAMES,
    region=st.none() | NAMES,
)
LOST_GOODS = st.sets(st.sampled_from(["gtin", "lot", "serial", "expiry", "production"]))
LOST_PLACE = st.sets(st.sampled_from(["cabinet", "slot", "site", "region"]))


@given(RULES, GOODS, PLACES, LOST_GOODS, LOST_PLACE)
def test_invariant_07_losing_information_never_moves_goods_to_no(
    rule: Rule, goods: Goods, place: Place, lost_goods: set[str], lost_place: set[str]
) -> None:
    before = match(rule, goods, place)
    after = match(
        rule,
        replace(goods, **dict.fromkeys(lost_goods)),
        replace(place, **dict.fromkeys(lost_place)),
    )
    legal = {
        Match.YES: {Match.YES, Match.POSSIBLE},
        Match.POSSIBLE: {Match.POSSIBLE},
        Match.NO: {Match.NO, Match.POSSIBLE},
    }
    assert after in legal[before]


@given(RULES, GOODS, PLACES, GTINS, LOTS, DAYS)
def test_invariant_07_learning_what_was_missing_never_contradicts_a_certain_answer(
    rule: Rule, goods: Goods, place: Place, gtin: str, lot: str, day: date
) -> None:
    before = match(rule, goods, place)
    learnt = replace(
        goods,
        gtin=goods.gtin or gtin,
        lot=goods.lot or lot,
        expiry=goods.expiry or day,
        production=goods.production or day,
    )
    if before is not Match.POSSIBLE:
        assert match(rule, learnt, place) is before


@given(RULES, st.lists(st.tuples(GOODS, PLACES), max_size=20))
def test_invariant_07_yes_possible_and_no_are_disjoint_and_cover_all_lines(
    rule: Rule, lines: list[tuple[Goods, Place]]
) -> None:
    sets = {
        kind: {one for one, line in enumerate(lines) if match(rule, *line) is kind}
        for kind in Match
    }
    assert sum(len(found) for found in sets.values()) == len(lines)
    assert set.union(*sets.values()) == set(range(len(lines)))


@given(RULES, GOODS, PLACES)
def test_an_added_term_never_brings_goods_in(rule: Rule, goods: Goods, place: Place) -> None:
    without = replace_terms(rule, Terms(gtins=rule.terms.gtins, lots=rule.terms.lots))
    if match(without, goods, place) is Match.NO:
        assert match(rule, goods, place) is Match.NO


def replace_terms(rule: Rule, terms: Terms) -> Rule:
    return Rule(
        recall=rule.recall,
        revision=rule.revision,
        block=rule.block,
        terms=terms,
        notice=rule.notice,
        where=rule.where,
    )


def test_a_lot_range_holds_lots_of_its_length_in_text_order_case_as_scanned() -> None:
    terms = Terms(lots=Lots(ranges=[LotRange("L10", "L19")]))
    found = {
        lot: match_terms(terms, Goods(None, lot)) for lot in ("L10", "L15", "L1", "l15", "L20")
    }
    assert found == {
        "L10": Match.YES,
        "L15": Match.YES,
        "L1": Match.NO,
        "l15": Match.NO,
        "L20": Match.NO,
    }


def test_both_ends_of_a_date_range_are_in_it_and_an_open_end_has_no_end() -> None:
    terms = Terms(expiry=DateRange(date(2026, 1, 2), date(2026, 1, 3)))
    days = [match_terms(terms, Goods(None, expiry=date(2026, 1, day))) for day in (1, 2, 3, 4)]
    assert days == [Match.NO, Match.YES, Match.YES, Match.NO]
    open_end = Terms(expiry=DateRange(date(2026, 1, 2), None))
    assert match_terms(open_end, Goods(None, expiry=date(2099, 1, 1))) is Match.YES


def test_the_strongest_match_counts_and_nothing_is_no() -> None:
    assert strongest([Match.NO, Match.POSSIBLE]) is Match.POSSIBLE
    assert strongest([Match.POSSIBLE, Match.YES]) is Match.YES
    assert strongest([]) is Match.NO
    assert [kind.blocks for kind in Match] == [True, True, False]
