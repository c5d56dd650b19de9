"""Reactions of the registry to the journal."""

from collections.abc import Sequence
from typing import Protocol

from fleet_server.cabinets import desired, orders
from fleet_server.cabinets.queries import presence_rows
from fleet_server.signing import SigningService
from fleet_server.transactions import Transaction
from protocol.events import CommandFinished, DesiredApplied, DesiredRejected, RulesApplied


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


def on_desired_rejected(tx: Transaction, received: Sequence[FromCabinet]) -> None:
    """`desired.rejected`."""
    rows = desired.desired_rows(tx, [one.cabinet_id for one in received])
    for one in received:
        if isinstance(one.body, DesiredRejected):
            refusal = (one.body.key, one.body.reason)
            row = rows[one.cabinet_id]
            desired.note_refused(tx, row, one.site_id, one.body.version, refusal)


def on_rules_applied(tx: Transaction, received: Sequence[FromCabinet]) -> None:
    """`rules.applied`: show it at once; the heartbeat would say so only seconds later."""
    rows = presence_rows(tx.session, [one.cabinet_id for one in received])
    for one in received:
        row = rows.get(one.cabinet_id)
        if row is not None and isinstance(one.body, RulesApplied):
            row.rules_version = max(row.rules_version, one.body.version)


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
