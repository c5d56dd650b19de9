"""A cabinet that behaves: keeps its journal, speaks protocol v1, obeys receipts.

Not the agent: just enough of the protocol to test the server's side without serial ports.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from fleet_server.app import FleetServer
from fleet_server.mqtt_inbox import Inbound
from fleet_server.mqtt_link import Outgoing
from protocol.intervals import Uplink
from protocol.journal import ClockQuality, Event, JournalBatch, Position, Receipt
from protocol.presence import Heartbeat, LanePosition, Presence, PresenceCause, PresenceState
from protocol.topics import UpKind, up
from protocol.wire import decode, encode


@dataclass
class SpeakingCabinet:
    """One cabinet; `server.ingest` is its wire."""

    server: FleetServer
    cabinet_id: str
    epoch: str = "epoch-1"
    boot: str = "boot-1"
    session: int = 0
    events: list[Event] = field(default_factory=list)
    committed: int = 0
    floor: int = 1
    receipt: Receipt | None = None
    held_rules: int = 0
    held_desired: int = 0
    held_counter: int = 0

    def birth(self) -> Receipt | None:
        """Connect: next session, birth, and what the server answers."""
        self.session += 1
        return self._say(UpKind.PRESENCE, self.presence(PresenceState.ONLINE, PresenceCause.BIRTH))

    def die(self, session: int | None = None) -> None:
        """The broker publishes the will of a session."""
        self._say(
            UpKind.PRESENCE,
            self.presence(PresenceState.OFFLINE, PresenceCause.WILL, session),
        )

    def beat(self) -> None:
        """Send a heartbeat."""
        self._say(
            UpKind.HEARTBEAT,
            Heartbeat(
                v=1,
                session=self.session,
                boot=self.boot,
                uptime_seconds=1,
                clock=ClockQuality.SYNCED,
                free_storage_bytes=10**9,
                rules_version=self.held_rules,
                desired_version=self.held_desired,
                command_counter=self.held_counter,
                journal=self._lane(),
                telemetry=LanePosition(self.epoch, 0, 1),
            ),
        )

    def record(self, kind: str, body: msgspec.Struct | dict[str, Any]) -> Event:
        """Write one event into the journal; nothing is sent."""
        event = Event(
            seq=len(self.events) + 1,
            at=self.now(),
            mono_ms=1000,
            boot=self.boot,
            type=kind,
            body=msgspec.Raw(msgspec.json.encode(body)),
        )
        self.events.append(event)
        return event

    def send(self) -> Receipt | None:
        """Send everything that is not committed as one batch; obey the receipt."""
        return self.send_from(self.committed + 1)

    def send_from(self, first: int) -> Receipt | None:
        """Send all events from `first` on as one batch; obey the receipt."""
        return self._say(UpKind.JOURNAL, self.batch(first, len(self.events)))

    def tell(self, kind: str, body: msgspec.Struct | dict[str, Any]) -> Receipt | None:
        """Record one event and send it."""
        self.record(kind, body)
        return self.send()

    def batch(self, first: int, last: int) -> JournalBatch:
        """Batch of the events `first` to `last`."""
        return JournalBatch(
            v=1,
            epoch=self.epoch,
            floor=self.floor,
            first=first,
            last=last,
            sent_at=self.now(),
            clock=ClockQuality.SYNCED,
            events=self.events[first - 1 : last],
        )

    def inbound(self, kind: UpKind, message: msgspec.Struct) -> Inbound:
        """Bytes as they come from the broker."""
        return Inbound(up("fleet", self.cabinet_id, kind), encode(message))

    def presence(
        self, state: PresenceState, why: PresenceCause, session: int | None = None
    ) -> Presence:
        """Presence message of this cabinet."""
        return Presence(
            v=1,
            state=state,
            session=self.session if session is None else session,
            boot=self.boot,
            why=why,
            uplink=Uplink.WIRED,
            rules_version=self.held_rules,
            desired_version=self.held_desired,
            command_counter=self.held_counter,
            journal=self._lane(),
            telemetry=LanePosition(self.epoch, 0, 1),
        )

    def now(self) -> datetime:
        """Time of the server's clock: this cabinet's clock is right."""
        return self.server.clock.now()

    def obey(self, outgoing: list[Outgoing]) -> Receipt | None:
        """Take the receipt meant for this cabinet and continue from it."""
        for one in outgoing:
            if f"/down/{self.cabinet_id}/" in one.topic:
                self.receipt = decode(one.payload, Receipt)
                position = self.receipt.journal
                if isinstance(position, Position) and position.epoch == self.epoch:
                    self.committed = position.committed
                return self.receipt
        return None

    def _say(self, kind: UpKind, message: msgspec.Struct) -> Receipt | None:
        return self.obey(self.server.ingest.accept([self.inbound(kind, message)]))

    def _lane(self) -> LanePosition:
        return LanePosition(self.epoch, len(self.events), self.floor)
