"""A poor link: too many sends without an answer, until a day has gone well."""

from edge_agent.outbox.link_quality import GOOD_SECONDS, SENDS_MIN, LinkQuality

HOUR = 3_600.0


def played(quality: LinkQuality, answers: str, at: float = 0.0) -> LinkQuality:
    for answer in answers:
        quality.sent(at, answered=answer == "+")
    return quality


def test_few_sends_say_nothing() -> None:
    assert not played(LinkQuality(), "-" * (SENDS_MIN - 1)).poor


def test_four_of_five_answered_is_good_enough_and_less_is_poor() -> None:
    assert not played(LinkQuality(), "++++-" * 10).poor
    assert played(LinkQuality(), "++++-" * 9 + "+++--").poor


def test_a_poor_link_is_good_again_after_a_whole_day_that_went_well() -> None:
    quality = played(LinkQuality(), "+-" * 25)
    assert quality.poor
    for hour in range(24):
        played(quality, "++++++", at=hour * HOUR)
        quality.step(hour * HOUR)
    began = next(hour for hour in range(24) if hour * HOUR >= 0) * HOUR
    assert quality.poor
    quality.step(began + GOOD_SECONDS + 24 * HOUR)
    assert not quality.poor
