"""Reactions of the registry to the journal."""

from collections.abc import Sequence
from typing import Protocol

from fleet_server.cabinets import desired, orders
from fleet_server.cabinets.models import CabinetPresence
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
    def body(self) -> object:
        """What it says."""
        ...


def on_desired_applied(tx: Transaction, received: Sequence[FromCabinet]) -> None:
    """`desired.applied`."""
    for one in received:
        if isinstance(one.body, DesiredApplied):
            desired.note_applied(tx, one.cabinet_id, one.body.version)


def on_desired_rejected(tx: Transaction, received: Sequence[FromCabinet]) -> None:
    """`desired.rejected`."""
    for one in received:
        if isinstance(one.body, DesiredRejected):
            body = one.body
            desired.note_refused(tx, one.cabinet_id, body.version, body.key, body.reason)


def on_rules_applied(tx: Transaction, received: Sequence[FromCabinet]) -> None:
    """`rules.applied`: show it at once; the heartbeat would say so only seconds later."""
    for one in received:
        row = tx.session.get(CabinetPresence, one.cabinet_id)
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
