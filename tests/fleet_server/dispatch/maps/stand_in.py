"""A map server that stands in: real sockets, with every bad habit of a real one."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

Answer = Callable[[BaseHTTPRequestHandler], None]
SPEED = 10.0
"""The stand-in drives ten metres a second along a straight line, one degree being 111 km."""
TRICKLE_SECONDS = 0.05


class StandIn:
    """Where it listens, and what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[str] = []


@contextmanager
def serving(answer: Answer) -> Iterator[StandIn]:
    """Serve `answer` to every request until the block ends."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the standard library's name
            seen.append(self.path)
            # Read whole before any answer: closing on unread bytes would reset the connection.
            asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.rfile = BytesIO(asked)
            answer(self)

        do_POST = do_GET  # noqa: N815  # the same

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # quiet
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        stand_in = StandIn(f"http://127.0.0.1:{server.server_address[1]}")
        stand_in.asked = seen
        try:
            yield stand_in
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def hanging() -> Iterator[StandIn]:
    """Accept connections (the kernel does) and never say a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield StandIn(f"http://127.0.0.1:{listener.getsockname()[1]}")


def said(body: bytes, status: int = 200) -> Answer:
    """Answer always the same bytes."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def trickling(handler: BaseHTTPRequestHandler) -> None:
    """Send a byte now and then, for ever: no single read ever times out."""
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(TRICKLE_SECONDS)
    except OSError:  # the client has had enough, which is what is tested
        return


def osrm(handler: BaseHTTPRequestHandler) -> None:
    """Answer as OSRM does, with straight lines for roads."""
    path, query = urlsplit(handler.path)[2:4]
    places = [tuple(map(float, one.split(","))) for one in path.rsplit("/", 1)[1].split(";")]
    asked = parse_qs(query)
    sources, targets = (
        [places[int(number)] for number in asked[name][0].split(";")]
        for name in ("sources", "destinations")
    )
    durations = [[_seconds(one, other) for other in targets] for one in sources]
    said(json.dumps({"code": "Ok", "durations": durations}).encode())(handler)


def valhalla(handler: BaseHTTPRequestHandler) -> None:
    """Answer as Valhalla does, with straight lines for roads."""
    asked = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
    sources, targets = (
        [(one["lon"], one["lat"]) for one in asked[name]] for name in ("sources", "targets")
    )
    rows = [
        [
            {"time": _seconds(one, other), "from_index": row, "to_index": column}
            for column, other in enumerate(targets)
        ]
        for row, one in enumerate(sources)
    ]
    said(json.dumps({"sources_to_targets": rows}).encode())(handler)


def _seconds(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    metres = ((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2) ** 0.5 * 111_000
    return round(metres / SPEED, 1)
