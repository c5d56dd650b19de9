"""Joining the fleet over HTTP (protocol v1, P-19)."""

import msgspec

from protocol.intervals import Uplink


class EnrolmentRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """`POST /api/v1/enrolments`."""

    claim_code: str
    serial_number: str
    agent_version: str = ""


class EnrolmentAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a cabinet needs to speak. Keys are base64; `credential` is shown this once only."""

    cabinet: str
    fleet: str
    shard: int
    brokers: list[str]
    credential: str
    signing_keys: list[str]
    sealing_key: str
    uplink: Uplink = Uplink.WIRED
    ca: str = ""
