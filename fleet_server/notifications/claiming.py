"""What leaves to an address now: claimed under a lease, put into letters, within its pace.

Split from `delivery.py`: this is the transaction before sending, `noting.py` the one after.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from fleet_server.notifications.addresses import SharedChannels
from fleet_server.notifications.doors import Parcel
from fleet_server.notifications.letters import Letter, Waiting, in_language, letters_for
from fleet_server.notifications.models import NoticeAddress
from fleet_server.notifications.noting import hold, lose_address
from fleet_server.notifications.preferences import NO_WISHES, wishes_of
from fleet_server.notifications.queries import addresses_to_serve, due_deliveries
from fleet_server.notifications.rules import Channel, Language, Urgency, path_of
from fleet_server.transactions import Transaction
from protocol.errors import SealBrokenError

LEASE = timedelta(minutes=3)
"""Longer than the longest service of an address: 6 letters of at most 20 s each."""
DUE_MAX = 1_000
"""Deliveries of one address looked at together: what one digest may stand for."""
DUE_PER_CLAIM = 1_000
"""Deliveries after which a transaction takes no further address: others want to write too."""
CANDIDATES = 4
"""Addresses looked at for each free sender: some are of services that have their share."""
RATE_MAX = 6
RATE_WINDOW = timedelta(minutes=1)
"""Messages one address gets a minute: past it they are a digest. WeCom takes 20 from a robot."""


@dataclass(frozen=True)
class Room:
    """How much may be claimed: senders that are free, and how many one lane may have."""

    free: int
    lane_max: int
    lanes: Counter[str]
    in_hand: frozenset[str]


def claim(
    tx: Transaction,
    room: Room,
    shared: SharedChannels,
    unsealed: Callable[[str], str],
) -> list[Parcel]:
    """Lease addresses with something due; at most `room.free` of them."""
    lanes = Counter(room.lanes)
    parcels: list[Parcel] = []
    looked_at = 0
    limit = room.free * CANDIDATES
    for address in addresses_to_serve(tx.session, tx.now, room.in_hand, limit):
        if len(parcels) == room.free or looked_at >= DUE_PER_CLAIM:
            break
        if lanes[address.lane] >= room.lane_max:
            continue
        secret = _secret(address, shared, unsealed)
        if secret is None:
            lose_address(tx, address, "the channel is gone")
            continue
        letters = _letters(tx, address)
        looked_at += sum(len(letter.delivery_ids) for letter in letters)
        if letters:
            lanes[address.lane] += 1
            parcels.append(_leased(tx, address, secret, letters))
    return parcels


def _leased(
    tx: Transaction, address: NoticeAddress, secret: str, letters: Sequence[Letter]
) -> Parcel:
    until = tx.now + LEASE
    address.leased_until, address.served_at = until, tx.now
    channel = Channel(address.channel)
    return Parcel(address.id, channel, address.lane, secret, letters, until)


def _secret(
    address: NoticeAddress, shared: SharedChannels, unsealed: Callable[[str], str]
) -> str | None:
    if address.removed_at is not None:
        return None
    if address.sealed is None:
        return shared.url_of(address.digest)
    try:
        return unsealed(address.sealed)
    except SealBrokenError:  # the server's keys are others than they were
        return None


def _letters(tx: Transaction, address: NoticeAddress) -> list[Letter]:
    rows = _audible(tx, due_deliveries(tx.session, address.id, tx.now, DUE_MAX))
    if not rows:
        return []
    allowance = _allowance(tx, address)
    language = Language(rows[0].language)
    letters = letters_for([_waiting(row, language) for row in rows], allowance, language)
    if letters:
        address.window_sent += len(letters)
    elif address.window_began_at is not None:
        address.not_before = address.window_began_at + RATE_WINDOW
    return letters


def _audible(tx: Transaction, rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Hold back what a person does not want to hear now; the others are due."""
    wishes = wishes_of(tx, sorted({row.user_id for row in rows if row.user_id is not None}))
    audible: list[Row[Any]] = []
    held: dict[datetime, list[str]] = {}
    for row in rows:
        quiet = wishes.get(row.user_id, NO_WISHES).quiet_hours
        until = None if quiet is None or row.urgency == Urgency.URGENT else quiet.end_after(tx.now)
        if until is None:
            audible.append(row)
        else:
            held.setdefault(until, []).append(row.id)
    for until, ids in held.items():
        hold(tx, ids, until)
    return audible


def _allowance(tx: Transaction, address: NoticeAddress) -> int:
    """Messages the address may still get in this window; a window that is over begins anew."""
    began = address.window_began_at
    if began is None or tx.now >= began + RATE_WINDOW:
        address.window_began_at, address.window_sent = tx.now, 0
    return max(0, RATE_MAX - address.window_sent)


def _waiting(row: Row[Any], language: Language) -> Waiting:
    return Waiting(
        row.id,
        row.urgency == Urgency.URGENT,
        in_language(language, row.title_zh, row.title_en),
        in_language(language, row.body_zh, row.body_en, "\n"),
        path_of(row.about_kind, row.about_id),
        f"{row.about_kind}/{row.about_id}",
    )
