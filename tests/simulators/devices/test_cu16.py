"""The simulated lock board, byte for byte (hardware reference 1.1 A)."""

import pytest

from edge_agent.seed import Chance
from simulators.devices.cu16 import SimulatedCu16
from simulators.errors import NoSuchLockError

STATUS = bytes.fromhex("02 00 30 03 35")


def board(**kwargs: float) -> SimulatedCu16:
    return SimulatedCu16(Chance.from_seed(1), **kwargs)  # type: ignore[arg-type]  # only floats here


def test_all_closed_and_empty_answers_the_published_bytes() -> None:
    assert board().answer(STATUS) == bytes.fromhex("02 00 35 FF FF 00 00 03 38")


def test_a_request_in_pieces_amid_rubbish_is_answered_once() -> None:
    simulated = board()
    answers = [simulated.answer(bytes((byte,))) for byte in b"\x02\xff" + STATUS + b"\x02"]
    assert [answer for answer in answers if answer] == [bytes.fromhex("020035FFFF00000338")]


def test_unlocking_opens_one_door_and_unlock_all_opens_all() -> None:
    simulated = board()
    assert simulated.answer(bytes.fromhex("02 02 31 03 38")) == b""
    assert simulated.answer(STATUS)[3:5] == b"\xfb\xff"
    simulated.answer(bytes.fromhex("02 00 33 03 38"))
    assert simulated.answer(STATUS)[3:5] == b"\x00\x00"


def test_people_open_and_close_doors() -> None:
    simulated = board()
    simulated.open_door(9)
    assert simulated.answer(STATUS)[3:5] == b"\xff\xfe"
    simulated.close_door(9)
    assert simulated.answer(STATUS)[3:5] == b"\xff\xff"
    with pytest.raises(NoSuchLockError):
        simulated.open_door(17)


def test_a_door_with_a_spring_closes_by_itself() -> None:
    simulated = board(auto_close_seconds=5)
    simulated.tick(100)
    simulated.open_door(1)
    simulated.tick(104)
    assert simulated.is_open(1)
    simulated.tick(105)
    assert not simulated.is_open(1)


def test_a_busy_board_says_nothing_until_asked_for_its_unlock_time() -> None:
    simulated = board()
    simulated.faults.busy_after_unlock = True
    simulated.answer(bytes.fromhex("02 00 31 03 36"))
    assert simulated.answer(STATUS) == b""
    assert simulated.answer(bytes.fromhex("02 00 38 03 3D")) != b""
    assert simulated.answer(STATUS)[3:5] == b"\xfe\xff"


def test_the_same_seed_loses_the_same_bytes() -> None:
    def answers(seed: int) -> list[bytes]:
        simulated = SimulatedCu16(Chance.from_seed(seed))
        simulated.faults.wire.lose_byte = 0.5
        return [simulated.answer(STATUS) for _ in range(50)]

    assert answers(7) == answers(7)
    assert {len(answer) for answer in answers(7)} == {8, 9}
