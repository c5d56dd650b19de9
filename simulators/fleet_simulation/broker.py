"""A broker as the weakest we support: clean sessions, no retained messages, wills, QoS 0 and 1.

It loses, copies, delays and reorders as `Network` says, keeps nothing over its restart, and takes
a while to notice that somebody is gone; so does the other side.
"""

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from edge_agent.mqtt_link import Message
from simulators.fleet_simulation.dice import Dice
from simulators.fleet_simulation.options import Options
from simulators.fleet_simulation.trace import Trace
from simulators.fleet_simulation.virtual_clock import Timeline

LATENCY_SECONDS = (0.01, 0.4)
NOTICE_SECONDS = (2.0, 40.0)
"""How long a dead connection looks alive: at most 1.5 keep-alives of a wired cabinet (P-0)."""
SEEN_MAX = 200
"""Messages that may come once more, long after: a broker that was cut off keeps some."""
FLIGHTS_MAX = 20_000
"""Messages under way; more is a loop of ours."""


@dataclass
class Network:
    """How bad the network is now; the nemesis sets it."""

    loss: float = 0.0
    copy: float = 0.0
    delay_seconds: float = 0.0
    reorder: float = 0.0
    cut: set[str] = field(default_factory=set)
    """Cabinets that nobody reaches."""
    server_cut: bool = False
    down: bool = False

    def use(self, options: Options) -> None:
        """Take the rates of a run."""
        self.loss, self.copy = options.loss, options.copy
        self.delay_seconds, self.reorder = options.delay_seconds, options.reorder

    def heal(self) -> None:
        """Everything arrives, once and in order."""
        self.loss = self.copy = self.delay_seconds = self.reorder = 0.0
        self.cut.clear()
        self.server_cut = self.down = False


class Client(Protocol):
    """A cabinet's connection as the broker sees it."""

    cabinet: str

    def opened(self) -> None:
        """Both subscriptions are acknowledged."""
        ...

    def ended(self, reason: str, *, reached: bool) -> None:
        """The connection ended or never came."""
        ...

    def arrive(self, topic: str, payload: bytes) -> None:
        """A message came."""
        ...


@dataclass
class _Session:
    client: Client
    will: Message


class Broker:
    """Carries everything between cabinets and server."""

    def __init__(self, timeline: Timeline, dice: Dice, trace: Trace) -> None:
        self.network = Network()
        self.hear: Callable[[str, bytes], None] = lambda _topic, _payload: None
        """Where the server takes its messages."""
        self.server_listens = False
        self._timeline = timeline
        self._dice = dice
        self._trace = trace
        self._sessions: dict[str, _Session] = {}
        self._flights: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._life = 0
        self._seen: deque[Message] = deque(maxlen=SEEN_MAX)

    @property
    def reachable(self) -> bool:
        """Whether the server's connection works."""
        return not (self.network.down or self.network.server_cut)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Have something done after a while."""
        if len(self._flights) >= FLIGHTS_MAX:
            raise AssertionError(f"{FLIGHTS_MAX} messages are under way")
        self._count += 1
        heapq.heappush(self._flights, (self._timeline.seconds + seconds, self._count, action))

    def deliver(self) -> None:
        """Let everything arrive that is due."""
        while self._flights and self._flights[0][0] <= self._timeline.seconds:
            heapq.heappop(self._flights)[2]()

    def connect(self, client: Client, will: Message) -> None:
        """A cabinet connects; who was connected under its name is gone, and its will is told."""
        if self.network.down or client.cabinet in self.network.cut:
            wait = self._dice.seconds(1.0, 10.0)
            self.later(wait, lambda: client.ended("unreachable", reached=False))
            return
        self._end_session(client.cabinet, "taken over")
        self._sessions[client.cabinet] = _Session(client, will)
        self.later(self._latency(), client.opened)

    def leave(self, client: Client, farewell: Message | None) -> None:
        """A cabinet says goodbye, or just goes."""
        session = self._sessions.get(client.cabinet)
        if session is None or session.client is not client:
            return
        if farewell is not None and client.cabinet not in self.network.cut:
            del self._sessions[client.cabinet]
            self._up(farewell)
            return
        self.later(self._dice.seconds(*NOTICE_SECONDS), lambda: self._notice_gone(client, "silent"))

    def up(self, client: Client, message: Message) -> None:
        """A cabinet publishes."""
        session = self._sessions.get(client.cabinet)
        lost = client.cabinet in self.network.cut or self.network.down
        if session is not None and session.client is client and not lost:
            self._up(message)

    def down(self, topic: str, payload: bytes, qos: int) -> bool:
        """Publish for the server; whether the broker acknowledged it (QoS 0: always said so)."""
        if not self.reachable:
            return qos == 0
        if self._dice.happens(self.network.loss):
            return qos == 0
        for _ in range(2 if self._dice.happens(self.network.copy) else 1):
            self._carry(lambda: self._route(topic, payload))
        return qos == 0 or not self._dice.happens(self.network.loss)

    def cut_off(self, cabinet: str) -> None:
        """Nobody reaches a cabinet any more; both sides notice late, and each by itself."""
        self.network.cut.add(cabinet)
        session = self._sessions.get(cabinet)
        if session is not None:
            client = session.client
            self.later(self._dice.seconds(*NOTICE_SECONDS), _ending(client, "no answer"))
            self.later(
                self._dice.seconds(*NOTICE_SECONDS), lambda: self._notice_gone(client, "no ping")
            )

    def replay(self) -> None:
        """Some message of a cabinet comes once more, however old it is."""
        if self._seen:
            old = self._dice.one_of(list(self._seen))
            self._trace.note("broker", "replays", old.topic)
            self._carry(lambda: self._to_server(old.topic, old.payload))

    def restart(self) -> None:
        """Forget all sessions, wills and messages under way."""
        self._life += 1
        for cabinet in sorted(self._sessions):
            client = self._sessions.pop(cabinet).client
            self.later(self._latency(), _ending(client, "the broker restarted"))

    def _up(self, message: Message) -> None:
        if self._dice.happens(self.network.loss):
            self._trace.note("network", "lost", message.topic)
            return
        self._seen.append(message)
        for _ in range(2 if self._dice.happens(self.network.copy) else 1):
            self._carry(lambda: self._to_server(message.topic, message.payload))

    def _carry(self, arrive: Callable[[], None]) -> None:
        """Bring a message, unless the broker restarts meanwhile."""
        life = self._life
        self.later(self._latency(), lambda: arrive() if life == self._life else None)

    def _to_server(self, topic: str, payload: bytes) -> None:
        if self.reachable and self.server_listens:
            self.hear(topic, payload)

    def _route(self, topic: str, payload: bytes) -> None:
        parts = topic.split("/")
        to_all = parts[2] == "all"
        for cabinet, session in sorted(self._sessions.items()):
            mine = to_all or parts[4] == cabinet
            if mine and cabinet not in self.network.cut and not self.network.down:
                session.client.arrive(topic, payload)

    def _notice_gone(self, client: Client, why: str) -> None:
        session = self._sessions.get(client.cabinet)
        if session is not None and session.client is client:
            self._end_session(client.cabinet, why)

    def _end_session(self, cabinet: str, why: str) -> None:
        session = self._sessions.pop(cabinet, None)
        if session is not None and not self.network.down:
            self._trace.note("broker", "will", cabinet, why)
            self._up(session.will)

    def _latency(self) -> float:
        seconds = self._dice.seconds(*LATENCY_SECONDS)
        if self._dice.happens(self.network.reorder):
            seconds += self._dice.seconds(0.0, 3.0)
        return seconds + self._dice.seconds(0.0, self.network.delay_seconds)


def _ending(client: Client, reason: str) -> Callable[[], None]:
    return lambda: client.ended(reason, reached=True)
