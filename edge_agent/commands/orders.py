"""From signed bytes to a finished order: verify, check, begin, do, finish (P-12, P-13).

An order is noted as begun before it is carried out; after a power cut in between it is reported as
interrupted and never repeated.
"""

import contextlib
import logging
from typing import Annotated

import msgspec

from edge_agent.commands.handlers import (
    HANDLERS,
    AwaitAudit,
    AwaitDoor,
    AwaitMotor,
    Surroundings,
)
from edge_agent.commands.ledger import CommandLedger, Ending
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.readings import DispenseEnded, DispenseOutcome, PulseFailed
from edge_agent.rules.documents import Opener
from edge_agent.store import StorageError
from protocol.commands import PHYSICAL, Command, CommandOutcome, check_args, read_command
from protocol.errors import MalformedMessageError, ProtocolError, SignatureRejectedError
from protocol.journal import SEQUENCE_MAX
from protocol.signatures import SignedKind
from protocol.wire import decode_json

log = logging.getLogger(__name__)


DETAIL_LENGTH_MAX = 300
_IN_VAIN = {
    AwaitDoor: "the door did not open",
    AwaitMotor: "no word of the motor",
    AwaitAudit: "no report came",
}


class _Named(msgspec.Struct, frozen=True):
    """What every order has, also one of a newer server that we cannot read."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    counter: Annotated[int, msgspec.Meta(ge=0, le=SEQUENCE_MAX)]


class Orders:
    """Orders of the server to this cabinet."""

    def __init__(self, ledger: CommandLedger, opener: Opener, around: Surroundings) -> None:
        self._ledger = ledger
        self._opener = opener
        self._around = around
        self._waiting: tuple[str, AwaitDoor | AwaitMotor | AwaitAudit] | None = None
        self._ended: tuple[str, Ending] | None = None
        self._recovered = False
        with contextlib.suppress(StorageError):  # then with the first step that can
            self._recover()

    @property
    def counter(self) -> int:
        """Last counter, for birth and heartbeat."""
        return self._ledger.counter

    def receive(self, data: bytes, session: int) -> None:
        """Take an order that came in this session. Raises StorageError; then nothing was done."""
        self._recover()
        try:
            payload = self._opener.open(data, SignedKind.COMMAND).payload
            named = decode_json(payload, _Named)
        except SignatureRejectedError as error:
            log.warning("command.forged", extra={"reason": error.reason})
            self._around.cabinet.rejections.note(SignedKind.COMMAND)
            return
        except ProtocolError as error:
            log.warning("command.unreadable", extra={"reason": str(error)})
            return
        if self._ledger.knows(named.id):
            self._ledger.repeat(named.id)
            return
        self._take(payload, named, session)

    def step(self) -> None:
        """End the order that waits for a door. Raises StorageError; then the next step tries."""
        self._recover()
        if self._ended is not None:
            self._finish(*self._ended)
        if self._waiting is None:
            return
        order, awaited = self._waiting
        parts = self._around.cabinet.parts
        if isinstance(awaited, AwaitDoor) and parts.doors.state(awaited.door) is DoorState.OPEN:
            self._finish(order, Ending(CommandOutcome.SUCCEEDED, "door opened"))
        elif parts.time.elapsed() >= awaited.until:
            self._finish(order, Ending(CommandOutcome.FAILED, _IN_VAIN[type(awaited)]))

    def pulse_failed(self, reading: PulseFailed) -> None:
        """End the order whose pulse was not sent. Raises StorageError."""
        if self._waiting is not None and self._waiting[0] == reading.order_id:
            self._finish(reading.order_id, Ending(CommandOutcome.FAILED, reading.detail))

    def dispense_ended(self, reading: DispenseEnded) -> None:
        """End the order that turned a motor. Raises StorageError."""
        if self._waiting is not None and self._waiting[0] == reading.order_id:
            good = reading.outcome is DispenseOutcome.DISPENSED
            outcome = CommandOutcome.SUCCEEDED if good else CommandOutcome.FAILED
            self._finish(reading.order_id, Ending(outcome, str(reading.outcome)))

    def audit_ended(self, device: str, failure: str) -> None:
        """End the order that reads a machine; an empty `failure` is none. Raises StorageError."""
        if self._waiting is None:
            return
        order, awaited = self._waiting
        if isinstance(awaited, AwaitAudit) and awaited.device == device:
            outcome = CommandOutcome.FAILED if failure else CommandOutcome.SUCCEEDED
            self._finish(order, Ending(outcome, failure[:DETAIL_LENGTH_MAX]))

    def _recover(self) -> None:
        """End what the last boot began, before anything new is begun."""
        if not self._recovered:
            self._ledger.recover()
            self._recovered = True

    def _take(self, payload: str, named: _Named, session: int) -> None:
        try:
            command = read_command(payload)
            args = check_args(command.name, command.args)
        except MalformedMessageError as error:
            self._ledger.reject(named.id, named.counter, error.reason)
            return
        why_not = self._why_not(command, session)
        if why_not:
            self._ledger.reject(command.id, command.counter, why_not)
            return
        self._ledger.begin(command.id, command.counter)
        self._carry_out(command, args)

    def _carry_out(self, command: Command, args: msgspec.Struct) -> None:
        log.info("command.begun", extra={"command": command.id, "order": str(command.name)})
        handled = HANDLERS[command.name](self._around, command.id, args)
        if isinstance(handled, AwaitDoor | AwaitMotor | AwaitAudit):
            self._waiting = (command.id, handled)
        else:
            self._finish(command.id, handled)

    def _why_not(self, command: Command, session: int) -> str:
        time = self._around.cabinet.parts.time
        age_seconds = (time.now() - command.issued_at).total_seconds()
        if command.counter <= self._ledger.counter:
            return f"counter {command.counter} is not above {self._ledger.counter}"
        if command.name in PHYSICAL and command.session != session:
            return f"meant for session {command.session}, this is {session}"
        if time.trusted and age_seconds > command.ttl_s:
            return f"expired: {age_seconds:.0f} s old, lives {command.ttl_s} s"
        busy = self._waiting is not None or self._ended is not None
        return "another order is under way" if busy else ""

    def _finish(self, order: str, ending: Ending) -> None:
        self._waiting, self._ended = None, (order, ending)
        self._ledger.finish(order, ending)
        self._ended = None
