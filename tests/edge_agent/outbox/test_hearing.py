"""A dead way down is found, and patience grows while giving up does not help."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.outbox.hearing import DEAF_SECONDS, DEAF_SECONDS_MAX, UNANSWERED_MAX, Hearing


def shouted(hearing: Hearing, elapsed: float, times: int = UNANSWERED_MAX) -> None:
    for _ in range(times):
        hearing.sent(elapsed)


def test_few_unanswered_sends_or_a_short_silence_are_no_deafness() -> None:
    hearing = Hearing()
    shouted(hearing, 0.0, UNANSWERED_MAX - 1)
    assert not hearing.deaf(1e6)
    hearing.sent(1.0)
    assert not hearing.deaf(DEAF_SECONDS - 1)
    assert hearing.deaf(DEAF_SECONDS)


@given(st.integers(0, 20), st.floats(0, 1e6))
def test_any_word_of_the_server_ends_the_silence(sends: int, elapsed: float) -> None:
    hearing = Hearing()
    shouted(hearing, 0.0, sends)
    hearing.heard()
    assert not hearing.deaf(elapsed)


def test_patience_doubles_up_to_its_bound_and_begins_anew_when_heard() -> None:
    hearing = Hearing()
    patience = []
    for _ in range(8):
        shouted(hearing, 0.0)
        seconds = DEAF_SECONDS
        while not hearing.deaf(seconds):
            seconds *= 2
        patience.append(seconds)
        hearing.give_up()
        assert hearing.gave_up
    assert patience[:3] == [DEAF_SECONDS, DEAF_SECONDS * 2, DEAF_SECONDS * 4]
    assert max(patience) < DEAF_SECONDS_MAX * 2
    hearing.heard()
    assert not hearing.gave_up
    shouted(hearing, 0.0)
    assert hearing.deaf(DEAF_SECONDS)
