"""The core: one thread that steps all parts in bounded turns.

Hear the devices, hear the server, answer the screen, let time pass. Bus threads, the MQTT thread
and HTTP threads only put into bounded queues and wake it. A full disk stops what needs to
remember, and nothing else.
"""

import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from edge_agent.clock import Clock
from edge_agent.commands.handlers import Surroundings
from edge_agent.commands.orders import Orders
from edge_agent.drivers.audit.readings import AuditReading
from edge_agent.drivers.buses import Devices
from edge_agent.drivers.reading_queue import ReadingQueue
from edge_agent.drivers.readings import (
    DeviceFailure,
    DispenseEnded,
    PulseFailed,
    Reading,
    TemperatureReading,
)
from edge_agent.local_api.desk import Desk
from edge_agent.local_api.server import LocalServer
from edge_agent.mqtt_link import Link
from edge_agent.outbox.audits import Audits
from edge_agent.outbox.sampling import DEFAULT_PERIOD_SECONDS, Sampling
from edge_agent.outbox.starts import Starts
from edge_agent.outbox.store import Outbox
from edge_agent.outbox.telemetry import Telemetry
from edge_agent.outbox.uplink import UplinkSession
from edge_agent.seed import Chance
from edge_agent.selling.cabinet import Cabinet
from edge_agent.settings import Settings, TelemetryMode
from edge_agent.storage_life import life_used_percent
from edge_agent.store import Patience, StorageError, Witness
from edge_agent.systemd import ServiceManager
from protocol.signatures import SignedKind
from protocol.topics import DownKind

READINGS_A_STEP = 64
"""Four boards of 16 doors; the rest waits for the next step."""
IDLE_SECONDS = 0.25
"""A step at least this often: holds and time-outs are counted in seconds."""
TIDY_EVERY_SECONDS = 60.0
"""500 events a minute are deleted at most: more than a cabinet ever writes."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class World:
    """What comes from outside of the process, and what tests replace."""

    clock: Clock
    chance: Chance
    machine_boot: str = ""  # changes when the machine starts, not when only the process does
    storage_life: Callable[[], int | None] = life_used_percent
    link: Link | None = None
    devices: Devices | None = None
    witness: Witness | None = None


class Agent:
    """All parts, stepped by one thread."""

    def __init__(  # noqa: PLR0913  # `build` gives each by name
        self,
        *,
        settings: Settings,
        world: World,
        wake: threading.Event,
        readings: ReadingQueue,
        devices: Devices,
        outbox: Outbox,
        telemetry: Telemetry,
        uplink: UplinkSession,
        cabinet: Cabinet,
        orders: Orders,
        around: Surroundings,
        desk: Desk,
        server: LocalServer,
        starts: Starts,
        audits: Audits,
    ) -> None:
        self._starts = starts
        self._audits = audits
        self.readings = readings
        self.cabinet = cabinet
        self.outbox = outbox
        self.uplink = uplink
        self._settings = settings
        self._world = world
        self._wake = wake
        self._devices = devices
        self._telemetry = telemetry
        self._orders = orders
        self._around = around
        self._desk = desk
        self._server = server
        every = settings.telemetry_mode is TelemetryMode.EVERY_READING
        self._sampling = Sampling(telemetry, every_reading=every)
        self._patience = Patience(cabinet.parts.store)
        self._tidy_at = 0.0

    @property
    def local_port(self) -> int:
        """Port of the local API."""
        return self._server.port

    @property
    def restart_wanted(self) -> bool:
        """Whether an order asked for a new start."""
        return self._around.restart_wanted

    def start(self) -> None:
        """Write the first event, then begin to listen."""
        self._announce()
        self._devices.start()
        self._server.start()

    def step(self) -> None:
        """One bounded turn. Raises only for defects of ours."""
        self._announce()
        self._devices.check()
        for reading in self.readings.take(READINGS_A_STEP):
            self._keep(partial(self._observe, reading))
        self._keep(self._hear_server)
        self._desk.step()
        self.cabinet.step()
        self._desk.step()
        parts = (self._orders.step, self._write_together, self.uplink.send_now, self._tidy)
        for part in parts:
            self._keep(part)

    def run(self, stop: threading.Event, manager: ServiceManager | None = None) -> None:
        """Step until `stop` is set or an order wants a new start; then end cleanly.

        The service manager's watchdog is fed after each step and only there.
        """
        manager = manager or ServiceManager()
        self.start()
        manager.ready()
        try:
            while not stop.is_set() and not self.restart_wanted:
                self._wake.clear()
                self.step()
                manager.alive(self._world.clock.elapsed())
                self._wake.wait(IDLE_SECONDS)
        finally:
            manager.stopping()
            self.stop()

    def stop(self) -> None:
        """End: no more devices, the last events, goodbye, the file. Bounded."""
        self._server.stop()
        self._devices.stop()
        for part in (self._write_all, self._say_stopped):
            self._keep(part)
        self._keep(self._hear_server)  # the last events go out; a receipt is not waited for
        self.uplink.stop()
        self.cabinet.parts.store.close()

    def abandon(self) -> None:
        """Let go of everything as a kill does: nothing more is written or said."""
        self._server.stop()
        self._devices.stop()
        self.cabinet.parts.store.close()

    def _write_together(self) -> None:
        """Write all that could wait when some of it cannot any more: commits wear the flash."""
        due = self._telemetry.due or self.cabinet.parts.faults.due
        if due and self._patience.worn_out(self._world.clock.elapsed()):
            self._write_all()

    def _write_all(self) -> None:
        parts = self.cabinet.parts
        with parts.store.transaction():
            self._telemetry.write()
            parts.faults.write()
            parts.contact.write()
        self._telemetry.written()
        parts.faults.written()
        parts.contact.written()

    def _announce(self) -> None:
        """Write the first event; a disk that was full then gets it when it takes writes again."""
        if self._starts.begun:
            return
        self._keep(partial(self._starts.begin, self._settings.device_names()))
        if self._starts.begun and self._starts.power_was_cut:
            self.cabinet.parts.faults.notice_once("POWER_BACK", "mains", cause="boot")

    def _say_stopped(self) -> None:
        self._starts.end(self._settings.device_names())

    def _observe(self, reading: Reading) -> None:
        if isinstance(reading, TemperatureReading):
            desired = self.cabinet.parts.desired.desired
            period = desired.telemetry_period_seconds if desired else DEFAULT_PERIOD_SECONDS
            self._sampling.observe(reading, period)
        elif isinstance(reading, PulseFailed):
            self._orders.pulse_failed(reading)
        elif isinstance(reading, DispenseEnded):
            self._orders.dispense_ended(reading)
        elif isinstance(reading, AuditReading):
            self._audits.keep(reading)
            self._orders.audit_ended(reading.device, "")
        elif isinstance(reading, DeviceFailure) and reading.kind == "audit":
            self._orders.audit_ended(reading.device, reading.detail)
        self.cabinet.observe(reading)

    def _hear_server(self) -> None:
        for order in self.uplink.step():
            if order.kind is DownKind.COMMAND:
                self._keep(partial(self._orders.receive, order.payload, self.uplink.session))
            else:
                self._keep(partial(self.cabinet.obey, SignedKind(order.kind), order.payload))

    def _tidy(self) -> None:
        elapsed = self._world.clock.elapsed()
        if elapsed >= self._tidy_at:
            self._tidy_at = elapsed + TIDY_EVERY_SECONDS
            self.outbox.tidy(short_of_space=not self.cabinet.parts.senses.storage.ok)

    def _keep(self, part: Callable[[], object]) -> None:
        """Do a part; with a full disk it is tried again later, as its own contract says."""
        with contextlib.suppress(StorageError):
            part()
