"""Signed answer to a request for the time (protocol v1, P-18)."""

from datetime import datetime

import msgspec

from protocol.signatures import SignedKind


class TimeReply(msgspec.Struct, frozen=True):
    """Offset = `server_time` less the midpoint between asking and hearing."""

    kind: SignedKind
    fleet: str
    cabinet: str
    request: str
    nonce: str
    server_time: datetime
