"""Limits every generated broker configuration states, with their reasons (docs/operations.md)."""

from protocol.wire import DOWN_LIMIT_BYTES

TOPIC_ROOM_BYTES = 1024
"""Fixed header, topic and packet id: a topic of ours has at most 90 bytes, and a CONNECT with its
will, id and credential less than 1 KiB."""
PACKET_BYTES_MAX = DOWN_LIMIT_BYTES + TOPIC_ROOM_BYTES
"""Largest packet: a bundle of rules on its way down (512 KiB)."""

INFLIGHT_MAX = 2_000
"""QoS 1 messages on their way to one client. With the 20 a broker ships, the server takes 20
messages per round trip; one read of the server's socket (256 KiB) holds some hundreds."""
QUEUED_MAX = 500_000
"""QoS 1 messages that wait for one client. Stop and wait (P-2) bounds what a fleet can have on its
way: two lanes, a birth and a request for each cabinet, so this holds 100,000 cabinets."""
QUEUED_BYTES_MAX = 512 * 1024 * 1024
"""The same in memory: a second bound, for the machine's sake."""
