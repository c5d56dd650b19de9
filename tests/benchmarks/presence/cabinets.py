"""The cabinets of the benchmark: a load in a thread of its own, told what to do between looks."""

import queue
import threading
from collections.abc import Callable, Sequence

from edge_agent.clock import SystemClock
from simulators.errors import SimulatorError
from simulators.load.orders import Roll
from simulators.load.runner import Load, LoadOrder, Standing
from simulators.load.wire import Silence, Stage, Wire

CONNECT_PER_SECOND = 300.0
HOWS = (Silence.DEAD_LINK, Silence.HUNG, Silence.DEAD_LINK, Silence.CLOSED)
"""Half of the silent ones lose their link, a quarter hangs, a quarter is cut off."""
TOLD_SECONDS_MAX = 30.0
END_SECONDS_MAX = 60.0


class Cabinets:
    """Wired cabinets that only say births and heartbeats, until they are silenced."""

    def __init__(self, roll: Roll, broker_url: str) -> None:
        self._load = Load(LoadOrder(roll, broker_url, 0.0, connect_per_second=CONNECT_PER_SECOND))
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="cabinets", daemon=True)
        self._problem: BaseException | None = None
        self.silenced: dict[str, float] = {}
        """Cabinet -> when it last spoke before it was silenced, elapsed seconds."""
        self.answered = 0
        """Cabinets connected whose birth the server has answered."""
        self.clock = SystemClock()

    def start(self) -> None:
        """Begin to connect them."""
        self._thread.start()

    def stop(self) -> None:
        """End all connections."""
        self._load.abandon.set()
        self._load.stop.set()
        if self._thread.ident is not None:
            self._thread.join(END_SECONDS_MAX)

    @property
    def count(self) -> int:
        """How many are not silenced."""
        return len(self._load.wires) - len(self.silenced)

    @property
    def all_answered(self) -> bool:
        """Whether every one that is not silenced is online. Raises SimulatorError if it failed."""
        if self._problem is not None:
            raise SimulatorError(f"the load failed: {self._problem!r}")
        return self.answered >= self.count

    def silence(self, share: float) -> list[str]:
        """Silence a share of all, spread over sites and ways; their ids, once it is done."""
        told = threading.Event()
        found: list[str] = []

        def do() -> None:
            speaking = [one for one in self._load.wires if one.stage is Stage.ONLINE]
            wanted = round(share * len(self._load.wires))
            found.extend(self._silence(speaking[:: max(1, len(speaking) // wanted)][:wanted]))
            told.set()

        self._orders.put(do)
        if not told.wait(TOLD_SECONDS_MAX):
            raise SimulatorError("the load does not take orders")
        return found

    def _silence(self, wires: Sequence[Wire]) -> list[str]:
        for number, wire in enumerate(wires):
            self.silenced[wire.cabinet.member.cabinet] = wire.cabinet.spoke_at
            self._load.silence(wire, HOWS[number % len(HOWS)])
        return [wire.cabinet.member.cabinet for wire in wires]

    def _run(self) -> None:
        try:
            self._load.run(self._watch)
        except BaseException as error:  # noqa: BLE001  # told to whoever asks
            self._problem = error

    def _watch(self, _standing: Standing) -> None:
        while not self._orders.empty():
            self._orders.get()()
        self.answered = sum(
            wire.stage is Stage.ONLINE and wire.cabinet.is_answered for wire in self._load.wires
        )
