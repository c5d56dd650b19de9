"""A TCP link between cabinet and broker that can be cut, mended or go dead (a modem's life).

Dead is worse than cut: connections stay open and nothing passes, until somebody resets them.
"""

import contextlib
import socket
import struct
import threading

CONNECT_SECONDS = 5.0
CHUNK_BYTES = 65_536
ACCEPT_LOOK_SECONDS = 0.2
"""How long accepting waits before it looks whether it should end."""
RESET_AT_CLOSE = struct.pack("ii", 1, 0)
"""Linger on, 0 seconds: closing sends a reset instead of an end (socket(7), SO_LINGER)."""


class CuttableLink:
    """Forwards a local port to a target port. Cut: live connections die, new ones are refused."""

    def __init__(self, port: int, target_port: int) -> None:
        self.port = port
        self._target_port = target_port
        self._is_cut = False
        self._alive = threading.Event()
        self._alive.set()
        self.bytes_carried = 0
        """Both ways, since the start: payload of TCP, without its headers."""
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.settimeout(ACCEPT_LOOK_SECONDS)
        self._thread = threading.Thread(target=self._accept, name=f"link {port}", daemon=True)

    def start(self) -> None:
        """Begin to forward."""
        self._thread.start()

    def stop(self) -> None:
        """End; every connection closes."""
        self._stop.set()
        self._alive.set()
        self._thread.join()
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Cut the link."""
        with self._lock:
            self._is_cut = True
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Mend the link."""
        with self._lock:
            self._is_cut = False

    def go_dead(self) -> None:
        """Let nothing pass any more, and close nothing."""
        self._alive.clear()

    def reset(self) -> None:
        """Reset what is connected over a dead link; new connections pass again."""
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
                    one.shutdown(socket.SHUT_RDWR)
        self._alive.set()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                near, _ = self._listener.accept()
            except TimeoutError:
                continue
            if self._is_cut:
                near.close()
                continue
            threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(("127.0.0.1", self._target_port), CONNECT_SECONDS)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        near.settimeout(None)
        with self._lock:
            self._open |= {near, far}
        back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
        back.start()
        self._pump(near, far)
        back.join()
        with self._lock:
            self._open -= {near, far}
        near.close()
        far.close()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        """Move bytes one way until either end closes; then close the other way too."""
        with contextlib.suppress(OSError):
            while chunk := source.recv(CHUNK_BYTES):
                self._alive.wait()
                self.bytes_carried += len(chunk)
                sink.sendall(chunk)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
