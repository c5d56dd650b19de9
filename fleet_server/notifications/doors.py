"""The shape of a way out, what goes through it, and what comes of that.

`apprise_sender.py` and `web_push.py` are such doors. A door is foreign code or a foreign server
behind a network: it may fail in any way, and take its time. It gets no session and no transaction.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from fleet_server.notifications.letters import Letter
from fleet_server.notifications.rules import Channel


class Result(StrEnum):
    """What became of one message."""

    TAKEN = "taken"
    REFUSED = "refused"  # this time; it is tried again
    GONE = "gone"  # the address does not exist any more


@dataclass(frozen=True)
class Outcome:
    """Result with its reason; `wait` is how long the other side wants to be left in peace."""

    result: Result
    reason: str = ""
    wait: timedelta | None = None


TAKEN = Outcome(Result.TAKEN)


class Door(Protocol):
    """One way out."""

    def send(self, secret: str, letter: Letter, key: str) -> Outcome:
        """Send a message to the address `secret` names; a bounded time, whatever happens.

        `key` is the same when the same message is sent again: a channel that knows idempotency
        keys shows it once.
        """
        ...


@dataclass(frozen=True)
class Parcel:
    """Letters to one address, and the way there; `lane` is the service behind it."""

    address_id: str
    channel: Channel
    lane: str
    secret: str
    letters: Sequence[Letter]
    leased_until: datetime
    """Tells this lease from a later one of the same address."""

    def key_of(self, letter: Letter) -> str:
        """Idempotency key: the same whenever the same leaves to the same address again."""
        named = "\n".join([self.address_id, *sorted(letter.delivery_ids)])
        return hashlib.sha256(named.encode()).hexdigest()[:32]


Tried = tuple[Letter, Outcome]
