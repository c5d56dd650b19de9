"""What can go wrong between us and a device; port, device and command are fields.

All of these are the outside's doing except the misuse errors at the end.
"""

from edge_agent.errors import MisuseError, OutsideError


class DriverError(OutsideError):
    """A device or its port did not do what was asked."""

    def __init__(self, reason: str, *, port: str, device: str = "", command: str = "") -> None:
        self.reason = reason
        self.port = port
        self.device = device
        self.command = command
        where = " ".join(word for word in (port, device, command) if word)
        super().__init__(f"{where}: {reason}")


class PortGoneError(DriverError):
    """The serial port is not there, was unplugged, or takes no bytes any more."""


class NoAnswerError(DriverError):
    """The device said nothing within its time."""


class BadFrameError(DriverError):
    """Bytes came, but no valid frame among them within the time."""


class DeviceRefusedError(DriverError):
    """The device answered, and said no (a Modbus exception code, say)."""


class ZeroNotTakenError(DriverError):
    """A scale has no weight to take for its zero, or was told one and shows another."""


class OrdersFullError(DriverError):
    """More orders wait for this bus than it will ever carry out in time; none was added."""


class UnknownTargetError(MisuseError):
    """A door or slot was named that no device on this bus has."""

    def __init__(self, *, bus: str, target: str) -> None:
        self.bus = bus
        self.target = target
        super().__init__(f"no device on {bus} moves {target!r}")


class LockOutOfRangeError(MisuseError):
    """A lock number was given that this kind of board does not have."""

    def __init__(self, *, board: str, lock: int, locks: int) -> None:
        self.board = board
        self.lock = lock
        super().__init__(f"{board} has locks 1 to {locks}, not {lock}")


class UnknownShelfError(MisuseError):
    """A shelf was named that no channel of this scale carries."""

    def __init__(self, *, device: str, shelf: str) -> None:
        self.device = device
        self.shelf = shelf
        super().__init__(f"{device} carries no shelf {shelf!r}")


class NotWritableError(MisuseError):
    """A value was to be written that the profile of the device names no row for."""

    def __init__(self, *, device: str, value: str) -> None:
        self.device = device
        self.value = value
        super().__init__(f"{device} has no {value!r} that can be written")


class AmountError(MisuseError):
    """An amount of money was given that no payment has."""

    def __init__(self, *, device: str, amount_minor: int) -> None:
        self.device = device
        self.amount_minor = amount_minor
        super().__init__(f"{device}: {amount_minor} minor units cannot be paid")


class WrongModeError(MisuseError):
    """A payment adapter was told what only its other mode can do."""

    def __init__(self, *, device: str, mode: str, command: str) -> None:
        self.device = device
        self.mode = mode
        self.command = command
        super().__init__(f"{device} is {mode}, it cannot {command}")


class DeviceSettingsError(OutsideError):
    """The settings describe a device that cannot be."""

    def __init__(self, *, device: str, key: str, reason: str) -> None:
        self.device = device
        self.key = key
        self.reason = reason
        super().__init__(f"device {device!r}, {key}: {reason}")
