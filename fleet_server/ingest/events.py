"""What ingest hands to the features, and the facts it finds out by itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec

from fleet_server.transactions import Transaction


class Received(NamedTuple):
    """One new journal event, accepted for the first and only time."""

    event_id: str
    cabinet_id: str
    site_id: str
    epoch: str
    seq: int
    type: str
    at: datetime
    """When it happened, best known."""
    body: msgspec.Struct
    """Typed by `protocol.events.BODIES[type]`."""


EventHandler = Callable[[Transaction, Sequence[Received]], None]
"""Handles the new events of the types it is registered for, in order, inside the transaction.

It must do its work in bulk, must not call out, and raises only when the event cannot be handled:
then the batch is rolled back, split, and the one poison event goes to the dead letters (P-6).
"""

EventHandlers = Mapping[str, Sequence[EventHandler]]


@dataclass(frozen=True)
class CabinetFellSilent:
    """Nothing heard for the interval of its uplink (P-10)."""

    cabinet_id: str
    site_id: str
    since: datetime


@dataclass(frozen=True)
class CabinetHeardAgain:
    """A silent cabinet spoke."""

    cabinet_id: str
    site_id: str


@dataclass(frozen=True)
class JournalGapFound:
    """The cabinet no longer holds what the server misses (P-3)."""

    cabinet_id: str
    site_id: str
    epoch: str
    first_missing: int
    last_missing: int


@dataclass(frozen=True)
class OutboxWasReset:
    """A new journal epoch began: the cabinet lost its store (P-5)."""

    cabinet_id: str
    site_id: str
    old_epoch: str
    new_epoch: str


@dataclass(frozen=True)
class CabinetLooksCloned:
    """Two boots or sessions alternate, or the journal head fell behind (P-5)."""

    cabinet_id: str
    site_id: str
    evidence: str


@dataclass(frozen=True)
class EventUnreadable:
    """An event went to the dead letters (P-6)."""

    cabinet_id: str
    site_id: str
    dead_letter_id: str
    event_type: str
    reason: str
