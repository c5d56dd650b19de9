"""Stand-ins of what stands behind apprise URLs: a webhook and a mail server, on real sockets."""

import contextlib
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LINE_BYTES_MAX = 10_000


@dataclass
class Stand:
    """What arrived, and how the stand behaves."""

    port: int = 0
    received: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    status: int = 200
    answer: bytes = b""
    on_receipt: Callable[[], None] = lambda: None


@contextlib.contextmanager
def webhook() -> Iterator[Stand]:
    """Run an HTTP server that keeps the JSON it is sent."""
    stand = Stand()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            stand.received.append(json.loads(body))
            stand.headers.append(dict(self.headers.items()))
            stand.on_receipt()
            self.send_response(stand.status)
            self.send_header("Content-Length", str(len(stand.answer)))
            self.end_headers()
            self.wfile.write(stand.answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # library's name
            """Say nothing."""

    with _running(ThreadingHTTPServer(("127.0.0.1", 0), Handler), stand):
        yield stand


@contextlib.contextmanager
def mail_server() -> Iterator[Stand]:
    """Run a mail server that takes everything (RFC 5321, 4.1.1)."""
    stand = Stand()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 stand")
            while line := self.rfile.readline(LINE_BYTES_MAX):
                verb = line.split()[0].upper() if line.split() else b""
                if verb == b"QUIT":
                    self._say("221 bye")
                    return
                if verb == b"DATA":
                    self._say("354 go on")
                    stand.received.append(self._message())
                self._say("250 8BITMIME" if verb == b"EHLO" else "250 fine")

        def _message(self) -> EmailMessage:
            lines = []
            while (line := self.rfile.readline(LINE_BYTES_MAX)) not in {b".\r\n", b""}:
                lines.append(line[1:] if line.startswith(b"..") else line)
            found = message_from_bytes(b"".join(lines), policy=default)
            assert isinstance(found, EmailMessage)
            return found

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    with _running(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler), stand):
        yield stand


@contextlib.contextmanager
def _running(server: socketserver.ThreadingMixIn, stand: Stand) -> Iterator[None]:
    assert isinstance(server, socketserver.TCPServer)
    server.daemon_threads = True
    stand.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
