"""The kinds of spiral boards."""

from collections.abc import Mapping

from edge_agent.clock import Clock
from edge_agent.drivers.errors import DeviceSettingsError
from edge_agent.drivers.kinds import NO_ADDRESS, DeviceKind, Option
from edge_agent.drivers.line import Port
from edge_agent.drivers.polled import PolledDevice
from edge_agent.drivers.readings import MachinePart
from edge_agent.drivers.spiral_board.fa_fb.driver import BAUD_RATE, FaFbController
from edge_agent.drivers.spiral_board.fa_fb.frames import SELECTION_MAX, FaFbCommand
from edge_agent.drivers.spiral_board.fa_fb.machine import MachineNames
from edge_agent.drivers.spiral_board.fa_fb.vend_command import VendCommand
from edge_agent.settings import DeviceSettings

FA_FB_OPTIONS: Mapping[str, Option] = {
    "command": "drive",
    "drop_sensor": True,
    "elevator": False,
    "repeat": True,
    "fitted": "temperature_controller, door",
}
COMMANDS = {"drive": FaFbCommand.DRIVE, "buy": FaFbCommand.BUY}


def _build_fa_fb(settings: DeviceSettings, port: Port, clock: Clock) -> PolledDevice:
    options = {**FA_FB_OPTIONS, **settings.options}
    names = MachineNames(
        settings.name,
        _slot_of(settings),
        settings.part or settings.name,
        _fitted(settings, str(options["fitted"])),
    )
    vend = VendCommand(
        _command(settings, str(options["command"])),
        drop_sensor=bool(options["drop_sensor"]),
        elevator=bool(options["elevator"]),
        repeats=bool(options["repeat"]),
    )
    return FaFbController(port, clock, names, settings.slots, vend)


def _slot_of(settings: DeviceSettings) -> dict[int, str]:
    for slot, selection in settings.slots.items():
        if not 1 <= selection <= SELECTION_MAX:
            raise _error(settings, f"slots.{slot}", f"no selection {selection}")
    return {selection: slot for slot, selection in settings.slots.items()}


def _fitted(settings: DeviceSettings, text: str) -> frozenset[MachinePart]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in list(MachinePart):
            known = ", ".join(MachinePart)
            raise _error(settings, "options.fitted", f"unknown part {name!r}; known: {known}")
    return frozenset(MachinePart(name) for name in names)


def _command(settings: DeviceSettings, name: str) -> FaFbCommand:
    if name not in COMMANDS:
        known = ", ".join(sorted(COMMANDS))
        raise _error(settings, "options.command", f"unknown command {name!r}; known: {known}")
    return COMMANDS[name]


def _error(settings: DeviceSettings, key: str, reason: str) -> DeviceSettingsError:
    return DeviceSettingsError(device=settings.name, key=key, reason=reason)


KINDS: Mapping[str, DeviceKind] = {
    "fa-fb": DeviceKind(BAUD_RATE, NO_ADDRESS, _build_fa_fb, FA_FB_OPTIONS, alone=True),
}
