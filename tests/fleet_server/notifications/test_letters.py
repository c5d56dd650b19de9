"""Letters: one outage is one message; nothing is lost, doubled, or sent past the pace."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from fleet_server.notifications.letters import (
    LISTED_MAX,
    SINGLES_MAX,
    Waiting,
    cut,
    in_language,
    letters_for,
)
from fleet_server.notifications.rules import (
    ATTEMPTS_MAX,
    RETRY_FIRST,
    RETRY_JITTER,
    RETRY_MAX,
    Language,
    retry_delay,
)


def waiting(number: int, title: str = "", *, urgent: bool = False) -> Waiting:
    name = title or f"t{number}"
    return Waiting(f"d{number}", urgent, name, f"about {name}", f"/tickets/{number}", f"t/{number}")


rows = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans()), max_size=40).map(
    lambda found: [waiting(n, title, urgent=urgent) for n, (title, urgent) in enumerate(found)]
)


def test_a_few_notices_leave_one_by_one_urgent_ones_first() -> None:
    letters = letters_for([waiting(1), waiting(2, urgent=True)], 6, Language.ZH)
    assert [(one.title, one.body, one.path, one.tag) for one in letters] == [
        ("t2", "about t2", "/tickets/2", "t/2"),
        ("t1", "about t1", "/tickets/1", "t/1"),
    ]


def test_the_same_words_are_said_once() -> None:
    (letter,) = letters_for([waiting(1, "a"), waiting(2, "a")], 6, Language.ZH)
    assert letter.delivery_ids == ("d1", "d2")
    assert letter.title == "a"


def test_a_thousand_notices_of_one_outage_are_one_digest_that_counts_them() -> None:
    outage = [waiting(n, f"柜机 {n} 离线 / cabinet {n} is offline") for n in range(1000)]
    (letter,) = letters_for(outage, 6, Language.BOTH)
    assert len(letter.delivery_ids) == 1000
    assert letter.title == "1000 条通知 / 1000 notices"
    lines = letter.body.splitlines()
    assert len(lines) == LISTED_MAX + 1
    assert lines[-1] == "另有 990 条 / and 990 more"
    assert (letter.path, letter.tag) == ("/notices", "digest")


def test_a_digest_says_how_often_the_same_was_said() -> None:
    several = [replace(waiting(n, f"t{n % 4}"), body=f"at {n}") for n in range(40)]
    (letter,) = letters_for(several, 6, Language.EN)
    assert letter.body.splitlines() == ["t0 x10", "t1 x10", "t2 x10", "t3 x10"]


def test_urgent_ones_are_a_digest_of_their_own() -> None:
    many = [waiting(n, urgent=n < 5) for n in range(10)]
    urgent, normal = letters_for(many, 6, Language.EN)
    assert (urgent.urgent, urgent.title) == (True, "5 urgent notices")
    assert (normal.urgent, normal.title) == (False, "5 notices")


@given(rows, st.integers(0, 8))
def test_no_letter_past_the_pace_and_no_notice_twice_or_lost(
    found: list[Waiting], allowance: int
) -> None:
    letters = letters_for(found, allowance, Language.BOTH)
    assert len(letters) <= min(allowance, 2 * SINGLES_MAX)
    ids = [key for letter in letters for key in letter.delivery_ids]
    assert len(ids) == len(set(ids))
    urgent = {one.delivery_id for one in found if one.urgent}
    normal = {one.delivery_id for one in found if not one.urgent}
    if allowance:
        assert urgent <= set(ids) or not urgent
    if allowance >= 2:
        # Either all normal ones leave, or urgent singles used the pace up.
        assert normal <= set(ids) or len(letters) == allowance
    for letter in letters:
        assert set(letter.delivery_ids) <= (urgent if letter.urgent else normal)


@given(rows)
def test_urgent_letters_come_first(found: list[Waiting]) -> None:
    order = [letter.urgent for letter in letters_for(found, 6, Language.EN)]
    assert order == sorted(order, reverse=True)


@given(st.text(), st.integers(3, 50))
def test_a_cut_text_is_whole_characters_within_the_bytes(text: str, bytes_max: int) -> None:
    text = text.encode(errors="ignore").decode()
    shorter = cut(text, bytes_max)
    assert len(shorter.encode()) <= bytes_max
    assert shorter == text or text.startswith(shorter.removesuffix("…"))


def test_both_languages_are_not_said_twice_where_they_are_the_same() -> None:
    assert in_language(Language.BOTH, "C1", "C1") == "C1"
    assert in_language(Language.BOTH, "门", "door") == "门 / door"
    assert in_language(Language.ZH, "门", "door") == "门"
    assert in_language(Language.EN, "门", "door") == "door"


@given(st.integers(0, 1_000), st.floats(0, 1))
def test_a_delay_is_bounded_on_both_sides_whatever_chance_says(attempts: int, drawn: float) -> None:
    delay = retry_delay(attempts, drawn)
    assert RETRY_FIRST * (1 - RETRY_JITTER) <= delay <= RETRY_MAX


@given(st.integers(1, ATTEMPTS_MAX - 1))
def test_delays_double_up_to_the_bound(attempts: int) -> None:
    assert retry_delay(attempts + 1, 0) == min(retry_delay(attempts, 0) * 2, RETRY_MAX)
