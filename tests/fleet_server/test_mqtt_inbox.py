"""The inbox in front of ingest: bounded in number and bytes, what does not fit is counted."""

from fleet_server.mqtt_inbox import BYTES_MAX, MESSAGES_MAX, Inbound, Inbox

SMALL = Inbound("fleet/v1/00/up/C1/heartbeat", b"{}")
HUGE = Inbound("fleet/v1/00/up/C1/journal", bytes(BYTES_MAX // 4))


def test_a_storm_never_fills_more_than_the_bound_and_what_came_first_stays() -> None:
    inbox = Inbox()
    first = SMALL._replace(topic="first")
    inbox.put([first, *[SMALL] * (MESSAGES_MAX + 10)])
    assert (len(inbox), inbox.dropped, inbox.peak) == (MESSAGES_MAX, 11, MESSAGES_MAX)
    assert inbox.take(1) == [first]


def test_few_messages_are_bounded_by_their_bytes_and_taking_makes_room() -> None:
    inbox = Inbox()
    for _ in range(5):
        inbox.put([HUGE])
    assert (len(inbox), inbox.dropped) == (4, 1)
    assert len(inbox.take(2)) == 2
    inbox.put([HUGE])
    assert (len(inbox), inbox.dropped, inbox.peak) == (3, 1, 4)


def test_nobody_waits_long_for_an_empty_inbox() -> None:
    inbox = Inbox()
    assert not inbox.wait(0.01)
    inbox.put([SMALL])
    assert inbox.wait(0.01)


def test_the_inbox_is_bounded_in_messages_and_in_bytes() -> None:
    inbox = Inbox()
    inbox.put([Inbound("t", b"")] * (MESSAGES_MAX + 5))
    assert (len(inbox), inbox.dropped) == (MESSAGES_MAX, 5)
    large = Inbox()
    large.put([Inbound("t", bytes(BYTES_MAX // 2))] * 3)
    assert (len(large), large.dropped) == (2, 1)
    assert len(large.take(9)) == 2
    large.put([Inbound("t", b"again")])
    assert len(large) == 1
