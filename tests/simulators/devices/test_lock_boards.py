"""The simulated lock boards, byte for byte (hardware reference 1.1 B-E)."""

import pytest

from edge_agent.seed import Chance
from simulators.devices.cu48 import SimulatedCu48
from simulators.devices.eight_a import SimulatedEightA
from simulators.devices.lock_bank import SimulatedLocks
from simulators.devices.winnsen import SimulatedWinnsen
from simulators.devices.wkly import SimulatedWkly
from simulators.errors import NoSuchLockError


def wkly() -> SimulatedWkly:
    return SimulatedWkly(Chance.from_seed(1), locks=4)


def eight_a() -> SimulatedEightA:
    return SimulatedEightA(Chance.from_seed(1))


def cu48(*, length_byte: bool = False) -> SimulatedCu48:
    board = SimulatedCu48(Chance.from_seed(1))
    board.status_length_byte = length_byte
    return board


def winnsen(*, swapped: bool = False) -> SimulatedWinnsen:
    board = SimulatedWinnsen(Chance.from_seed(1))
    board.swapped_status = swapped
    return board


@pytest.mark.parametrize(
    ("board", "asked", "answered"),
    [
        (wkly(), "57 4B 4C 59 08 00 84 85", "57 4B 4C 59 0E 00 84 00 04 01 01 01 01 87"),
        (wkly(), "57 4B 4C 59 09 00 82 01 83", "57 4B 4C 59 0B 00 82 00 01 00 81"),
        (wkly(), "57 4B 4C 59 09 00 82 09 8B", "57 4B 4C 59 09 00 82 FF 7D"),
        (wkly(), "57 4B 4C 59 08 01 84 84", ""),
        (eight_a(), "80 01 00 33 B2", "80 01 FF FF FF 33 4D"),
        (eight_a(), "80 01 01 33 B3", "80 01 01 11 91"),
        (eight_a(), "8A 01 01 11 9B", "8A 01 01 00 8A"),
        (cu48(), "02 00 00 60 03 65", "02 00 00 75 FF FF FF FF FF FF 71"),
        (cu48(length_byte=True), "02 00 00 60 03 65", "02 00 00 75 06 FF FF FF FF FF FF 77"),
        (cu48(), "02 00 00 61 03 66", "02 00 00 75 00 77"),
        (winnsen(), "90 06 12 00 05 03", "90 07 92 00 05 00 03"),
        (winnsen(swapped=True), "90 06 12 00 05 03", "90 07 92 00 00 05 03"),
        (winnsen(), "90 06 05 00 05 03", "90 07 85 00 05 01 03"),
    ],
)
def test_a_request_in_pieces_amid_rubbish_gets_its_answer_once(
    board: SimulatedLocks, asked: str, answered: str
) -> None:
    pieces = [bytes((byte,)) for byte in b"\xff" + bytes.fromhex(asked)]
    assert b"".join(board.answer(piece) for piece in pieces) == bytes.fromhex(answered)


def test_opening_all_opens_all() -> None:
    boards: list[tuple[SimulatedLocks, str]] = [
        (wkly(), "57 4B 4C 59 08 00 86 87"),
        (eight_a(), "8A 01 00 11 9A"),
    ]
    for board, asked in boards:
        board.answer(bytes.fromhex(asked))
        assert all(board.is_open(lock) for lock in range(1, 5))


def test_a_wkly_board_tells_of_each_change_once() -> None:
    board = wkly()
    board.open_door(1)
    board.tick(1.0)
    board.close_door(1)
    assert board.tick(2.0) == bytes.fromhex("57 4B 4C 59 0A 00 85 01 01 86")
    assert board.tick(3.0) == b""


def test_people_meet_only_the_locks_there_are() -> None:
    with pytest.raises(NoSuchLockError):
        wkly().open_door(5)


def test_a_door_with_a_spring_closes_by_itself() -> None:
    board = SimulatedEightA(Chance.from_seed(1), auto_close_seconds=5)
    board.tick(100)
    board.open_door(1)
    board.tick(105)
    assert not board.is_open(1)
