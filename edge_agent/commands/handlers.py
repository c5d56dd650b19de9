"""The table: name of an order -> what this cabinet does.

A handler ends the order at once, or names the door whose opening will end it: a pulse alone proves
nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from edge_agent.commands.ledger import Ending
from edge_agent.detection.errors import NothingLatchedError
from edge_agent.drivers.errors import DriverError
from edge_agent.logs import recent_lines
from edge_agent.selling.cabinet import Cabinet
from edge_agent.selling.errors import DoorBusyError, UnknownDoorError
from edge_agent.selling.slot_vend import MOTOR_SECONDS
from protocol.commands import (
    CommandName,
    CommandOutcome,
    DoorArgs,
    IdentifyArgs,
    ReleaseHoldArgs,
    ServiceModeArgs,
)
from protocol.events import ClearedBy

AUDIT_SECONDS_MAX = 600.0
"""A report over a slow link takes minutes, and is tried three times."""
LOG_BYTES_MAX = 32 * 1024
"""What fits into one event with room to spare."""
IDENTIFY_SECONDS_MAX = 600
"""A cabinet does not blink for ever because of a slip in an order."""


@dataclass
class Surroundings:
    """What handlers may touch; one for the life of the process."""

    cabinet: Cabinet
    pulse: Callable[[str, str], None]
    sync: Callable[[], None]
    poll_soon: Callable[[str], None]
    audit_devices: tuple[str, ...] = ()
    restart_wanted: bool = False
    identify_until: float = 0.0


@dataclass(frozen=True)
class AwaitDoor:
    """The order ends when this door opens, or fails at `until` (elapsed seconds)."""

    door: str
    until: float


@dataclass(frozen=True)
class AwaitMotor:
    """The order ends with the controller's word on its motor, or fails at `until`."""

    until: float


@dataclass(frozen=True)
class AwaitAudit:
    """The order ends with the report of this machine, or its failure, or fails at `until`."""

    device: str
    until: float


Handled = Ending | AwaitDoor | AwaitMotor | AwaitAudit
Handler = Callable[[Surroundings, str, msgspec.Struct], Handled]

_DONE = Ending(CommandOutcome.SUCCEEDED)
_NOT_FITTED = Ending(CommandOutcome.REJECTED, "not fitted")


def _rejected(why: str) -> Ending:
    return Ending(CommandOutcome.REJECTED, why)


def _open(around: Surroundings, order: str, args: msgspec.Struct) -> Handled:
    """Open a door by its name or that of a slot behind it."""
    if not isinstance(args, DoorArgs):
        raise TypeError(args)
    try:
        opening = around.cabinet.service_doors.open(args.door, order)
    except (UnknownDoorError, DoorBusyError) as error:
        return _rejected(str(error))
    except DriverError as error:
        return Ending(CommandOutcome.FAILED, str(error))
    if opening.open_already:
        return Ending(CommandOutcome.SUCCEEDED, "open already")
    return AwaitDoor(opening.door, opening.until)


def _test_vend(around: Surroundings, order: str, args: msgspec.Struct) -> Handled:
    """Open the door of a slot as a sale would; never past what keeps goods inside.

    `unlock` stays possible: taking goods out by hand is never blocked.
    """
    if not isinstance(args, DoorArgs):
        raise TypeError(args)
    target = around.cabinet.layout.targets.get(args.door, args.door)
    refused = around.cabinet.unfit_behind(target)
    if refused is not None:
        return _rejected(f"not handed out: {refused.reason} {refused.detail}".rstrip())
    if target not in around.cabinet.parts.motors.slots:
        return _open(around, order, args)
    fault = around.cabinet.look.facts(target).fault
    if fault is not None:
        return _rejected(f"the motor cannot turn: {fault}")
    try:
        around.pulse(target, order)
    except DriverError as error:
        return Ending(CommandOutcome.FAILED, str(error))
    return AwaitMotor(around.cabinet.parts.time.elapsed() + MOTOR_SECONDS)


def _service_mode(around: Surroundings, _order: str, args: msgspec.Struct) -> Handled:
    if not isinstance(args, ServiceModeArgs):
        raise TypeError(args)
    around.cabinet.parts.faults.service(on=args.on)
    return _DONE


def _release_hold(around: Surroundings, _order: str, args: msgspec.Struct) -> Handled:
    if not isinstance(args, ReleaseHoldArgs):
        raise TypeError(args)
    parts = around.cabinet.parts
    if parts.desired.desired is None or not parts.desired.desired.remote_release_allowed:
        return _rejected("this site does not allow a remote release")
    try:
        parts.faults.release(
            args.code,
            args.part,
            by=args.by,
            ground="remote_order",
            cleared_by=ClearedBy.REMOTE,
        )
    except NothingLatchedError as error:
        return _rejected(str(error))
    return _DONE


def _identify(around: Surroundings, _order: str, args: msgspec.Struct) -> Handled:
    if not isinstance(args, IdentifyArgs):
        raise TypeError(args)
    seconds = min(max(args.seconds, 0), IDENTIFY_SECONDS_MAX)
    around.identify_until = around.cabinet.parts.time.elapsed() + seconds
    return _DONE


def _sync(around: Surroundings, _order: str, _args: msgspec.Struct) -> Handled:
    around.sync()
    return _DONE


def _self_test(around: Surroundings, _order: str, _args: msgspec.Struct) -> Handled:
    found = around.cabinet.self_test()
    outcome = CommandOutcome.SUCCEEDED if found.good else CommandOutcome.FAILED
    return Ending(outcome, "", msgspec.to_builtins(found))


def _read_audit(around: Surroundings, _order: str, _args: msgspec.Struct) -> Handled:
    """Read the attached machine now; its report follows as `audit.read`."""
    if not around.audit_devices:
        return _NOT_FITTED
    device = around.audit_devices[0]
    around.poll_soon(device)
    return AwaitAudit(device, around.cabinet.parts.time.elapsed() + AUDIT_SECONDS_MAX)


def _collect_logs(_around: Surroundings, _order: str, _args: msgspec.Struct) -> Handled:
    return Ending(CommandOutcome.SUCCEEDED, "", {"lines": recent_lines(LOG_BYTES_MAX)})


def _reboot(around: Surroundings, _order: str, _args: msgspec.Struct) -> Handled:
    around.restart_wanted = True
    return _DONE


HANDLERS: Mapping[CommandName, Handler] = {
    CommandName.UNLOCK: _open,
    CommandName.TEST_VEND: _test_vend,
    CommandName.REBOOT: _reboot,
    CommandName.READ_AUDIT: _read_audit,
    CommandName.SELF_TEST: _self_test,
    CommandName.COLLECT_LOGS: _collect_logs,
    CommandName.IDENTIFY: _identify,
    CommandName.SERVICE_MODE: _service_mode,
    CommandName.RELEASE_HOLD: _release_hold,
    CommandName.SYNC: _sync,
}
