"""The queue between buses and core: bounded, and order outcomes outlive polls."""

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.reading_queue import ReadingQueue
from edge_agent.drivers.readings import PulseSent, Reading, TemperatureReading


def poll(number: int) -> TemperatureReading:
    return TemperatureReading("probe", "chiller", float(number), None, float(number))


def outcome(number: int) -> PulseSent:
    return PulseSent("locks", "A", str(number), float(number))


def test_readings_come_out_in_order_and_at_most_as_many_as_asked() -> None:
    queue = ReadingQueue()
    for number in range(5):
        queue.put(poll(number))
    assert queue.take(3) == [poll(0), poll(1), poll(2)]
    assert queue.take(3) == [poll(3), poll(4)]
    assert queue.take(3) == []


def test_a_full_queue_drops_the_oldest_poll_and_keeps_outcomes() -> None:
    queue = ReadingQueue(3)
    sent: list[Reading] = [outcome(0), poll(1), poll(2), poll(3), outcome(4)]
    for reading in sent:
        queue.put(reading)
    assert queue.take(9) == [outcome(0), poll(3), outcome(4)]
    assert queue.dropped == 2


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 8))
def test_it_never_holds_more_than_its_capacity_and_counts_what_it_drops(
    polls: list[bool], capacity: int
) -> None:
    queue = ReadingQueue(capacity)
    for number, is_poll in enumerate(polls):
        queue.put(poll(number) if is_poll else outcome(number))
        assert len(queue) <= capacity
    assert len(queue.take(100)) + queue.dropped == len(polls)


def test_each_put_wakes_whoever_asked_for_it() -> None:
    woken: list[bool] = []
    queue = ReadingQueue(on_put=lambda: woken.append(True))
    queue.put(poll(1))
    assert woken == [True]
