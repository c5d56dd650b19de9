"""What goes on when the agent dies: server, locks, goods, clock, and what people wrote down.

Frozen to bytes at a point of a run and thawed after a death, so that one run gives as many deaths
as it has points. The agent itself is never frozen: all it has then is its folder.
"""

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field

from edge_agent.clock import ManualClock
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.mqtt_link import Message
from protocol.signatures import Envelope
from tests.edge_agent.model_server import START, FakeLink, ModelServer
from tests.edge_agent.workbench import FakeDoors

Tell = Callable[[str], None]
"""Called after each effect outside of the store; a death may come right after it."""


class WitnessedDoors(FakeDoors):
    """Locks and motors whose every move is a point where the agent may die."""

    def __init__(self, doors: tuple[str, ...]) -> None:
        super().__init__(doors)
        self.tell: Tell = _silent
        self.opened: set[str] = set()
        """Orders whose goods could be taken: the truth that no ending may deny."""

    def pulse(self, door: str, order: str) -> None:
        super().pulse(door, order)
        if not self.stuck and not self.refusing:
            self.opened.add(order)
        self.tell("pulse")

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "tell": _silent}


class WitnessedLink(FakeLink):
    """A link whose every message is a point where the agent may die."""

    def __init__(self, server: ModelServer, tell: Tell) -> None:
        super().__init__(server)
        self._tell = tell

    def publish(self, message: Message) -> bool:
        sent = super().publish(message)
        self._tell("publish")
        return sent


@dataclass
class World:
    """Everything outside of the agent's process and folder."""

    server: ModelServer
    doors: WitnessedDoors
    clock: ManualClock
    celsius: float = 3.0
    grams: dict[str, float] = field(default_factory=dict)
    """Shelf -> what its scale shows; empty in a cabinet without scales."""
    motors: tuple[str, ...] = ()
    rules: bytes = b""
    desired: bytes = b""
    """Newest documents of the server, sent again to a cabinet that is behind (P-15, P-16)."""
    orders: dict[str, Envelope] = field(default_factory=dict)
    book_before: dict[str, int] = field(default_factory=dict)
    """What a technician read in the book before moving goods: the guard against doing it twice."""
    told: dict[str, str] = field(default_factory=dict)
    """Payment reference -> last outcome the screen was told."""
    blocked: dict[str, int] = field(default_factory=dict)
    """Slot -> rules version from which on it must not move; kept until a version frees it."""
    rules_seen: int = 0
    """Highest rules version any life of the agent was seen to hold."""
    acknowledged: int = 0
    """Newest event that acknowledges rules."""
    hold_latched: bool = False
    wrongs: list[str] = field(default_factory=list)
    """What was seen during the run and must never be."""
    lives: int = 0

    def freeze(self) -> bytes:
        """All of it, as bytes."""
        now, self.server.now = self.server.now, _start
        try:
            return pickle.dumps(self)
        finally:
            self.server.now = now

    def essence(self) -> bytes:
        """All but the time and the server's list of heartbeats: what a death can matter to."""
        beats, self.server.heartbeats = self.server.heartbeats, []
        clock, self.clock = self.clock, ManualClock(START)
        try:
            return self.freeze()
        finally:
            self.server.heartbeats, self.clock = beats, clock

    @staticmethod
    def thaw(data: bytes) -> "World":
        """World as it was frozen."""
        world: World = pickle.loads(data)  # noqa: S301  # bytes of our own
        return world

    def shut(self) -> None:
        """Every buyer closes the door behind him."""
        self.doors.state = dict.fromkeys(self.doors.state, DoorState.CLOSED)


def _start() -> object:
    return START


def _silent(_what: str) -> None:
    return None
