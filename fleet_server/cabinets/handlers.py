"""Reactions of the registry to the journal."""

from collections.abc import Sequence
from typing import Protocol

from fleet_server.cabinets import desired, orders
from fleet_server.cabinets.queries import presence_rows
from fleet_server.rules.queries import digests_of, newest_version
from fleet_server.rules.service import overtake
from fleet_server.signing import SigningService
from fleet_server.transactions import Transaction
from protocol.events import (
    OTHER_CONTENT,
    CommandFinished,
    DesiredApplied,
    DesiredRejected,
    RulesApplied,
    RulesRejected,
)


class FromCabinet(Protocol):
    """What these handlers read of a received event (`ingest.events.Received`)."""

    @property
    def cabinet_id(self) -> str:
        """Who sent it."""
        ...

    @property
    def site_id(self) -> str:
        """Where it stands."""
        ...

    @property
    def body(self) -> object:
        """What it says."""
        ...


def on_desired_applied(tx: Transaction, received: Sequence[FromCabinet]) -> None:
    """`desired.applied`."""
    rows = desired.desired_rows(tx, [one.cabinet_id for one in received])
    for one in received:
        if isinstance(one.body, DesiredApplied):
            row = rows[one.cabinet_id]
            desired.note_applied(tx, row, one.site_id, one.body.version)


def on_desired_rejected(
    signing: SigningService, tx: Transaction, received: Sequence[FromCabinet]
) -> None:
    """`desired.rejected`; of other content under our version the cabinet gets the next one."""
    rows = desired.desired_rows(tx, [one.cabinet_id for one in received])
    for one in received:
        if not isinstance(one.body, DesiredRejected):
            continue
        row, body = rows[one.cabinet_id], one.body
        if body.version == row.version and body.reason == OTHER_CONTENT:
            desired.overtake_desired(tx, signing, one.cabinet_id, body.version)
        else:
            refusal = (body.key, body.reason)
            desired.note_refused(tx, row, one.site_id, body.version, refusal)


def on_rules_applied(
    signing: SigningService, tx: Transaction, received: Sequence[FromCabinet]
) -> None:
    """`rules.applied`: show it at once; the heartbeat would say so only seconds later.

    Another digest than that of our newest bundle means that a database before this one issued it.
    """
    rows = presence_rows(tx.session, [one.cabinet_id for one in received])
    newest = newest_version(tx.session)
    digest = digests_of(tx.session, [newest]).get(newest)
    named = {}
    for one in received:
        row = rows.get(one.cabinet_id)
        if not isinstance(one.body, RulesApplied):
            continue
        if row is not None:
            row.rules_version = max(row.rules_version, one.body.version)
        if one.body.version == newest and one.body.digest != digest:
            named[one.cabinet_id] = newest
    if named:
        overtake(tx, signing, named)


def on_rules_rejected(
    signing: SigningService, tx: Transaction, received: Sequence[FromCabinet]
) -> None:
    """`rules.rejected`: a cabinet that holds what we did not issue gets the rules above it.

    An older bundle that came late is refused, too, and means nothing.
    """
    newest = newest_version(tx.session)
    named = {}
    for one in received:
        if not isinstance(one.body, RulesRejected):
            continue
        is_fork = one.body.reason == OTHER_CONTENT and one.body.version == newest
        if one.body.held_version > newest or is_fork:
            named[one.cabinet_id] = one.body.held_version
    if named:
        overtake(tx, signing, named)


def on_command_finished(
    signing: SigningService, tx: Transaction, received: Sequence[FromCabinet]
) -> None:
    """`command.finished`."""
    for one in received:
        if isinstance(one.body, CommandFinished):
            body = one.body
            orders.note_finished(
                tx, signing, one.cabinet_id, body.command, body.outcome, body.detail
            )
