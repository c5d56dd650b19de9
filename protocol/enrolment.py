"""Joining the fleet over HTTP (protocol v1, P-19)."""

from typing import Annotated

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
    downlink_qos: Annotated[int, msgspec.Meta(ge=0, le=1)] = 1
    """QoS of the cabinet's two subscriptions (P-0): 0 on NATS, where one at QoS 1 is a consumer
    that the cluster keeps for each cabinet, for messages that are published at 0 all the same."""
