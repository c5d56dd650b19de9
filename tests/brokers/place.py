"""A real broker, a real server on it, and cabinets that joined: what every test here stands on.

One place for each broker serves all tests; each test takes cabinets of its own. The server's clock
runs, and can be made to skip: nobody waits 42 s for silence.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import msgspec

from fleet_server.app import FleetServer, build
from fleet_server.broker.service import broker_secret
from fleet_server.cabinets.models import Site
from fleet_server.cabinets.service import Registration, enrol, make_claim, register
from fleet_server.clock import SystemClock
from fleet_server.mqtt_link import SILENCE_SECONDS_MAX, Outgoing
from fleet_server.outbox.queries import waiting
from fleet_server.settings import Settings
from protocol import mqtt_packets as mqtt
from protocol.identity import SERVER_USER
from protocol.intervals import Uplink
from protocol.journal import Receipt
from protocol.presence import Presence, PresenceCause, PresenceState
from protocol.topics import UpKind, cabinet_subscriptions, up
from protocol.wire import encode
from simulators.hosts.broker_host import BrokerHost, downlink_qos
from simulators.waiting import wait_until
from tests.brokers.wire import WAIT_SECONDS, Wire
from tests.registry import add_a_site
from tests.speaking_cabinet import SpeakingCabinet

CABINETS = 160
"""More than all tests of one worker take."""
SKIP_SECONDS = SILENCE_SECONDS_MAX * 0.8
"""At once: the server's own link counts as dead when the clock skips more."""
SKIP_WAIT_SECONDS = 0.9
"""Long enough for the link to look at the clock and be answered a ping."""

PROBE_SECONDS = 1.0
"""How long one birth waits for its receipt before the next is tried."""

MakeHost = Callable[[Path, Path], BrokerHost]


class SkippingClock(SystemClock):
    """The machine's clock, some seconds ahead."""

    def __init__(self) -> None:
        self.ahead_seconds = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.ahead_seconds)

    def elapsed(self) -> float:
        return super().elapsed() + self.ahead_seconds


class Place:
    """One broker with its server."""

    def __init__(self, make: MakeHost, folder: Path, cabinets: int = CABINETS) -> None:
        self.host = make(folder / "broker", folder / "data")
        self.clock = SkippingClock()
        self.server = self._build(folder / "data")
        self.server.prepare()
        self.credentials: dict[str, str] = {}
        self._site = add_a_site(self.server)
        self.add(["probe"])
        self._free = iter(self.add(f"K{number}" for number in range(cabinets)))
        self._guests = count()
        self._wires: list[Wire] = []

    def open(self) -> None:
        """Start both."""
        self.host.start()
        self.server.start()
        self.wait_connected()
        wait_until("what waited is published", self._nothing_waits, WAIT_SECONDS)

    def close(self) -> None:
        """Stop both."""
        self.server.stop()
        self.host.stop()

    def wait_connected(self) -> None:
        """Wait until the server hears its cabinets."""
        wait_until("the server is connected", self.server.link.ready.is_set, WAIT_SECONDS)

    def wait_connected_again(self) -> None:
        """Wait until the server noticed that its broker was away, and is back."""
        wait_until("the server answers", self._is_heard, WAIT_SECONDS)

    @property
    def name(self) -> str:
        """Name of the broker."""
        return self.host.name

    @property
    def site(self) -> Site:
        """Where all the cabinets stand."""
        return self._site

    def add(self, cabinets: Iterable[str]) -> list[str]:
        """Register and enrol cabinets; the broker is not told."""
        added = list(cabinets)
        signing = self.server.signing
        with self.server.transactions.write("system:test") as tx:
            for name in added:
                serial = f"SN-{name}"
                draft = Registration(serial, self._site.id, "slot", Uplink.WIRED, cabinet_id=name)
                register(tx, signing, draft, "cn")
                code, _ = make_claim(tx, name, timedelta(hours=1))
                tx.session.flush()
                self.credentials[name] = enrol(tx, signing, code, serial).credential
        return added

    def new_name(self) -> str:
        """A cabinet that joined and that no other test uses."""
        return next(self._free)

    def new_names(self, count: int) -> list[str]:
        """Several of them."""
        return [self.new_name() for _ in range(count)]

    def known_name(self) -> str:
        """A cabinet that joined; whoever takes it lets no one in."""
        return next(iter(self.credentials))

    @property
    def server_port(self) -> int:
        """Where the server connects."""
        return port_of(self.host.server_url)

    def wire(self, port: int | None = None) -> Wire:
        """A connection, to the cabinets' port unless told otherwise; closed with the test."""
        wire = Wire(port or port_of(self.host.url))
        self._wires.append(wire)
        return wire

    def hang_up(self) -> None:
        """Close every connection of the test."""
        for wire in self._wires:
            wire.leave()
        self._wires.clear()

    def cabinet(self, name: str | None = None, will: mqtt.Will | None = None) -> Wire:
        """A connection as a cabinet that was let in.

        Tried again as a cabinet does: NATS keeps one that came twice out for a second.
        """
        name = name or self.new_name()
        let_in: list[Wire] = []

        def tries() -> bool:
            wire = self.wire()
            if wire.connects(name, self.credentials[name], will=will):
                let_in.append(wire)
            return bool(let_in)

        wait_until(f"{name} is let in", tries, WAIT_SECONDS)
        return let_in[0]

    def listener(self, *filters: str, indifferent: bool = True) -> Wire:
        """Another process of the server's, subscribed to everything that goes up."""
        wire = self.server_wire(f"{SERVER_USER}:test-{next(self._guests)}")
        wire.is_indifferent = indifferent
        for one in filters or ("fleet/v1/+/up/+/+",):
            assert wire.subscribes(one)
        return wire

    def server_wire(self, client_id: str) -> Wire:
        """A connection as the server's user."""
        wire = self.wire(self.server_port)
        wire.is_indifferent = True
        secret = broker_secret(self.server.settings.data_dir)
        assert wire.connects(SERVER_USER, secret, client_id)
        return wire

    def speaking(self, name: str | None = None) -> "WireCabinet":
        """A cabinet that speaks protocol v1 over the broker, connected; its birth is still due."""
        cabinet = WireCabinet(self.server, name or self.new_name(), place=self)
        cabinet.connect()
        return cabinet

    def skip(self, seconds: float) -> None:
        """Let the server's clock run ahead, in steps its link lives through."""
        while seconds > 0:
            step = min(seconds, SKIP_SECONDS)
            self.clock.ahead_seconds += step
            seconds -= step
            before = self.clock.elapsed()
            wait_until(
                "the link looked at the clock",
                lambda before=before: self.clock.elapsed() > before + SKIP_WAIT_SECONDS,
                WAIT_SECONDS,
            )
        self.wait_connected()

    def _is_heard(self) -> bool:
        """Whether a birth is answered, from end to end."""
        probe = self.speaking(self.known_name())
        with probe.wire:
            said = probe.presence(PresenceState.ONLINE, PresenceCause.BIRTH)
            probe.put(UpKind.PRESENCE, encode(said))
            return probe.wire.hears_within("receipt", PROBE_SECONDS)

    def _nothing_waits(self) -> bool:
        with self.server.transactions.read() as tx:
            return not waiting(tx.session, 1)

    def _build(self, data_dir: Path) -> FleetServer:
        qos = downlink_qos(self.host)
        settings = Settings(
            data_dir=data_dir,
            broker_url=self.host.server_url,
            broker_public_url=self.host.url,
            downlink_qos=qos,
            sweep_period=timedelta(seconds=0.5),
        )
        return build(settings, clock=self.clock)


@dataclass
class WireCabinet(SpeakingCabinet):
    """A speaking cabinet whose wire is a real broker."""

    place: Place = field(kw_only=True)
    wire: Wire = field(init=False)

    def connect(self, *, wills: bool = True) -> None:
        """Connect with the next session's will, and subscribe; `birth` comes after it.

        A connection it had is given up without a word.
        """
        said = self.presence(PresenceState.OFFLINE, PresenceCause.WILL, self.session + 1)
        will = mqtt.Will(up("fleet", self.cabinet_id, UpKind.PRESENCE), encode(said))
        self.wire = self.place.cabinet(self.cabinet_id, will if wills else None)
        for one in cabinet_subscriptions("fleet", self.cabinet_id):
            assert self.wire.subscribes(one)

    def next_receipt(self) -> Receipt:
        """The next receipt; obeyed."""
        message = self.wire.hears_on("receipt")
        receipt = self.obey([Outgoing(message.topic, message.payload)])
        assert receipt is not None
        return receipt

    def put(self, kind: UpKind, payload: bytes) -> None:
        """Publish bytes as this cabinet, QoS 1."""
        self.wire.publish(up("fleet", self.cabinet_id, kind), payload, 1)

    def _say(self, kind: UpKind, message: msgspec.Struct) -> Receipt | None:
        self.wire.heard()
        self.put(kind, encode(message))
        ended = isinstance(message, Presence) and message.state is PresenceState.OFFLINE
        return None if ended or kind is UpKind.HEARTBEAT else self.next_receipt()


def port_of(url: str) -> int:
    """Port of mqtt://host:port."""
    return int(url.rpartition(":")[2])
