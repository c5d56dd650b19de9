"""Settings of one agent (a TOML file) and the identity it was given when it joined.

msgspec reads both: unknown keys are errors, so that a misspelt setting is found on the bench and
not in the field. The identity is a file of its own, readable by the agent alone, because it holds
the credential; the settings may be shown to anyone.
"""

import math
import os
import tomllib
from collections.abc import Collection
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec

from edge_agent.errors import OutsideError
from protocol.enrolment import EnrolmentAnswer
from protocol.intervals import RECEIPT_TIMEOUT_SECONDS, RECONNECT_SPREAD_SECONDS

IDENTITY_FILE = "identity.json"
OWNER_ONLY = 0o600
POLL_SECONDS_MAX = 10.0
"""Detection takes 30 s without a reading for a gap; two lost polls must not look like one."""


class SettingsError(OutsideError):
    """The settings or identity file cannot be used; `reason` names the key."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class TelemetryMode(StrEnum):
    """When a reading becomes a sample; `every_reading` is for measuring the agent."""

    ON_CHANGE = "on_change"
    EVERY_READING = "every_reading"


class DeviceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One device: name, kind, bus address, and what hangs on it, by names that the agent uses.

    Each table gives the device's own number for a name: locks from 1 for `doors`, channels from 1
    for `shelves`, selections for `slots`, line offsets for `inputs`. `part` is what a probe,
    controller or reader is about. `options` are listed by the device's page in docs/hardware.
    """

    name: str
    kind: str
    address: int = 0
    doors: dict[str, int] = {}
    part: str = ""
    shelves: dict[str, int] = {}
    slots: dict[str, int] = {}
    inputs: dict[str, int] = {}
    options: dict[str, str | int | float | bool] = {}


class BusSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One port and what hangs on it; rates that are not given are the devices' own."""

    port: str
    devices: list[DeviceSettings]
    poll_seconds: float | None = None
    baud_rate: int | None = None


class PaymentMode(StrEnum):
    """How the cabinet's own page takes payment; `fake` says so on the screen and takes none."""

    NONE = "none"
    FAKE = "fake"


class LocalApiSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the payment screen and the technician on site reach the agent; port 0: any free."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 8090
    payment: PaymentMode = PaymentMode.NONE


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings of `edge-agent run`; `deploy/edge-agent.example.toml` explains each."""

    data_dir: str
    buses: list[BusSettings] = []
    slots: dict[str, str] = {}
    """Slot -> door. Empty: every door of every lock board is a slot of its own name.

    Slots of a spiral board stand at the device and need no row here.
    """
    slot_shelves: dict[str, str] = {}
    """Slot -> shelf on a scale. Given: an open-door cabinet, all its slots behind one door."""
    perishable: bool = True
    """Whether perishable goods may be inside; decides severities and the hold after a loss."""
    local_api: LocalApiSettings = LocalApiSettings()
    brokers: list[str] = []
    """Overrides the brokers of the identity: `mqtt://host:port`."""
    poll_seconds: float = 1.0
    reconnect_spread_seconds: float = RECONNECT_SPREAD_SECONDS
    receipt_timeout_seconds: float = RECEIPT_TIMEOUT_SECONDS
    proof_seconds: float = 10.0
    """A door that did not open within this long of its pulse was not opened by it."""
    birth_answer_seconds: float = 60.0
    """How long after a birth the gate waits for the server before it counts it as not there."""
    clock_trusted: bool = False
    """True where NTP keeps the system clock (P-18); else the server is asked for the time."""
    telemetry_mode: TelemetryMode = TelemetryMode.ON_CHANGE
    telemetry_commit_seconds: float = 600.0
    """Samples are written at most this often (flash wear)."""
    storage_reserve_bytes: Annotated[int, msgspec.Meta(ge=0)] = 8 * 1024 * 1024
    """With less free space than this the cabinet stops selling (P-7)."""
    log_level: LogLevel = LogLevel.INFO

    def slot_targets(self) -> dict[str, str]:
        """Slot -> what hands it out: a door, or for a motor the slot itself."""
        motors = [slot for slots in self.motor_slots().values() for slot in slots]
        doors = dict(self.slots) or self._default_slots()
        return {**doors, **{slot: slot for slot in motors}}

    def all_doors(self) -> list[str]:
        """Every door of every lock board."""
        return [door for device in self._devices() for door in device.doors]

    def all_shelves(self) -> list[str]:
        """Every shelf of every scale."""
        return [shelf for device in self._devices() for shelf in device.shelves]

    def motor_slots(self) -> dict[str, tuple[str, ...]]:
        """Vending controller -> the slots its motors hand out."""
        return {device.name: tuple(device.slots) for device in self._devices() if device.slots}

    def device_names(self) -> list[str]:
        """Every device of every bus."""
        return [device.name for device in self._devices()]

    def devices_of(self, kinds: Collection[str]) -> tuple[str, ...]:
        """Names of the devices of these kinds."""
        return tuple(device.name for device in self._devices() if device.kind in kinds)

    def _default_slots(self) -> dict[str, str]:
        doors = self.all_doors()
        if self.slot_shelves:
            return dict.fromkeys(self.slot_shelves, doors[0]) if doors else {}
        return {door: door for door in doors}

    def _devices(self) -> list[DeviceSettings]:
        return [device for bus in self.buses for device in bus.devices]


def read_settings(path: Path) -> Settings:
    """TOML file -> settings. Raises SettingsError naming the key that is wrong."""
    try:
        settings = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Settings)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(path, str(error)) from error
    except msgspec.ValidationError as error:
        raise SettingsError(path, str(error)) from error
    _check(settings, path)
    return settings


def _check(settings: Settings, path: Path) -> None:
    _check_names(settings, path)
    _check_slots(settings, path)
    _check_shelves(settings, path)
    _check_seconds(settings, path)
    _check_polls(settings, path)


def _check_names(settings: Settings, path: Path) -> None:
    motors = [slot for slots in settings.motor_slots().values() for slot in slots]
    for names, what in (
        ([*settings.all_doors(), *motors], "door or motor slot"),
        (settings.device_names(), "device"),
        (settings.all_shelves(), "shelf"),
        ([bus.port for bus in settings.buses], "port"),
    ):
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise SettingsError(path, f"buses: {what} {min(twice)!r} is used twice")
        if "" in names:
            raise SettingsError(path, f"buses: a {what} has no name")


def _check_slots(settings: Settings, path: Path) -> None:
    motors = [slot for slots in settings.motor_slots().values() for slot in slots]
    for slot, door in settings.slots.items():
        if door not in settings.all_doors():
            raise SettingsError(path, f"slots.{slot}: no lock board has a door {door!r}")
        if slot in motors:
            raise SettingsError(path, f"slots.{slot}: a motor hands it out already")


def _check_seconds(settings: Settings, path: Path) -> None:
    for key in ("receipt_timeout_seconds", "proof_seconds"):
        if not 0 < getattr(settings, key) < math.inf:
            raise SettingsError(path, f"{key}: must be more than 0")
    for key in ("reconnect_spread_seconds", "birth_answer_seconds", "telemetry_commit_seconds"):
        if not 0 <= getattr(settings, key) < math.inf:
            raise SettingsError(path, f"{key}: must not be negative")


def _check_polls(settings: Settings, path: Path) -> None:
    every = {"poll_seconds": settings.poll_seconds}
    for bus in settings.buses:
        if bus.poll_seconds is not None:
            every[f"buses.{bus.port}.poll_seconds"] = bus.poll_seconds
    for key, seconds in every.items():
        if not 0 < seconds <= POLL_SECONDS_MAX:
            raise SettingsError(path, f"{key}: must be more than 0 and at most {POLL_SECONDS_MAX}")


def _check_shelves(settings: Settings, path: Path) -> None:
    """An open-door cabinet has one door, and every slot of it a shelf."""
    if not settings.slot_shelves:
        return
    targets = settings.slot_targets()
    if len(set(targets.values())) != 1 or settings.motor_slots():
        raise SettingsError(path, "slot_shelves: an open-door cabinet has exactly one door")
    for slot in targets:
        if slot not in settings.slot_shelves:
            raise SettingsError(path, f"slot_shelves.{slot}: this slot has no shelf")
    for slot, shelf in settings.slot_shelves.items():
        if shelf not in settings.all_shelves():
            raise SettingsError(path, f"slot_shelves.{slot}: no scale has a shelf {shelf!r}")
        if slot not in targets:
            raise SettingsError(path, f"slot_shelves.{slot}: slots has no such slot")


def read_identity(data_dir: Path) -> EnrolmentAnswer:
    """Identity the cabinet joined with. Raises SettingsError when it never joined."""
    path = data_dir / IDENTITY_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=EnrolmentAnswer)
    except FileNotFoundError as error:
        raise SettingsError(path, "not there: run `edge-agent enrol` first") from error
    except (OSError, msgspec.DecodeError) as error:
        raise SettingsError(path, str(error)) from error


def write_identity(data_dir: Path, identity: EnrolmentAnswer) -> None:
    """Keep the identity, readable by the owner of the folder alone; whole or not at all."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path, fresh = data_dir / IDENTITY_FILE, data_dir / f"{IDENTITY_FILE}.new"
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as file:
        if os.geteuid() == 0:  # enrolled by hand; the service that owns the folder has to read it
            owner = data_dir.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        file.write(msgspec.json.encode(identity))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
