"""A TCP link for thousands of cabinets, on which a share of segments waits for a retransmission.

The model (RFC 6298, with Linux' least time-out): what arrives is cut into segments of 1,448 bytes.
Each is lost with the given probability and sent again after 200 ms; the repeat may be lost with the
same probability, then the wait doubles. TCP delivers in order, so whatever comes after a held
segment in that direction waits behind it. There is no fast retransmit: a cabinet has seldom more
than one segment on its way, so nothing comes after it that would tell of the loss.

A process of its own, because it serves all cabinets of a benchmark; several may share a port
(SO_REUSEPORT), because a process may open some 20,000 files and each cabinet takes two.
"""

import asyncio
import resource
import socket
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

from edge_agent.seed import Chance
from simulators.hosts.process import HostedProcess
from simulators.waiting import wait_until

SEGMENT_BYTES = 1_448
"""An Ethernet frame less IP and TCP headers with time stamps."""
TIMEOUT_SECONDS = 0.2
"""Least retransmission time-out of Linux (TCP_RTO_MIN)."""
REPEATS_MAX = 6
"""Waits of 0.2 to 12.6 s; at 5 % one segment in 64 million would wait longer."""
WAITING_BYTES_MAX = 1024 * 1024
"""Bytes of one direction that may wait; then its sender is not read from."""
BACKLOG = 4_096
CABINETS_EACH = 4_000
"""Cabinets one process serves: the kernel does not share a port out quite evenly."""
READY_SECONDS_MAX = 20.0
SERVING = "serving"


class Way(asyncio.Protocol):
    """One end of a connection; what it reads goes to `other` when its time has come."""

    def __init__(
        self, chance: Chance, lost: float, made: Callable[["Way"], None] = lambda _: None
    ) -> None:
        """`made` is told once there is a connection, before anything is read from it."""
        self._chance, self._lost, self._made = chance, lost, made
        self.other: Way | None = None
        self.transport: asyncio.Transport | None = None
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._waiting_bytes = 0
        self._free_at = 0.0
        self._is_ended = False
        self._is_pressed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # TCP
        self.transport = transport
        self._made(self)

    def data_received(self, data: bytes) -> None:
        """Pass on now, or once the segments that were lost have come again."""
        loop = asyncio.get_running_loop()
        wait = held_seconds(self._chance, self._lost, len(data))
        if not wait and not self._waiting:
            self._pass_on(data)
            return
        self._free_at = max(self._free_at, loop.time() + wait)
        self._waiting.append((self._free_at, data))
        self._waiting_bytes += len(data)
        self._read_or_not()
        if len(self._waiting) == 1:
            loop.call_at(self._free_at, self._let_go)

    def connection_lost(self, _error: Exception | None) -> None:
        """End the other side too, after what still waits."""
        self._is_ended = True
        if not self._waiting:
            self._end_other()

    def pause_writing(self) -> None:
        """This end takes nothing for now: read no more from the other."""
        if self.other is not None:
            self.other.press(pressed=True)

    def resume_writing(self) -> None:
        """Go on."""
        if self.other is not None:
            self.other.press(pressed=False)

    def press(self, *, pressed: bool) -> None:
        """Note whether the other end takes bytes."""
        self._is_pressed = pressed
        self._read_or_not()

    def _read_or_not(self) -> None:
        if self.transport is None or self._is_ended:
            return
        if self._is_pressed or self._waiting_bytes > WAITING_BYTES_MAX:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _let_go(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting and self._waiting[0][0] <= loop.time():
            _, data = self._waiting.popleft()
            self._waiting_bytes -= len(data)
            self._pass_on(data)
        if self._waiting:
            loop.call_at(self._waiting[0][0], self._let_go)
        elif self._is_ended:
            self._end_other()
        self._read_or_not()

    def _pass_on(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def _end_other(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


def held_seconds(chance: Chance, lost: float, size: int) -> float:
    """How long the slowest segment of so many bytes waits; 0 when none was lost."""
    longest = 0.0
    for _ in range(-(-size // SEGMENT_BYTES)):
        wait, timeout = 0.0, TIMEOUT_SECONDS
        for _ in range(REPEATS_MAX):
            if not chance.happens(lost):
                break
            wait += timeout
            timeout *= 2
        longest = max(longest, wait)
    return longest


class HeldLink:
    """Forwards a local port to a target port, with losses."""

    def __init__(self, port: int, target_port: int, lost: float, chance: Chance) -> None:
        self._port, self._target_port = port, target_port
        self._lost, self._chance = lost, chance
        self._joining: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Forward for ever."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", self._port))
        server = await asyncio.get_running_loop().create_server(
            self._accepted, sock=listener, backlog=BACKLOG
        )
        sys.stdout.write(f"{SERVING}\n")
        sys.stdout.flush()
        await server.serve_forever()

    def _accepted(self) -> Way:
        return Way(self._chance, self._lost, self._begin)

    def _begin(self, near: Way) -> None:
        near.press(pressed=True)  # nothing is read before there is somewhere to put it
        task = asyncio.get_running_loop().create_task(self._join(near))
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    async def _join(self, near: Way) -> None:
        assert near.transport is not None  # noqa: S101  # it was made
        loop = asyncio.get_running_loop()
        try:
            _, far = await loop.create_connection(
                lambda: Way(self._chance, self._lost), "127.0.0.1", self._target_port
            )
        except OSError:
            near.transport.abort()
            return
        near.other, far.other = far, near
        if near.transport.is_closing():
            near.connection_lost(None)
            return
        near.press(pressed=False)


class HeldLinks:
    """As many processes of it on one port as the number of cabinets needs."""

    def __init__(
        self, folder: Path, port: int, target_port: int, lost: float, cabinets: int
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port
        arguments = [str(port), str(target_port), str(lost)]
        self.processes = [
            HostedProcess(
                [sys.executable, "-m", "simulators.hosts.held_link", *arguments, str(seed)],
                folder / f"held-link-{seed}.log",
            )
            for seed in range(1, 2 + (cabinets - 1) // CABINETS_EACH)
        ]

    def start(self) -> None:
        """Start them and wait until the port is served."""
        for one in self.processes:
            one.start()
        wait_until("the link serves", self._serves, READY_SECONDS_MAX)

    def stop(self) -> None:
        """End them; every connection closes."""
        for one in self.processes:
            one.kill()

    def _serves(self) -> bool:
        return all(SERVING in one.log.read_text() for one in self.processes)


def main(port: str, target_port: str, lost: str, seed: str) -> None:
    """Serve one link until killed."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    link = HeldLink(int(port), int(target_port), float(lost), Chance.from_seed(int(seed)))
    asyncio.run(link.serve())


if __name__ == "__main__":
    main(*sys.argv[1:])
