"""What a kind of device is: how it is reached, which settings it has, how it is built.

Families list their kinds in a `kinds.py` of their own; `build.py` imports only the families that
the settings name, because each imported module costs the agent memory.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from edge_agent.clock import Clock
from edge_agent.drivers.errors import DeviceSettingsError
from edge_agent.drivers.line import Port
from edge_agent.drivers.polled import PolledDevice
from edge_agent.drivers.serial_port import SerialPort
from edge_agent.settings import DeviceSettings

NO_ADDRESS = range(1)
"""For a device that is alone on its port and has no address: 0, the default of the setting."""

Option = str | int | float | bool


def open_serial(path: str, baud_rate: int) -> Port:
    """Port of every kind that does not say otherwise."""
    return SerialPort(path, baud_rate)


@dataclass(frozen=True, slots=True)
class DeviceKind:
    """How a kind of device is reached and built.

    `options` names every option with its default, whose type the setting must have;
    `input_options` those that each input has of its own, written `<option>.<input>`. `alone`: it
    shares its port with no other device. `build` raises DeviceSettingsError.
    """

    baud_rate: int
    addresses: range
    build: Callable[[DeviceSettings, Port, Clock], PolledDevice]
    options: Mapping[str, Option] = field(default_factory=dict)
    input_options: Mapping[str, Option] = field(default_factory=dict)
    alone: bool = False
    port: Callable[[str, int], Port] = open_serial


def option(device: DeviceSettings, kind: DeviceKind, key: str) -> Option:
    """Value of an option, or its default."""
    return device.options.get(key, kind.options[key])


def options_of(device: DeviceSettings, kind: DeviceKind) -> dict[str, Option]:
    """Every option that the device can have, with its default."""
    own = {
        f"{key}.{name}": default
        for key, default in kind.input_options.items()
        for name in device.inputs
    }
    return {**kind.options, **own}


def check(device: DeviceSettings, kind: DeviceKind) -> None:
    """Refuse an address or an option the kind does not have, and a number that is named twice.

    Raises DeviceSettingsError.
    """
    for table in ("doors", "shelves", "slots", "inputs"):
        _check_distinct(device, table, getattr(device, table))
    if device.address not in kind.addresses:
        low, high = kind.addresses[0], kind.addresses[-1]
        reason = f"{device.address} is not within {low} to {high}"
        raise DeviceSettingsError(device=device.name, key="address", reason=reason)
    defaults = options_of(device, kind)
    for key, value in device.options.items():
        if key not in defaults:
            known = ", ".join(sorted(defaults)) or "none"
            reason = f"unknown option; known: {known}"
            raise DeviceSettingsError(device=device.name, key=f"options.{key}", reason=reason)
        wanted = type(defaults[key])
        if not _is_of(value, wanted):
            reason = f"{value!r} is no {wanted.__name__}"
            raise DeviceSettingsError(device=device.name, key=f"options.{key}", reason=reason)


def _is_of(value: Option, wanted: type) -> bool:
    """Whether a setting has the type; a whole number is a float too, `true` and `nan` no number."""
    if isinstance(value, bool) or wanted is bool:
        return type(value) is wanted
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return isinstance(value, wanted) or (wanted is float and isinstance(value, int))


def _check_distinct(device: DeviceSettings, key: str, numbers: Mapping[str, int]) -> None:
    """Refuse two names for one lock or channel: a sale of one would move the other.

    Raises DeviceSettingsError.
    """
    name_of: dict[int, str] = {}
    for name, number in numbers.items():
        if number in name_of:
            reason = f"{number} is {name_of[number]} already"
            raise DeviceSettingsError(device=device.name, key=f"{key}.{name}", reason=reason)
        name_of[number] = name
