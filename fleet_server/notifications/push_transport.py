"""One HTTPS POST to a host a person named: to a checked address, without redirects, bounded.

Split from `web_push.py`. The name is resolved once, the addresses found are judged, and the
connection goes to one of those, so that a name which points elsewhere a moment later gains
nothing. The certificate is still that of the name. A proxy in the environment is not used.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import urlsplit

from fleet_server.notifications.public_hosts import resolved
from fleet_server.notifications.web_push import Answer

STEP_SECONDS = 5.0
"""Bound of connecting, and of each read."""
ANSWER_SECONDS_MAX = 15.0
"""Bound of the whole answer: one that comes byte by byte would renew STEP_SECONDS for ever."""
HTTPS_PORT = 443


@lru_cache(maxsize=1)
def _machine_trust() -> ssl.SSLContext:
    """Whom this machine believes; reading it takes 20 ms, so it is read when first needed."""
    return ssl.create_default_context()


class PushTransport:
    """Posts to push services."""

    def __init__(
        self, *, private: bool = False, trust: Callable[[], ssl.SSLContext] = _machine_trust
    ) -> None:
        """`private` also allows addresses inside the house; `trust` says whom to believe."""
        self._private = private
        self._trust = trust

    def post(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """Post once. Raises OSError, PrivateHostError, http.client.HTTPException."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or HTTPS_PORT
        addresses = resolved(host, port, private=self._private)
        connection = _Pinned(host, port, addresses, self._trust())
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        watch = threading.Timer(ANSWER_SECONDS_MAX, connection.abandon)
        watch.daemon = True
        watch.start()
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheader("Retry-After") or "")
        finally:
            watch.cancel()
            connection.close()


class _Pinned(http.client.HTTPSConnection):
    """Connects to one of the addresses given, whatever the name says now."""

    def __init__(
        self, host: str, port: int, addresses: list[tuple[str, int]], trust: ssl.SSLContext
    ) -> None:
        super().__init__(host, port, timeout=STEP_SECONDS, context=trust)
        self._addresses = addresses
        self._trust = trust

    def connect(self) -> None:
        """Connect to the first address that answers."""
        failure: OSError | None = None
        for address in self._addresses:
            try:
                plain = socket.create_connection(address, STEP_SECONDS)
            except OSError as error:
                failure = error
                continue
            self.sock = self._trust.wrap_socket(plain, server_hostname=self.host)
            return
        raise failure or OSError("no address")

    def abandon(self) -> None:
        """End an exchange that takes too long; who waits for it gets an error."""
        if self.sock is not None:
            self.sock.shutdown(socket.SHUT_RDWR)
