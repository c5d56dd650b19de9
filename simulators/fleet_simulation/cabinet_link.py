"""The agent's link to the simulated broker, and what of the rules came through it."""

from collections import deque
from collections.abc import Sequence

from edge_agent.mqtt_link import QUEUE_MAX, LinkClosed, LinkEvent, LinkMessage, LinkOpened, Message
from protocol.journal import Receipt
from protocol.topics import AllKind, DownKind, kind_of_down
from protocol.wire import decode
from simulators.fleet_simulation.broker import Broker


class _Connection:
    """One connection; what comes after its end is dropped."""

    def __init__(self, link: "CabinetLink") -> None:
        self.cabinet = link.cabinet
        self._link = link

    def opened(self) -> None:
        self._link.happened(self, LinkOpened())

    def ended(self, reason: str, *, reached: bool) -> None:
        self._link.happened(self, LinkClosed(reason, reached=reached))

    def arrive(self, topic: str, payload: bytes) -> None:
        self._link.happened(self, LinkMessage(topic, payload))


class CabinetLink:
    """What `edge_agent.mqtt_link.Link` promises."""

    def __init__(self, broker: Broker, cabinet: str) -> None:
        self.cabinet = cabinet
        self.taken_rules: list[bytes] = []
        """Bundles the agent took since the watcher looked."""
        self.named_rules = 0
        """Version that the newest receipt named to the agent."""
        self._broker = broker
        self._connection: _Connection | None = None
        self._is_open = False
        self._events: deque[LinkEvent] = deque(maxlen=QUEUE_MAX)

    def open(self, will: Message, subscriptions: Sequence[str]) -> None:
        """Begin a connection."""
        if len(subscriptions) != 2:
            raise AssertionError(f"a cabinet holds two subscriptions (P-0), not {subscriptions}")
        self._connection = _Connection(self)
        self._broker.connect(self._connection, will)

    def publish(self, message: Message) -> bool:
        """Hand a message over."""
        if self._connection is None or not self._is_open:
            return False
        self._broker.up(self._connection, message)
        return True

    def take(self, maximum: int) -> list[LinkEvent]:
        """Take what happened, oldest first."""
        taken = [self._events.popleft() for _ in range(min(maximum, len(self._events)))]
        for event in taken:
            if isinstance(event, LinkMessage):
                self._note(event)
        return taken

    def close(self, farewell: Message | None) -> None:
        """End the connection."""
        if self._connection is not None:
            self._broker.leave(self._connection, farewell)
        self._connection, self._is_open = None, False

    def happened(self, connection: _Connection, event: LinkEvent) -> None:
        """Keep an event of the connection in use."""
        if connection is not self._connection:
            return
        if isinstance(event, LinkOpened):
            self._is_open = True
        if isinstance(event, LinkClosed):
            self._connection, self._is_open = None, False
        if isinstance(event, LinkMessage) and not self._is_open:
            return
        self._events.append(event)

    def _note(self, message: LinkMessage) -> None:
        kind = kind_of_down(message.topic)
        if kind == DownKind.RECEIPT:
            self.named_rules = decode(message.payload, Receipt).rules_version
        elif kind in (DownKind.RULES, AllKind.RULES):
            self.taken_rules.append(message.payload)
