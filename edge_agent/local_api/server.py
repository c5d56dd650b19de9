"""The HTTP side: a few threads that read a bounded request, hand it to the core and wait.

stdlib, because it must cost little memory; on loopback only. Nothing of the agent's state is
touched here: the core thread answers. Only the files of the touch page are read here.
"""

import logging
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

import msgspec

from edge_agent.local_api.calls import CALLS_MAX, Answer, Call, CallQueue
from edge_agent.local_api.guard import Guard
from edge_agent.local_api.page_files import HEADERS as PAGE_HEADERS
from edge_agent.local_api.page_files import page_file
from edge_agent.local_api.problems import problem_answer
from protocol.wire import DOWN_LIMIT_BYTES

BODY_BYTES_MAX = DOWN_LIMIT_BYTES
"""The largest body is a rule bundle carried in by hand."""
LENGTH_DIGITS_MAX = 19
"""Digits of a 64-bit number; converting many more would only cost time."""
READ_SECONDS_MAX = 10.0
"""A client on the same board sends at once or never."""
API_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_BEARER = "Bearer "

log = logging.getLogger(__name__)


class LocalServer:
    """Serves from `start` to `stop`."""

    def __init__(self, host: str, port: int, calls: CallQueue) -> None:
        """Bind at once, so that a taken port is an error at start. Raises OSError."""
        self._server = _Server((host, port), calls, Guard(host))
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="local api", daemon=True
        )

    @property
    def port(self) -> int:
        """Port it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Stop to serve; requests under way are cut."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A thread that waits for a vend must not keep the process from ending.
    block_on_close = False

    def __init__(self, address: tuple[str, int], calls: CallQueue, guard: Guard) -> None:
        super().__init__(address, _Handler)
        self.calls = calls
        self.guard = guard
        self.places = threading.BoundedSemaphore(CALLS_MAX)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a thread for the request while there are places; else hang up."""
        if not self.places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Give the place back when the request is done."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.places.release()


class _Handler(BaseHTTPRequestHandler):
    timeout = READ_SECONDS_MAX
    protocol_version = "HTTP/1.0"
    server_version = "edge-agent"
    sys_version = ""
    server: _Server

    def do_GET(self) -> None:
        page = page_file(self.path.partition("?")[0])
        if page is None:
            self._serve()
            return
        refused = self._refusal(self.path)
        if refused is not None:
            self._send_answer(refused)
        else:
            self._send(200, *page, PAGE_HEADERS)

    def do_POST(self) -> None:
        self._serve()

    # No path has these, and that is said as everything is: as problem+json.
    def do_PUT(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base's own name
        log.debug("local_api.request", extra={"line": format % args})

    def _serve(self) -> None:
        self._send_answer(self._answer())

    def _send_answer(self, answer: Answer) -> None:
        media = "application/problem+json" if answer.problem else "application/json"
        self._send(answer.status, msgspec.json.encode(answer.body), media, API_HEADERS)

    def _send(self, status: int, body: bytes, media: str, headers: Mapping[str, str]) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", media)
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except (ConnectionError, TimeoutError) as error:
            # Whoever asked has gone; what was done stays done, and asking again says so.
            log.info("local_api.gone", extra={"path": self.path, "reason": str(error)})

    def _refusal(self, path: str) -> Answer | None:
        hosts, origins = self.headers.get_all("Host", []), self.headers.get_all("Origin", [])
        site = self.headers.get("Sec-Fetch-Site", "")
        refused = self.server.guard.refusal(path, hosts, origins, site)
        if refused is not None:
            log.warning("local_api.foreign", extra={"hosts": hosts, "origins": origins})
        return refused

    def _answer(self) -> Answer:
        try:
            path = urlsplit(self.path)
        except ValueError as error:
            return problem_answer(400, "bad-path", str(error))
        refused = self._refusal(path.path)
        if refused is not None:
            return refused
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            return problem_answer(400, "bad-length", "Content-Length is a number (RFC 9110, 8.6)")
        if len(length) > LENGTH_DIGITS_MAX or int(length) > BODY_BYTES_MAX:
            return problem_answer(413, "too-large", f"at most {BODY_BYTES_MAX} bytes")
        call = self._call(path, self.rfile.read(int(length)))
        if not self.server.calls.put(call):
            return problem_answer(503, "busy", "too many requests wait")
        answer = call.wait()
        return answer or problem_answer(504, "no-answer", "the agent did not answer in time")

    def _call(self, parts: SplitResult, body: bytes) -> Call:
        authorization = self.headers.get("Authorization", "")
        token = authorization.removeprefix(_BEARER) if authorization.startswith(_BEARER) else ""
        return Call(self.command, parts.path, dict(parse_qsl(parts.query)), body, token)
