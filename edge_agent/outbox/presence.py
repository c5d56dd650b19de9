"""Birth, heartbeat, will: what the server knows of us without any event (P-0, P-9, P-10).

Pure builders; the uplink decides when. The session number is kept in the store and grows by one
with each connection, so that a late will of an older one is recognised.
"""

from dataclasses import dataclass
from importlib import metadata

from edge_agent.mqtt_link import Message
from protocol.identity import checked_cabinet
from protocol.intervals import Uplink
from protocol.journal import WIRE_VERSION, ClockQuality
from protocol.presence import (
    Heartbeat,
    LanePosition,
    Presence,
    PresenceCause,
    PresenceState,
)
from protocol.topics import UpKind, up
from protocol.wire import encode

AGENT_VERSION = metadata.version("cabinet-fleet")

_STATE = {
    PresenceCause.BIRTH: PresenceState.ONLINE,
    PresenceCause.STOP: PresenceState.OFFLINE,
    PresenceCause.WILL: PresenceState.OFFLINE,
}
_QOS = {UpKind.HEARTBEAT: 0}
"""Protocol v1, Topics; every other kind up is QoS 1."""


@dataclass(frozen=True)
class Address:
    """Where this cabinet publishes."""

    fleet: str
    cabinet: str

    def message(self, kind: UpKind, payload: bytes) -> Message:
        """Payload -> message of `kind`, with the QoS of its kind."""
        topic = up(self.fleet, checked_cabinet(self.cabinet), kind)
        return Message(topic, payload, _QOS.get(kind, 1))


@dataclass(frozen=True)
class Versions:
    """What the cabinet holds."""

    rules: int
    desired: int
    command_counter: int


@dataclass(frozen=True)
class Standing:
    """Everything birth and heartbeat tell."""

    session: int
    boot: str
    uplink: Uplink
    versions: Versions
    journal: LanePosition
    telemetry: LanePosition


def presence(standing: Standing, cause: PresenceCause) -> bytes:
    """Birth, stop or will."""
    return encode(
        Presence(
            v=WIRE_VERSION,
            state=_STATE[cause],
            session=standing.session,
            boot=standing.boot,
            why=cause,
            uplink=standing.uplink,
            rules_version=standing.versions.rules,
            desired_version=standing.versions.desired,
            command_counter=standing.versions.command_counter,
            journal=standing.journal,
            telemetry=standing.telemetry,
            agent_version=AGENT_VERSION,
        )
    )


@dataclass(frozen=True)
class SlowFacts:
    """What a heartbeat tells of the machine; it changes slowly."""

    uptime_seconds: float
    free_storage_bytes: int


def heartbeat(standing: Standing, clock: ClockQuality, slow: SlowFacts | None) -> bytes:
    """Say the same in short; without the `slow` facts in as few bytes as can be."""
    return encode(
        Heartbeat(
            v=WIRE_VERSION,
            session=standing.session,
            boot=standing.boot,
            uptime_seconds=None if slow is None else int(slow.uptime_seconds),
            clock=clock,
            free_storage_bytes=None if slow is None else slow.free_storage_bytes,
            rules_version=standing.versions.rules,
            desired_version=standing.versions.desired,
            command_counter=standing.versions.command_counter,
            journal=standing.journal,
            telemetry=None if slow is None else standing.telemetry,
        )
    )
