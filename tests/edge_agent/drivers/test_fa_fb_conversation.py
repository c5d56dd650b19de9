"""The host's half of the conversation: packet numbers, repetitions, what counts as taken."""

from edge_agent.drivers.spiral_board.fa_fb.conversation import (
    QUEUE_MAX,
    REPEAT_SECONDS_MAX,
    TRIES_MAX,
    Conversation,
    Sending,
    SendingState,
)
from edge_agent.drivers.spiral_board.fa_fb.frames import (
    ACK,
    NUMBERS,
    FaFbCommand,
    FaFbFrame,
    FaFbParser,
)


def buy(text: bytes = b"\x00\x01") -> Sending:
    return Sending(FaFbCommand.BUY, text)


def number_in(answer: bytes) -> int | None:
    (frame,) = FaFbParser().feed(answer)
    return frame.number


def test_with_nothing_to_say_a_poll_is_acknowledged() -> None:
    assert Conversation().answer_poll(0.0) == ACK.encode()


def test_a_command_is_repeated_unchanged_at_most_five_times_and_then_given_up() -> None:
    conversation, sending = Conversation(), buy()
    conversation.send(sending)
    answers = [conversation.answer_poll(0.2 * turn) for turn in range(TRIES_MAX + 1)]
    assert set(answers[:TRIES_MAX]) == {FaFbFrame(FaFbCommand.BUY, 1, b"\x00\x01").encode()}
    assert answers[TRIES_MAX] == ACK.encode()
    assert sending.state is SendingState.LOST


def test_a_command_is_not_repeated_late_nor_after_a_restart_nor_against_its_will() -> None:
    for late, restarts, repeats in [
        (True, False, True),
        (False, True, True),
        (False, False, False),
    ]:
        conversation = Conversation()
        sending = Sending(FaFbCommand.BUY, b"\x00\x01", repeats=repeats)
        conversation.send(sending)
        conversation.answer_poll(0.0)
        if restarts:
            conversation.board_restarted()
        assert conversation.answer_poll(REPEAT_SECONDS_MAX + 0.1 if late else 0.2) == ACK.encode()
        assert sending.state is SendingState.LOST


def test_the_command_after_a_lost_one_has_another_number() -> None:
    """The board may have taken the lost one; it would take the same number for its repetition."""
    conversation = Conversation()
    conversation.send(Sending(FaFbCommand.BUY, b"\x00\x01", repeats=False))
    conversation.send(buy(b"\x00\x02"))
    assert [number_in(conversation.answer_poll(at)) for at in (0.0, 0.2)] == [1, 2]


def test_numbers_run_from_one_to_255_and_begin_again() -> None:
    conversation = Conversation()
    seen = []
    for _ in range(NUMBERS + 1):
        conversation.send(buy())
        seen.append(number_in(conversation.answer_poll(0.0)))
        conversation.acknowledged()
    assert seen == [*range(1, NUMBERS + 1), 1]


def test_an_acknowledgement_counts_only_right_after_a_command() -> None:
    conversation, sending = Conversation(), buy()
    conversation.acknowledged()
    conversation.send(sending)
    conversation.acknowledged()
    assert sending.state is SendingState.WAITING
    conversation.answer_poll(0.0)
    assert sending.state is SendingState.SENT
    conversation.acknowledged()
    assert sending.state is SendingState.TAKEN
    other = buy()
    conversation.send(other)
    conversation.acknowledged()
    assert other.state is SendingState.WAITING


def test_what_was_written_cannot_be_withdrawn_and_what_was_not_never_goes_out() -> None:
    conversation, waiting, written = Conversation(), buy(), buy()
    conversation.send(written)
    conversation.answer_poll(0.0)
    conversation.send(waiting)
    assert not conversation.withdraw(written)
    assert conversation.withdraw(waiting)
    conversation.acknowledged()
    assert conversation.answer_poll(0.2) == ACK.encode()


def test_what_the_board_repeats_is_told_once() -> None:
    conversation = Conversation()
    status = FaFbFrame(FaFbCommand.DISPENSING_STATUS, 7, b"\x02\x00\x01")
    other = FaFbFrame(FaFbCommand.DISPENSING_STATUS, 8, b"\x02\x00\x01")
    assert [conversation.is_news(frame) for frame in (status, status, other)] == [True, False, True]


def test_the_queue_is_bounded_and_the_first_go_first() -> None:
    conversation = Conversation()
    taken = [conversation.send(Sending(FaFbCommand.SYNCHRONIZE)) for _ in range(QUEUE_MAX + 1)]
    assert taken == [True] * QUEUE_MAX + [False]
    hurried, fresh = buy(), Conversation()
    fresh.send(Sending(FaFbCommand.SYNCHRONIZE))
    assert fresh.send(hurried, first=True)
    assert fresh.send(hurried, first=True), "a command waits only once"
    assert fresh.answer_poll(0.0) == FaFbFrame(FaFbCommand.BUY, 1, b"\x00\x01").encode()
