"""The kinds of lock boards; a board's modules are imported only when its kind is built.

One cabinet has one or two kinds of boards, and each imported module costs the agent memory.
"""

from collections.abc import Callable, Mapping

from edge_agent.clock import Clock
from edge_agent.drivers.errors import DeviceSettingsError
from edge_agent.drivers.kinds import DeviceKind, Option
from edge_agent.drivers.line import Port
from edge_agent.drivers.lock_board.interface import LockBoard
from edge_agent.drivers.polled import PolledDevice, PolledLockBoard
from edge_agent.settings import DeviceSettings

Options = Mapping[str, Option]
MakeBoard = Callable[[DeviceSettings, Port, Clock, Options], LockBoard]


def _kind(baud_rate: int, addresses: range, make: MakeBoard, options: Options) -> DeviceKind:
    def build(settings: DeviceSettings, port: Port, clock: Clock) -> PolledDevice:
        board = make(settings, port, clock, {**options, **settings.options})
        return PolledLockBoard(name=settings.name, board=board, doors=settings.doors, clock=clock)

    return DeviceKind(baud_rate, addresses, build, options)


def _cu16(settings: DeviceSettings, port: Port, clock: Clock, _: Options) -> LockBoard:
    from edge_agent.drivers.lock_board.cu16.driver import Cu16Board

    return Cu16Board(port, clock, name=settings.name, board=settings.address)


def _wkly(settings: DeviceSettings, port: Port, clock: Clock, options: Options) -> LockBoard:
    from edge_agent.drivers.lock_board.wkly.driver import WklyBoard

    locks = _locks(settings, options, WKLY_LOCKS_MAX)
    return WklyBoard(port, clock, name=settings.name, board=settings.address, locks=locks)


def _eight_a(settings: DeviceSettings, port: Port, clock: Clock, options: Options) -> LockBoard:
    from edge_agent.drivers.lock_board.eight_a.driver import EightABoard

    return EightABoard(
        port,
        clock,
        name=settings.name,
        board=settings.address,
        inverted_feedback=bool(options["inverted_feedback"]),
    )


def _cu48(settings: DeviceSettings, port: Port, clock: Clock, options: Options) -> LockBoard:
    from edge_agent.drivers.lock_board.cu48.driver import Cu48Board

    return Cu48Board(
        port,
        clock,
        name=settings.name,
        board=settings.address,
        status_length_byte=bool(options["status_length_byte"]),
    )


def _winnsen(settings: DeviceSettings, port: Port, clock: Clock, options: Options) -> LockBoard:
    from edge_agent.drivers.lock_board.winnsen.driver import WinnsenBoard

    return WinnsenBoard(
        port,
        clock,
        name=settings.name,
        station=settings.address,
        locks=_locks(settings, options, WINNSEN_LOCKS_MAX),
        swapped_status=bool(options["swapped_status"]),
    )


def _locks(settings: DeviceSettings, options: Options, maximum: int) -> int:
    locks = int(options["locks"])
    if not 1 <= locks <= maximum:
        reason = f"{locks} is not within 1 to {maximum}"
        raise DeviceSettingsError(device=settings.name, key="options.locks", reason=reason)
    return locks


# Numbers of the boards stand here again, because their modules are not imported; a test compares.
WKLY_LOCKS_MAX = 245
WINNSEN_LOCKS_MAX = 16

KINDS: Mapping[str, DeviceKind] = {
    "cu16": _kind(19_200, range(10), _cu16, {}),
    "wkly": _kind(9_600, range(32), _wkly, {"locks": 24}),
    "8a": _kind(9_600, range(1, 32), _eight_a, {"inverted_feedback": False}),
    "cu48": _kind(19_200, range(256), _cu48, {"status_length_byte": False}),
    "winnsen": _kind(9_600, range(4), _winnsen, {"locks": 16, "swapped_status": False}),
}
