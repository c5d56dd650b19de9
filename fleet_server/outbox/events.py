"""Facts the outbox announces."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MessageSetAside:
    """The broker never took a message; those behind it go on."""

    seq: int
    topic: str
