"""Settings of devices -> buses ready to start; the table of device kinds and their families.

Another lock board or probe is another row in the `KINDS` of its family and another name here; the
rest of the agent does not change.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module

from edge_agent.clock import Clock
from edge_agent.drivers.bus import POLL_SECONDS_DEFAULT, Bus
from edge_agent.drivers.errors import DeviceSettingsError
from edge_agent.drivers.kinds import DeviceKind, check
from edge_agent.drivers.line import ListenedPort
from edge_agent.drivers.reading_queue import ReadingQueue
from edge_agent.settings import BusSettings, DeviceSettings

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "edge_agent.drivers.audit.kinds": ("dex", "ddcmp"),
    "edge_agent.drivers.gpio.kinds": ("gpio",),
    "edge_agent.drivers.lock_board.kinds": ("cu16", "wkly", "8a", "cu48", "winnsen"),
    "edge_agent.drivers.modbus.kinds": ("xy-md02",),
    "edge_agent.drivers.payment.kinds": ("qibixx",),
    "edge_agent.drivers.spiral_board.kinds": ("fa-fb",),
    "edge_agent.drivers.temperature.kinds": ("carel-ir33", "dixell-xr"),
    "edge_agent.drivers.weight_shelf.kinds": ("cas-ci600d", "eagle-ei", "id551pn"),
}
"""Module of a family -> the kinds in its `KINDS`."""

_FAMILY_OF = {kind: family for family, kinds in FAMILIES.items() for kind in kinds}


def known_kinds() -> tuple[str, ...]:
    """Return every kind of device, for messages and for `doctor`."""
    return tuple(sorted(_FAMILY_OF))


def kind_named(name: str) -> DeviceKind | None:
    """Return the kind of this name; imports its family."""
    if name not in _FAMILY_OF:
        return None
    kinds: Mapping[str, DeviceKind] = import_module(_FAMILY_OF[name]).KINDS
    return kinds[name]


def build_bus(
    settings: BusSettings,
    readings: ReadingQueue,
    clock: Clock,
    *,
    poll_seconds: float = POLL_SECONDS_DEFAULT,
) -> Bus:
    """Build a bus; nothing is opened before it starts. Raises DeviceSettingsError."""
    kinds = [_kind_of(device) for device in settings.devices]
    baud_rate = settings.baud_rate or _one_baud_rate(settings, kinds)
    _check_alone(settings, kinds)
    _check_addresses(settings.devices)
    opening = kinds[0].port
    port = ListenedPort(opening(settings.port, baud_rate))
    pairs = zip(settings.devices, kinds, strict=True)
    devices = [kind.build(device, port, clock) for device, kind in pairs]
    every = settings.poll_seconds or poll_seconds
    return Bus(port, devices, readings, clock, poll_seconds=every)


def _kind_of(device: DeviceSettings) -> DeviceKind:
    kind = kind_named(device.kind)
    if kind is None:
        reason = f"unknown kind {device.kind!r}; known: {', '.join(known_kinds())}"
        raise DeviceSettingsError(device=device.name, key="kind", reason=reason)
    check(device, kind)
    return kind


def _one_baud_rate(settings: BusSettings, kinds: Sequence[DeviceKind]) -> int:
    rates = {kind.baud_rate for kind in kinds}
    if len(rates) != 1:
        reason = f"devices of one port need one baud rate, found {sorted(rates)}"
        raise DeviceSettingsError(device=settings.port, key="devices", reason=reason)
    return rates.pop()


def _check_alone(settings: BusSettings, kinds: Sequence[DeviceKind]) -> None:
    if len(kinds) > 1 and any(kind.alone for kind in kinds):
        lonely = next(
            device.name for device, kind in zip(settings.devices, kinds, strict=True) if kind.alone
        )
        raise DeviceSettingsError(
            device=lonely, key="kind", reason="shares its port with no other device"
        )


def _check_addresses(devices: Sequence[DeviceSettings]) -> None:
    """Two of a kind at one address would answer at once; other kinds speak other protocols."""
    name_of: dict[tuple[str, int], str] = {}
    for device in devices:
        place = (device.kind, device.address)
        if place in name_of:
            reason = f"{device.address} is that of {name_of[place]} already"
            raise DeviceSettingsError(device=device.name, key="address", reason=reason)
        name_of[place] = device.name
