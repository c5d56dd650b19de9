"""Who is who on the wire: cabinet ids and their shards (protocol v1, Topics)."""

import re
import zlib

from protocol.errors import BadTopicError

SHARD_COUNT = 64
"""Shards 00..63; a lease in the database gives each to one ingest process."""

SERVER_USER = "fleet@server"
"""Name of the server at every broker; the `@` keeps it apart from cabinet ids (P-20).

No colon: Mosquitto's password file ends the name there. No dot: NATS takes none in a client id.
"""

_CABINET = re.compile(r"[A-Za-z0-9_-]{1,32}")
_FLEET = re.compile(r"[A-Za-z0-9_-]{1,32}")


def checked_cabinet(cabinet: str) -> str:
    """Return `cabinet` when it may stand in a topic; BadTopicError when not.

    No dots, wildcards or `$`: the same names work as NATS subjects.
    """
    if not _CABINET.fullmatch(cabinet):
        raise BadTopicError(cabinet, "a cabinet id is 1 to 32 of A-Z a-z 0-9 _ -")
    return cabinet


def checked_fleet(fleet: str) -> str:
    """Return `fleet` when it may stand in a topic; BadTopicError when not."""
    if not _FLEET.fullmatch(fleet):
        raise BadTopicError(fleet, "a fleet name is 1 to 32 of A-Z a-z 0-9 _ -")
    return fleet


def shard_of(cabinet: str) -> int:
    """Shard of a cabinet: CRC-32 (zlib) of the UTF-8 id modulo 64, fixed at enrolment."""
    return zlib.crc32(cabinet.encode()) % SHARD_COUNT
