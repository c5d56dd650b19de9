"""Orders to one cabinet: one unfinished at a time, signed when they leave (P-13, P-14).

Split from `service.py` by object. A physical order belongs to the session of the cabinet it was
asked for in, and is given up when that ends or when it waited longer than its `ttl`. Once sent it
has its `ttl` anew, at most 60 s: an order that waited its turn must not be born old. Every other
order has one `ttl`, from the moment it was asked for.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import func, select

from fleet_server.audit.service import record
from fleet_server.bulk import one_of
from fleet_server.cabinets.models import Cabinet, CabinetCommand, CabinetPresence
from fleet_server.cabinets.queries import cabinet_by_id
from fleet_server.cabinets.states import COMMAND_LIFE, CommandState
from fleet_server.errors import ConflictError, NotFoundError, TooManyRequestsError
from fleet_server.live.service import changed
from fleet_server.logs import get_logger
from fleet_server.outbox.service import send
from fleet_server.signing import SigningService
from fleet_server.transactions import Transaction
from protocol.commands import PHYSICAL, Command, CommandName, check_args
from protocol.intervals import PHYSICAL_COMMAND_TTL_MAX_SECONDS
from protocol.journal import SEQUENCE_MAX
from protocol.signatures import SignedKind
from protocol.topics import DownKind

WAITING_MAX = 20
"""Orders that may wait for one cabinet; more is a person clicking in vain."""
EXPIRIES_PER_SWEEP = 500
"""Orders of one sweep of one second; the next takes the rest."""
RECONNECTED = "the cabinet reconnected"
COUNTER_MAX = SEQUENCE_MAX // 2
"""A cabinet that claims more has made it up; its own orders alone would suffer."""

log = get_logger("orders")

UNFINISHED = (CommandState.CREATED, CommandState.SENT)


def order(  # an order has these parts
    tx: Transaction,
    signing: SigningService,
    cabinet: Cabinet,
    name: CommandName,
    args: dict[str, Any],
    ttl: timedelta,
) -> CabinetCommand:
    """Give an order.

    Raises MalformedMessageError for arguments that do not fit, ConflictError for a physical one
    to a cabinet that is not online, TooManyRequestsError when too many wait.
    """
    check_args(name, args)
    session = None
    if name in PHYSICAL:
        ttl = min(ttl, timedelta(seconds=PHYSICAL_COMMAND_TTL_MAX_SECONDS))
        session = _session_online(tx, cabinet.id)
        if session is None:
            raise ConflictError(f"{name} needs the cabinet online; {cabinet.id} is not")
    if len(_unfinished(tx, cabinet.id)) >= WAITING_MAX:
        raise TooManyRequestsError(60)
    command = CabinetCommand(
        id=tx.new_id(),
        cabinet_id=cabinet.id,
        name=name,
        args=args,
        counter=_next_counter(tx, cabinet.id),
        state=COMMAND_LIFE.initial,
        created_by=tx.actor,
        created_at=tx.now,
        expires_at=tx.now + ttl,
        finished_at=None,
        session=session,
        detail="",
    )
    tx.session.add(command)
    tx.session.flush()
    record(tx, f"command.{name}", "cabinet", cabinet.id, {"args": args}, cabinet.site_id)
    send_next(tx, signing, cabinet.id)
    return command


def send_next(tx: Transaction, signing: SigningService, cabinet_id: str) -> None:
    """Send the oldest waiting order unless one is out already (P-13)."""
    unfinished = _unfinished(tx, cabinet_id)
    if not unfinished or any(command.state == CommandState.SENT for command in unfinished):
        return
    for command in unfinished:
        if _outlived_its_session(tx, command):
            _step(tx, command, CommandState.EXPIRED, RECONNECTED)
        elif command.expires_at > tx.now:
            if command.name in PHYSICAL:
                command.expires_at += tx.now - command.created_at
            _step(tx, command, CommandState.SENT)
            _send(tx, signing, command)
            return
        else:
            _step(tx, command, CommandState.EXPIRED)  # its time ran out while it waited its turn


def repair(tx: Transaction, signing: SigningService, counters: Mapping[str, int]) -> None:
    """Births and heartbeats show counters: what a cabinet has not seen is sent again (P-14).

    A physical order is sent again within its own session only, and must never fire in a later
    one (P-13); a heartbeat that crossed it on the way does not end it.
    """
    for cabinet_id, unfinished in groupby(_unfinished_of(tx, counters), attrgetter("cabinet_id")):
        for command in unfinished:
            if command.state == CommandState.SENT and command.counter > counters[cabinet_id]:
                if _outlived_its_session(tx, command):
                    _step(tx, command, CommandState.EXPIRED, RECONNECTED)
                elif command.expires_at > tx.now:
                    _send(tx, signing, command)
            elif command.state == CommandState.CREATED and _outlived_its_session(tx, command):
                _step(tx, command, CommandState.EXPIRED, RECONNECTED)
        send_next(tx, signing, cabinet_id)


def note_finished(  # what the cabinet tells
    tx: Transaction,
    signing: SigningService,
    cabinet_id: str,
    command_id: str,
    outcome: str,
    detail: str,
) -> None:
    """The cabinet tells the outcome; a repeated tale of a finished order changes nothing.

    Nor does that of an order nobody here gave: it was given before this database was restored.
    Its journal row stays, and the timeline marks it. Raises NotFoundError for another's order.
    """
    command = tx.session.get(CabinetCommand, command_id, with_for_update=True)
    if command is None:
        log.warning("command.unknown", cabinet=cabinet_id, command=command_id[:100])
        return
    if command.cabinet_id != cabinet_id:
        raise NotFoundError("command", command_id)
    state = CommandState(command.state)
    if state not in COMMAND_LIFE.final:
        _step(tx, command, COMMAND_LIFE.named(outcome), detail)
        send_next(tx, signing, cabinet_id)


def cancel(tx: Transaction, cabinet_id: str, command_id: str) -> CabinetCommand:
    """Cancel an order that has not left; IllegalTransitionError once it has."""
    command = tx.session.get(CabinetCommand, command_id, with_for_update=True)
    if command is None or command.cabinet_id != cabinet_id:
        raise NotFoundError("command", command_id)
    _step(tx, command, CommandState.CANCELLED)
    record(tx, "command.cancelled", "cabinet", command.cabinet_id, {"command": command.id})
    return command


def expire_orders(signing: SigningService, tx: Transaction) -> None:
    """Sweep: an order whose time ran out is expired, or unknown once it had been sent.

    Those that wait end first: an order that never left must not be met by `send_next`.
    """
    found = (
        select(CabinetCommand)
        .where(CabinetCommand.state.in_(UNFINISHED), CabinetCommand.expires_at <= tx.now)
        .order_by(CabinetCommand.cabinet_id, CabinetCommand.counter)
        .limit(EXPIRIES_PER_SWEEP)
        .with_for_update(skip_locked=True)
    )
    late = list(tx.session.scalars(found))
    sent = [command for command in late if command.state == CommandState.SENT]
    for command in late:
        if command.state == CommandState.CREATED:
            _step(tx, command, CommandState.EXPIRED)
    for command in sent:
        _step(tx, command, CommandState.UNKNOWN)
        send_next(tx, signing, command.cabinet_id)


def _send(tx: Transaction, signing: SigningService, command: CabinetCommand) -> None:
    name = CommandName(command.name)
    left = command.expires_at - tx.now
    payload = Command(
        kind=SignedKind.COMMAND,
        fleet=signing.fleet,
        cabinet=command.cabinet_id,
        id=command.id,
        name=name,
        args=command.args,
        issued_at=tx.now,
        ttl_s=max(1, int(left.total_seconds())),
        counter=command.counter,
        session=command.session,
    )
    body = signing.signed(payload)
    send(tx, signing.fleet, command.cabinet_id, DownKind.COMMAND, body, command.expires_at)


def _session_online(tx: Transaction, cabinet_id: str) -> int | None:
    presence = tx.session.get(CabinetPresence, cabinet_id)
    return presence.session if presence is not None and presence.online else None


def _outlived_its_session(tx: Transaction, command: CabinetCommand) -> bool:
    presence = tx.session.get(CabinetPresence, command.cabinet_id)
    return command.session is not None and (presence is None or presence.session != command.session)


def _unfinished(tx: Transaction, cabinet_id: str) -> list[CabinetCommand]:
    return _unfinished_of(tx, [cabinet_id])


def _unfinished_of(tx: Transaction, cabinet_ids: Iterable[str]) -> list[CabinetCommand]:
    """Unfinished orders of these cabinets, locked, by cabinet and age."""
    found = (
        select(CabinetCommand)
        .where(one_of(tx.session, CabinetCommand.cabinet_id, cabinet_ids))
        .where(CabinetCommand.state.in_(UNFINISHED))
        .order_by(CabinetCommand.cabinet_id, CabinetCommand.counter)
    )
    return list(tx.session.scalars(found.with_for_update()))


def _next_counter(tx: Transaction, cabinet_id: str) -> int:
    """Counter above all that were given, also by a database this one is an older copy of.

    The cabinet's own count tells, but only once it was heard; the clock tells at once: in seconds
    it runs ahead of every counter ever given (ADR 0021).
    """
    newest = tx.session.scalar(
        select(func.max(CabinetCommand.counter)).where(CabinetCommand.cabinet_id == cabinet_id)
    )
    presence = tx.session.get(CabinetPresence, cabinet_id)
    told = presence.command_counter if presence is not None else 0
    if told >= COUNTER_MAX:
        told = 0
    return max(newest or 0, told, int(tx.now.timestamp())) + 1


def _step(tx: Transaction, command: CabinetCommand, wanted: CommandState, detail: str = "") -> None:
    command.state = COMMAND_LIFE.step(CommandState(command.state), wanted)
    command.detail = detail
    if wanted in COMMAND_LIFE.final:
        command.finished_at = tx.now
    site_id = cabinet_by_id(tx.session, command.cabinet_id).site_id
    changed(tx, [f"cabinet/{command.cabinet_id}"], "command", command.id, site_id)
