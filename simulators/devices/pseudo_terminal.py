"""A serial port that can be unplugged: a pseudo-terminal in raw mode behind a link.

The agent opens the link like a real adapter. Unplugging closes both ends, which the agent sees as
a real USB adapter's removal (end of file, then no such file). While plugged in we keep the
agent's end open too: else the kernel reports an error each time the agent closes its own.
"""

import os
import select
import tty
from pathlib import Path

READ_BYTES_MAX = 256
MILLISECONDS = 1_000


class PseudoTerminal:
    """One simulated port, plugged in from the start. Not for several threads."""

    def __init__(self, link: Path | None = None) -> None:
        self._link = link
        self._our_end: int | None = None
        self._their_end: int | None = None
        self._device = ""
        self.plug()

    @property
    def path(self) -> str:
        """What the agent opens: the link if one was asked for, else the terminal itself."""
        return str(self._link) if self._link is not None else self._device

    @property
    def plugged(self) -> bool:
        """Whether the port is there."""
        return self._our_end is not None

    def plug(self) -> None:
        """Plug the adapter in (again); the link then leads to a new terminal."""
        if self._our_end is not None:
            return
        self._our_end, self._their_end = os.openpty()
        tty.setraw(self._our_end)
        tty.setraw(self._their_end)
        os.set_blocking(self._our_end, False)
        self._device = os.ttyname(self._their_end)
        if self._link is not None:
            self._link.unlink(missing_ok=True)
            self._link.symlink_to(self._device)

    def unplug(self) -> None:
        """Pull the adapter out; also the way to close the terminal for good."""
        if self._link is not None:
            self._link.unlink(missing_ok=True)
        for end in (self._our_end, self._their_end):
            if end is not None:
                os.close(end)
        self._our_end = self._their_end = None

    def read(self, timeout_seconds: float) -> bytes:
        """Return what the agent wrote, or b"" after the time or while unplugged."""
        if self._our_end is None:
            return b""
        waiter = select.poll()
        waiter.register(self._our_end, select.POLLIN)
        if not waiter.poll(timeout_seconds * MILLISECONDS):
            return b""
        return os.read(self._our_end, READ_BYTES_MAX)

    def write(self, data: bytes) -> None:
        """Send bytes to the agent; what a full buffer cannot take is lost, as on a wire."""
        if self._our_end is None:
            return
        try:
            os.write(self._our_end, data)
        except BlockingIOError:
            return  # nobody listens: a device on a wire does not wait either
