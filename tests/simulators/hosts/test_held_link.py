"""The link with losses: whole, in order, late by what the model says, and gone when an end goes."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.seed import Chance
from simulators.hosts.held_link import (
    REPEATS_MAX,
    SEGMENT_BYTES,
    TIMEOUT_SECONDS,
    HeldLinks,
    held_seconds,
)
from simulators.hosts.ports import free_ports

WAIT_SECONDS = 20.0
WAITS = {0.0} | {TIMEOUT_SECONDS * (2**losses - 1) for losses in range(1, REPEATS_MAX + 1)}


class Ends:
    """Both ends of one connection through a link that loses half of all segments."""

    def __init__(self, folder: Path) -> None:
        port, target = free_ports(2)
        self._target = socket.create_server(("127.0.0.1", target))
        self._links = HeldLinks(folder, port, target, lost=0.5, cabinets=1)
        self._links.start()
        self.near = socket.create_connection(("127.0.0.1", port), WAIT_SECONDS)
        self._target.settimeout(WAIT_SECONDS)
        self.far, _ = self._target.accept()
        for one in (self.near, self.far):
            one.settimeout(WAIT_SECONDS)

    def close(self) -> None:
        self._links.stop()
        for one in (self.near, self.far, self._target):
            one.close()


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Ends]:
    with closing(Ends(tmp_path)) as made:
        yield made


def received(end: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (chunk := end.recv(65_536)):
        data += chunk
    return data


@pytest.mark.real_parts
def test_what_is_held_arrives_whole_and_in_order_both_ways(ends: Ends) -> None:
    words = [f"{number:04d}".encode() for number in range(40)]
    for one, other in ((ends.near, ends.far), (ends.far, ends.near)):
        for word in words:
            one.sendall(word)
        assert received(other, 4 * len(words)) == b"".join(words)


@pytest.mark.real_parts
def test_an_end_that_closes_ends_the_other_after_what_was_still_held(ends: Ends) -> None:
    ends.near.sendall(b"last words" * 1000)
    ends.near.close()
    assert received(ends.far, 20_000) == b"last words" * 1000


@given(seed=st.integers(), lost=st.floats(0, 1), size=st.integers(1, 20 * SEGMENT_BYTES))
def test_a_wait_is_a_doubled_time_out_of_the_slowest_segment(
    seed: int, lost: float, size: int
) -> None:
    assert held_seconds(Chance.from_seed(seed), lost, size) in WAITS


@pytest.mark.parametrize(("lost", "seconds"), [(0.0, 0.0), (1.0, max(WAITS))])
def test_nothing_lost_waits_for_nothing_and_everything_lost_for_a_bounded_time(
    lost: float, seconds: float
) -> None:
    assert held_seconds(Chance.from_seed(1), lost, SEGMENT_BYTES) == seconds


def test_about_the_given_share_of_segments_is_held() -> None:
    chance = Chance.from_seed(7)
    held = sum(held_seconds(chance, 0.05, 100) > 0 for _ in range(20_000))
    assert 0.04 < held / 20_000 < 0.06
