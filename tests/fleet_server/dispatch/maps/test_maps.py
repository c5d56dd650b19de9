"""OSRM and Valhalla over real sockets: their shapes, their silence, their rubbish."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fleet_server.clock import SystemClock
from fleet_server.dispatch.maps.errors import MapAnswerError, MapError, MapUnreachableError
from fleet_server.dispatch.maps.http import ANSWER_BYTES_MAX
from fleet_server.dispatch.maps.osrm import Osrm
from fleet_server.dispatch.maps.valhalla import Valhalla
from fleet_server.dispatch.planner.travel import Place
from tests.fleet_server.dispatch.maps.stand_in import hanging, osrm, said, serving, trickling
from tests.fleet_server.dispatch.maps.stand_in import valhalla as valhalla_answer

RECORDED = Path(__file__).parent / "recorded"
PLACES = [Place(31.2304, 121.4737), Place(31.2451, 121.5011)]
Client = type[Osrm] | type[Valhalla]
both = pytest.mark.parametrize("client", [Osrm, Valhalla], ids=["osrm", "valhalla"])


@contextmanager
def connected(client: Client, url: str) -> Iterator[Osrm | Valhalla]:
    server = client(url, SystemClock())
    try:
        yield server
    finally:
        server.close()


def table(client: Client, url: str, seconds: float = 5.0) -> list[list[float | None]]:
    with connected(client, url) as server:
        return server.table(PLACES, PLACES, seconds)


@pytest.mark.parametrize(
    ("client", "file", "expected"),
    [
        (Osrm, "osrm.json", [[0, 512.3], [530.9, 0]]),
        (Osrm, "osrm_no_way.json", [[0, None], [None, 0]]),
        (Valhalla, "valhalla.json", [[0, 512.3], [530.9, 0]]),
        (Valhalla, "valhalla_no_way.json", [[0, None], [None, 0]]),
    ],
)
def test_recorded_shapes_are_read(
    client: Client, file: str, expected: list[list[float | None]]
) -> None:
    with serving(said((RECORDED / file).read_bytes())) as stand_in:
        assert table(client, stand_in.url) == expected


@pytest.mark.parametrize(("client", "answer"), [(Osrm, osrm), (Valhalla, valhalla_answer)])
def test_sources_and_targets_come_back_in_their_order(
    client: Client, answer: Callable[..., None]
) -> None:
    there = Place(31.2304, 121.6)
    with serving(answer) as stand_in, connected(client, stand_in.url) as server:
        ((first, second, third),) = server.table([there], [*PLACES, there], 5.0)
    assert first is not None
    assert second is not None
    assert first > second > 0
    assert third == 0


@both
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 200),
        (b"<html>Bad Gateway</html>", 502),
        (b"<html>welcome</html>", 200),
        (b'{"code":"Ok","durations":"soon"}', 200),
        (b'{"sources_to_targets":[[{"time":"later"}]]}', 200),
        (b"\xff\xfe\x00", 200),
        (b"[" * 10_000, 200),
        (b" " * (ANSWER_BYTES_MAX + 1), 200),
    ],
    ids=["empty", "502", "page", "text", "words", "bytes", "deep", "huge"],
)
def test_rubbish_is_a_typed_error(client: Client, body: bytes, status: int) -> None:
    with serving(said(body, status)) as stand_in, pytest.raises(MapAnswerError):
        table(client, stand_in.url)


def test_what_osrm_refuses_is_passed_on_in_its_words() -> None:
    body = (RECORDED / "osrm_too_big.json").read_bytes()
    with (
        serving(said(body)) as stand_in,
        pytest.raises(MapAnswerError, match="Too many table coordinates"),
    ):
        table(Osrm, stand_in.url)


@both
def test_a_map_that_hangs_is_given_up(client: Client) -> None:
    with hanging() as stand_in, pytest.raises(MapUnreachableError):
        table(client, stand_in.url, seconds=0.3)


@both
def test_a_map_that_trickles_is_given_up_by_the_clock(client: Client) -> None:
    with serving(trickling) as stand_in, pytest.raises(MapUnreachableError, match="slowly"):
        table(client, stand_in.url, seconds=1.0)


@both
def test_a_map_that_is_not_there_is_a_typed_error_with_its_address(client: Client) -> None:
    with hanging() as stand_in:
        gone = stand_in.url
    with pytest.raises(MapError) as caught:
        table(client, gone)
    assert caught.value.url.startswith(gone)
