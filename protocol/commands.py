"""Orders to one cabinet (protocol v1, P-13, P-14): names, arguments, payload, states."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from protocol.errors import MalformedMessageError
from protocol.intervals import PHYSICAL_COMMAND_TTL_MAX_SECONDS
from protocol.signatures import SignedKind
from protocol.wire import decode_json


class CommandName(StrEnum):
    """All names; an agent answers `rejected` for those its cabinet cannot do."""

    UNLOCK = "unlock"
    TEST_VEND = "test_vend"
    REBOOT = "reboot"
    READ_AUDIT = "read_audit"
    SELF_TEST = "self_test"
    COLLECT_LOGS = "collect_logs"
    IDENTIFY = "identify"
    SERVICE_MODE = "service_mode"
    RELEASE_HOLD = "release_hold"
    SYNC = "sync"


PHYSICAL = frozenset({CommandName.UNLOCK, CommandName.TEST_VEND})
"""One-shot orders that move something: bound to a session, live at most 60 s (P-13)."""


class CommandOutcome(StrEnum):
    """What a cabinet reports in `command.finished`."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"


class DoorArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`unlock`, `test_vend`: which door or slot."""

    door: str


class ServiceModeArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`service_mode`: on or off."""

    on: bool


class ReleaseHoldArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`release_hold`: which hold (fault code) and part, and who inspected."""

    code: str
    part: str
    by: str


class IdentifyArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`identify`: show yourself for so long."""

    seconds: int = 30


class NoArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Orders that say all by their name."""


ARGUMENTS: dict[CommandName, type[msgspec.Struct]] = {
    CommandName.UNLOCK: DoorArgs,
    CommandName.TEST_VEND: DoorArgs,
    CommandName.REBOOT: NoArgs,
    CommandName.READ_AUDIT: NoArgs,
    CommandName.SELF_TEST: NoArgs,
    CommandName.COLLECT_LOGS: NoArgs,
    CommandName.IDENTIFY: IdentifyArgs,
    CommandName.SERVICE_MODE: ServiceModeArgs,
    CommandName.RELEASE_HOLD: ReleaseHoldArgs,
    CommandName.SYNC: NoArgs,
}


class Command(msgspec.Struct, frozen=True, omit_defaults=True):
    """Payload of a signed order."""

    kind: SignedKind
    fleet: str
    cabinet: str
    id: str
    name: CommandName
    args: dict[str, Any]
    issued_at: datetime
    ttl_s: int
    counter: int
    session: int | None = None


def read_command(payload: str) -> Command:
    """Payload text -> command whose fields agree; MalformedMessageError when they do not."""
    command = decode_json(payload, Command)
    if command.name in PHYSICAL:
        if command.session is None:
            raise MalformedMessageError(f"{command.name} without a session number")
        if not 0 < command.ttl_s <= PHYSICAL_COMMAND_TTL_MAX_SECONDS:
            raise MalformedMessageError(f"{command.name} may live at most 60 s")
    if command.counter < 1 or command.ttl_s < 1:
        raise MalformedMessageError("counter and ttl_s start at 1")
    check_args(command.name, command.args)
    return command


def check_args(name: CommandName, args: dict[str, Any]) -> msgspec.Struct:
    """Arguments -> their typed form; MalformedMessageError names what is wrong."""
    try:
        return msgspec.convert(args, ARGUMENTS[name])
    except msgspec.ValidationError as error:
        raise MalformedMessageError(f"arguments of {name}: {error}") from error
