"""A simulated bus: one pseudo-terminal, the devices behind it, and the thread that serves them.

Every device hears every byte, as on RS-485. `echo` makes the adapter give back what the agent
sends, as half-duplex adapters do. The devices are pure; only this thread touches the terminal,
so unplugging is asked for and done there.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from edge_agent.clock import Clock
from simulators.devices.device import SimulatedDevice
from simulators.devices.pseudo_terminal import PseudoTerminal
from simulators.errors import TerminalStuckError

TURN_SECONDS = 0.02  # how long a tick may be late; short against every hold in use
JOIN_SECONDS_MAX = 5.0  # a turn lasts TURN_SECONDS; this is for a machine under load
ASK_SECONDS_MAX = 5.0  # the same, for plugging in and out


class SimulatedBus:
    """Serves devices on a pseudo-terminal from `start()` to `stop()`."""

    def __init__(
        self,
        devices: Sequence[SimulatedDevice],
        clock: Clock,
        *,
        link: Path | None = None,
        echo: bool = False,
    ) -> None:
        self.echo = echo
        self._devices = tuple(devices)
        self._clock = clock
        self._terminal = PseudoTerminal(link)
        self._want_plugged = True
        self._as_wanted = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def path(self) -> str:
        """What the agent opens; without a link it changes with each plugging in."""
        return self._terminal.path

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start serving."""
        self._thread = threading.Thread(target=self._serve, name=f"sim {self.path}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and close the terminal. Raises TerminalStuckError."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(JOIN_SECONDS_MAX)
            if self._thread.is_alive():
                raise TerminalStuckError(self.path, JOIN_SECONDS_MAX)
        self._terminal.unplug()

    def plug(self) -> None:
        """Plug the adapter in again; back when it is there. Raises TerminalStuckError."""
        self._ask_for(plugged=True)

    def unplug(self) -> None:
        """Pull the adapter out; back when it is gone. Raises TerminalStuckError."""
        self._ask_for(plugged=False)

    def turn(self) -> None:
        """Serve once: answer what was heard, let devices' time pass."""
        self._plug_as_wanted()
        heard = self._terminal.read(TURN_SECONDS)
        if not self._terminal.plugged:
            self._stopping.wait(TURN_SECONDS)
        if heard and self.echo:
            self._terminal.write(heard)
        for device in self._devices:
            unasked = device.tick(self._clock.elapsed())
            answer = device.answer(heard) if heard else b""
            if unasked or answer:
                self._terminal.write(unasked + answer)

    def _serve(self) -> None:
        while not self._stopping.is_set():
            self.turn()

    def _ask_for(self, *, plugged: bool) -> None:
        self._as_wanted.clear()
        self._want_plugged = plugged
        if not self._as_wanted.wait(ASK_SECONDS_MAX):
            raise TerminalStuckError(self.path, ASK_SECONDS_MAX)

    def _plug_as_wanted(self) -> None:
        if self._want_plugged:
            self._terminal.plug()
        else:
            self._terminal.unplug()
        self._as_wanted.set()
