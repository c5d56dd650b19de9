"""The agent: `build` joins the parts, `Agent` steps them; read it like a table of contents.

One thread runs everything here, in bounded steps: hear the devices, hear the server, answer the
screen, let time pass. Bus threads, the MQTT thread and HTTP threads only put into bounded queues
and wake it. A full disk stops what needs to remember, and nothing else.
"""

import base64
import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path

from edge_agent.clock import Clock, SystemClock
from edge_agent.commands.handlers import Surroundings
from edge_agent.commands.ledger import CommandLedger
from edge_agent.commands.orders import Orders
from edge_agent.drivers.buses import Devices, build_buses
from edge_agent.drivers.reading_queue import ReadingQueue
from edge_agent.drivers.readings import PulseFailed, Reading, TemperatureReading
from edge_agent.local_api.access import AccessDesk
from edge_agent.local_api.calls import CallQueue
from edge_agent.local_api.desk import Desk
from edge_agent.local_api.screen import Screen
from edge_agent.local_api.server import LocalServer
from edge_agent.mqtt_link import Link, MqttLink
from edge_agent.outbox.contact import Contact
from edge_agent.outbox.presence import AGENT_VERSION, Address, Versions
from edge_agent.outbox.sampling import DEFAULT_PERIOD_SECONDS, Sampling
from edge_agent.outbox.store import Outbox
from edge_agent.outbox.telemetry import Telemetry
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.outbox.uplink import UplinkSession, UplinkSettings
from edge_agent.rules.desired_book import DesiredBook, thresholds
from edge_agent.rules.documents import Opener
from edge_agent.rules.rule_book import RuleBook
from edge_agent.rules.time_asking import TimeAsking
from edge_agent.seed import Chance
from edge_agent.selling.cabinet import Cabinet, Parts
from edge_agent.selling.doors import FAILED_POLLS_MAX, Doors
from edge_agent.selling.faults import FaultBook
from edge_agent.selling.slot_vend import SlotVends
from edge_agent.selling.stock import StockBook
from edge_agent.selling.storage_watch import StorageWatch
from edge_agent.settings import Settings, TelemetryMode
from edge_agent.store import StorageError, Store
from protocol.enrolment import EnrolmentAnswer
from protocol.events import AgentStarted, StartReason
from protocol.signatures import SignedKind
from protocol.topics import DownKind

SCHEMA_STEPS = tuple(
    resources.files(f"edge_agent.{part}").joinpath("schema.sql").read_text()
    for part in ("outbox", "rules", "selling", "commands")
)
"""In the order they were added; a released step is never changed, a later one is appended."""

READINGS_A_STEP = 64
"""Four boards of 16 doors; the rest waits for the next step."""
IDLE_SECONDS = 0.25
"""A step at least this often: holds and time-outs are counted in seconds."""
TIDY_EVERY_SECONDS = 60.0
"""500 events a minute are deleted at most: more than a cabinet ever writes."""
STALE_SECONDS_MIN = 10.0
_MACHINE_BOOT = "agent.machine_boot"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class World:
    """What comes from outside of the process, and what tests replace."""

    clock: Clock
    chance: Chance
    machine_boot: str = ""  # changes when the machine starts, not when only the process does
    link: Link | None = None
    devices: Devices | None = None
    after_commit: Callable[[], None] | None = None


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
    ) -> None:
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
        self._devices.check()
        for reading in self.readings.take(READINGS_A_STEP):
            self._keep(partial(self._observe, reading))
        self._keep(self._hear_server)
        self._desk.step()
        self.cabinet.step()
        self._desk.step()
        for part in (self._orders.step, self._telemetry.step, self._tidy):
            self._keep(part)

    def run(self, stop: threading.Event) -> None:
        """Step until `stop` is set or an order wants a new start; then end cleanly."""
        self.start()
        try:
            while not stop.is_set() and not self.restart_wanted:
                self._wake.clear()
                self.step()
                self._wake.wait(IDLE_SECONDS)
        finally:
            self.stop()

    def stop(self) -> None:
        """End: no more devices, the last events, goodbye, the file. Bounded."""
        self._server.stop()
        self._devices.stop()
        for part in (self._telemetry.flush, self.cabinet.parts.faults.flush, self._say_stopped):
            self._keep(part)
        self._keep(self._hear_server)  # the last events go out; a receipt is not waited for
        self.uplink.stop()
        self.cabinet.parts.store.close()

    def _announce(self) -> None:
        store = self.cabinet.parts.store
        same_machine_boot = store.value(_MACHINE_BOOT) == self._world.machine_boot
        reason = StartReason.RESTART if same_machine_boot else StartReason.POWER
        with contextlib.suppress(StorageError), store.transaction():
            store.remember(_MACHINE_BOOT, self._world.machine_boot)
            self._append_life("agent.started", reason)

    def _say_stopped(self) -> None:
        with self.cabinet.parts.store.transaction():
            self._append_life("agent.stopped", StartReason.RESTART)

    def _append_life(self, kind: str, reason: StartReason) -> None:
        names = self._settings.device_names()
        self.outbox.append(kind, AgentStarted(self.outbox.boot, reason, AGENT_VERSION, names))

    def _observe(self, reading: Reading) -> None:
        if isinstance(reading, TemperatureReading):
            desired = self.cabinet.parts.desired.desired
            period = desired.telemetry_period_seconds if desired else DEFAULT_PERIOD_SECONDS
            self._sampling.observe(reading, period)
        elif isinstance(reading, PulseFailed):
            self._orders.pulse_failed(reading)
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
            self.outbox.tidy()

    def _keep(self, part: Callable[[], object]) -> None:
        """Do a part; with a full disk it is tried again later, as its own contract says."""
        with contextlib.suppress(StorageError):
            part()


@dataclass(frozen=True)
class _Ground:
    """What every part stands on."""

    settings: Settings
    identity: EnrolmentAnswer
    world: World
    wake: threading.Event
    devices: Devices
    store: Store
    time: Timekeeper
    outbox: Outbox
    opener: Opener


def build(
    settings: Settings,
    identity: EnrolmentAnswer,
    world: World | None = None,
    *,
    clock: Clock | None = None,
) -> Agent:
    """Join the parts; `clock` alone is enough, `world` replaces more of what is outside.

    Raises StorageError, DeviceSettingsError, BrokerAddressError, OSError.
    """
    world = world or World(clock or SystemClock(), Chance.system())
    wake = threading.Event()
    readings = ReadingQueue(on_put=wake.set)
    devices = world.devices or build_buses(settings, readings, world.clock)
    ground = _ground(settings, identity, world, wake, devices)
    ledger = CommandLedger(ground.store, ground.outbox, ground.time)
    contact = Contact(ground.store, ground.time, answer_seconds=settings.birth_answer_seconds)
    telemetry = Telemetry(
        ground.store,
        ground.outbox,
        ground.time,
        commit_seconds=settings.telemetry_commit_seconds,
    )
    cabinet = _cabinet(ground, contact)
    uplink = _uplink(ground, cabinet, contact, telemetry, ledger)
    around = Surroundings(
        cabinet, frozenset(settings.all_doors()), devices.pulse, sync=uplink.birth_soon
    )
    calls = CallQueue(wake.set)
    return Agent(
        settings=settings,
        world=world,
        wake=wake,
        readings=readings,
        devices=devices,
        outbox=ground.outbox,
        telemetry=telemetry,
        uplink=uplink,
        cabinet=cabinet,
        orders=Orders(ledger, ground.opener, around),
        around=around,
        desk=_desk(ground, calls, cabinet, uplink, around),
        server=LocalServer(settings.local_api.host, settings.local_api.port, calls),
    )


def _ground(
    settings: Settings,
    identity: EnrolmentAnswer,
    world: World,
    wake: threading.Event,
    devices: Devices,
) -> _Ground:
    store = Store.open(
        Path(settings.data_dir),
        SCHEMA_STEPS,
        now=world.clock.wall(),
        after_commit=world.after_commit,
    )
    time = Timekeeper(store, world.clock, trusted=settings.clock_trusted)
    outbox = Outbox(store, time, world.chance, world.chance.new_id())
    keys = [base64.b64decode(key) for key in identity.signing_keys]
    opener = Opener.trusting(keys, identity.fleet, identity.cabinet)
    return _Ground(settings, identity, world, wake, devices, store, time, outbox, opener)


def _cabinet(ground: _Ground, contact: Contact) -> Cabinet:
    settings, store, outbox, time = ground.settings, ground.store, ground.outbox, ground.time
    stale_seconds = max(STALE_SECONDS_MIN, FAILED_POLLS_MAX * settings.poll_seconds)
    doors = Doors(store, outbox, time, stale_seconds=stale_seconds)
    stock = StockBook(store, outbox)
    desired = DesiredBook(store, outbox, ground.opener)
    return Cabinet(
        Parts(
            cabinet=ground.identity.cabinet,
            slot_doors=settings.slot_doors(),
            store=store,
            time=time,
            contact=contact,
            rules=RuleBook(store, outbox, time, ground.opener),
            asking=_asking(ground),
            desired=desired,
            stock=stock,
            doors=doors,
            faults=_faults(ground, desired),
            vends=_vends(ground, stock, doors),
            storage=StorageWatch(store, time, reserve_bytes=settings.storage_reserve_bytes),
        )
    )


def _asking(ground: _Ground) -> TimeAsking:
    return TimeAsking(
        store=ground.store,
        outbox=ground.outbox,
        time=ground.time,
        chance=ground.world.chance,
        opener=ground.opener,
        wanted=not ground.settings.clock_trusted,
    )


def _faults(ground: _Ground, desired: DesiredBook) -> FaultBook:
    return FaultBook(
        store=ground.store,
        outbox=ground.outbox,
        time=ground.time,
        chance=ground.world.chance,
        thresholds=thresholds(desired.desired),
        perishable=ground.settings.perishable,
    )


def _vends(ground: _Ground, stock: StockBook, doors: Doors) -> SlotVends:
    return SlotVends(
        store=ground.store,
        outbox=ground.outbox,
        stock=stock,
        doors=doors,
        time=ground.time,
        chance=ground.world.chance,
        pulse=ground.devices.pulse,
        sealing_key=base64.b64decode(ground.identity.sealing_key) or None,
        proof_seconds=ground.settings.proof_seconds,
    )


def _uplink(
    ground: _Ground,
    cabinet: Cabinet,
    contact: Contact,
    telemetry: Telemetry,
    ledger: CommandLedger,
) -> UplinkSession:
    settings, identity, parts = ground.settings, ground.identity, cabinet.parts
    return UplinkSession(
        link=ground.world.link or MqttLink.of(identity, settings.brokers, ground.wake.set),
        address=Address(identity.fleet, identity.cabinet),
        settings=UplinkSettings(
            identity.uplink, settings.reconnect_spread_seconds, settings.receipt_timeout_seconds
        ),
        store=ground.store,
        outbox=ground.outbox,
        telemetry=telemetry,
        contact=contact,
        time=ground.time,
        chance=ground.world.chance,
        versions=lambda: Versions(parts.rules.version, parts.desired.version, ledger.counter),
        ask_time=parts.asking.step,
    )


def _desk(
    ground: _Ground,
    calls: CallQueue,
    cabinet: Cabinet,
    uplink: UplinkSession,
    around: Surroundings,
) -> Desk:
    screen = Screen(
        cabinet,
        standing=uplink.standing,
        connected=lambda: uplink.connected,
        committed=lambda: ground.outbox.committed,
        identify=lambda: ground.time.elapsed() < around.identify_until,
    )
    access = AccessDesk(cabinet, ground.opener, ground.world.chance)
    return Desk(calls=calls, cabinet=cabinet, access=access, screen=screen, outbox=ground.outbox)
