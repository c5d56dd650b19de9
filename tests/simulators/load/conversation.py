"""One simulated cabinet whose wire is `server.ingest`; the fixtures of its tests."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from edge_agent.seed import Chance
from fleet_server.app import FleetServer
from fleet_server.mqtt_inbox import Inbound
from fleet_server.mqtt_link import Outgoing
from protocol import mqtt_packets as mqtt
from protocol.intervals import Uplink
from protocol.journal import Position, Receipt
from protocol.topics import DownKind, down
from protocol.wire import encode
from simulators.load.cabinet import LoadCabinet
from simulators.load.mix import MIXES
from simulators.load.orders import Orders, Roll
from simulators.load.registration import roll_of

PACKET_BYTES_MAX = 1_000_000


@dataclass
class Conversation:
    """A load cabinet and the server, without anything between them."""

    server: FleetServer
    cabinet: LoadCabinet
    orders: Orders
    elapsed: float = 0.0
    latencies: list[float] = field(default_factory=list)

    def say(self, packets: bytes) -> int:
        """Carry packets to the server and its receipts back until all is said; messages sent."""
        count = 0
        while packets:
            heard = mqtt.Reader(PACKET_BYTES_MAX).feed(packets)
            messages = [one for one in heard if isinstance(one, mqtt.Publish)]
            count += len(messages)
            inbound = [Inbound(one.topic, one.payload) for one in messages]
            packets = b"".join(self.hear(one) for one in self.server.ingest.accept(inbound))
        return count

    def hear(self, one: Outgoing) -> bytes:
        """Carry one message to the cabinet; what it answers."""
        packet = mqtt.Publish(one.topic, one.payload, 0, 0, retain=False, dup=False)
        return self.cabinet.hear(packet, self.elapsed, self.latencies.append)

    def order(self, kind: DownKind, payload: bytes) -> bytes:
        """Have the cabinet hear a message of this kind; what it answers."""
        topic = down(self.orders.fleet, self.cabinet.member.cabinet, kind)
        return self.hear(Outgoing(topic, payload))

    def receipt(self, committed: int, server_epoch: str = "s") -> bytes:
        """Have it hear how far the journal is."""
        position = Position(self.cabinet.epoch, committed)
        now = self.server.clock.now()
        return self.order(DownKind.RECEIPT, encode(Receipt(1, server_epoch, now, journal=position)))


Talk = Callable[..., Conversation]


@pytest.fixture
def roll(server: FleetServer) -> Roll:
    return roll_of(server.settings, 2)


@pytest.fixture
def talk(server: FleetServer, roll: Roll) -> Talk:
    """Make a cabinet that begins to speak with the server; the mix by name."""

    def make(mix: str = "vending", batch: int = 10, **shared: object) -> Conversation:
        orders = Orders(roll.fleet, roll.keyring(), "run", Chance.from_seed(1), **shared)  # type: ignore[arg-type]  # by name
        text = server.clock.now().isoformat
        cabinet = LoadCabinet(roll.members[0], orders, MIXES[mix], text, batch, Uplink.WIRED)
        return Conversation(server, cabinet, orders)

    return make
