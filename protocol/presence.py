"""Presence, heartbeat and the server's own announcement (protocol v1, P-0, P-9, P-10)."""

from enum import StrEnum

import msgspec

from protocol.intervals import Uplink
from protocol.journal import ClockQuality, Count, Name


class PresenceState(StrEnum):
    """Birth says online; will and clean stop say offline."""

    ONLINE = "online"
    OFFLINE = "offline"


class PresenceCause(StrEnum):
    """Why a presence message was sent."""

    BIRTH = "birth"
    STOP = "stop"
    WILL = "will"


class LanePosition(msgspec.Struct, frozen=True):
    """Where a lane of the cabinet stands: newest sequence written and lowest still held."""

    epoch: Name
    head: Count
    floor: Count


class Presence(msgspec.Struct, frozen=True, omit_defaults=True):
    """State of one session. A death of an older session is ignored (P-9)."""

    v: int
    state: PresenceState
    session: Count
    boot: Name
    why: PresenceCause
    uplink: Uplink
    rules_version: Count
    desired_version: Count
    command_counter: Count
    journal: LanePosition
    telemetry: LanePosition
    agent_version: str = ""


class Heartbeat(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The same in short, every 15 s (`wired`) or 180 s (`metered`).

    A metered cabinet leaves out what changes slowly in most of them (ADR 0006): None is not told.
    """

    v: int
    session: Count
    boot: Name
    uptime_seconds: Count | None = None
    clock: ClockQuality
    free_storage_bytes: Count | None = None
    rules_version: Count
    desired_version: Count
    command_counter: Count
    journal: LanePosition
    telemetry: LanePosition | None = None


class ServerState(msgspec.Struct, frozen=True):
    """Broadcast on `all/server`. It orders nothing: a cabinet may only answer with a birth."""

    v: int
    server_epoch: str
    state: PresenceState


class TimeRequest(msgspec.Struct, frozen=True):
    """Cabinet asks for the time (P-18); the nonce ties the signed reply to this request."""

    v: int
    request: str
    nonce: str
