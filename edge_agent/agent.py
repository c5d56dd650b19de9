"""The agent: `build` joins the parts; read it like a table of contents. `core.py` steps them."""

import base64
import threading
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from edge_agent.clock import Clock, SystemClock
from edge_agent.commands.handlers import Surroundings
from edge_agent.commands.ledger import CommandLedger
from edge_agent.commands.orders import Orders
from edge_agent.core import Agent, World
from edge_agent.drivers.buses import Devices, build_buses
from edge_agent.drivers.reading_queue import ReadingQueue
from edge_agent.local_api.access import AccessDesk
from edge_agent.local_api.calls import CallQueue
from edge_agent.local_api.desk import Desk
from edge_agent.local_api.payment import FakeQrPayment, PaymentPort
from edge_agent.local_api.screen import Screen
from edge_agent.local_api.server import LocalServer
from edge_agent.local_api.service import ServiceDesk
from edge_agent.local_api.till import Till
from edge_agent.mqtt_link import MqttLink
from edge_agent.outbox.audits import AUDIT_KINDS, Audits
from edge_agent.outbox.contact import Contact
from edge_agent.outbox.link_quality import LinkQuality
from edge_agent.outbox.presence import Address, Versions
from edge_agent.outbox.starts import Starts
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
from edge_agent.selling.contacts import Contacts
from edge_agent.selling.door_session import DoorSessions
from edge_agent.selling.doors import FAILED_POLLS_MAX, Doors
from edge_agent.selling.faults import FaultBook
from edge_agent.selling.inspection import Inspection, Layout
from edge_agent.selling.motor_pauses import MotorPauses
from edge_agent.selling.motors import Motors
from edge_agent.selling.scales import Scales
from edge_agent.selling.self_watch import Senses
from edge_agent.selling.service_doors import ServiceDoors
from edge_agent.selling.slot_vend import SlotVends
from edge_agent.selling.stock import StockBook
from edge_agent.selling.storage_watch import StorageWatch
from edge_agent.settings import PaymentMode, Settings
from edge_agent.store import Store
from protocol.enrolment import EnrolmentAnswer

__all__ = ["SCHEMA_STEPS", "Agent", "World", "build"]

SCHEMA_STEPS = tuple(
    resources.files(f"edge_agent.{part}").joinpath(name).read_text()
    for part, name in (
        ("outbox", "schema.sql"),
        ("rules", "schema.sql"),
        ("selling", "schema.sql"),
        ("commands", "schema.sql"),
        ("selling", "sessions.sql"),
    )
)
"""In the order they were added; a released step is never changed, a later one is appended."""

STALE_SECONDS_MIN = 10.0
"""A door or shelf not seen for so long is unknown, however fast it is polled."""


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
    senses: Senses


def build(
    settings: Settings,
    identity: EnrolmentAnswer,
    world: World | None = None,
    *,
    clock: Clock | None = None,
) -> Agent:
    """Join the parts; `clock` alone is enough, `world` replaces more of what is outside.

    Raises StorageError, DeviceSettingsError, BrokerAddressError, NoBrokerError, OSError.
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
    around = _surroundings(ground, cabinet, uplink)
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
        starts=ground.senses.starts,
        audits=Audits(ground.store, ground.outbox),
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
        witness=world.witness,
    )
    time = Timekeeper(store, world.clock, trusted=settings.clock_trusted)
    outbox = Outbox(store, time, world.chance, world.chance.short_id())
    keys = [base64.b64decode(key) for key in identity.signing_keys]
    opener = Opener.trusting(keys, identity.fleet, identity.cabinet)
    senses = Senses(
        StorageWatch(store, time, reserve_bytes=settings.storage_reserve_bytes),
        Starts(store, outbox, time, world.machine_boot),
        LinkQuality(),
        world.storage_life,
    )
    return _Ground(settings, identity, world, wake, devices, store, time, outbox, opener, senses)


def _cabinet(ground: _Ground, contact: Contact) -> Cabinet:
    settings, store, outbox, time = ground.settings, ground.store, ground.outbox, ground.time
    stale_seconds = max(STALE_SECONDS_MIN, FAILED_POLLS_MAX * settings.poll_seconds)
    doors = Doors(store, outbox, time, stale_seconds=stale_seconds)
    scales = Scales(time, stale_seconds=stale_seconds)
    motors = Motors(settings.motor_slots())
    stock = StockBook(store, outbox)
    desired = DesiredBook(store, outbox, ground.opener)
    parts = Parts(
        store=store,
        time=time,
        contact=contact,
        rules=RuleBook(store, outbox, time, ground.opener),
        asking=_asking(ground),
        desired=desired,
        stock=stock,
        doors=doors,
        motors=motors,
        scales=scales,
        faults=_faults(ground, desired),
        vends=_vends(ground, stock, doors, motors),
        sessions=_sessions(ground, stock, doors, scales),
        senses=ground.senses,
        pauses=MotorPauses(store, motors, ground.devices.set_units),
    )
    look = _inspection(ground, parts)
    by_hand = ServiceDoors(look, frozenset(settings.all_doors()), ground.devices.pulse)
    return Cabinet(parts, look, by_hand)


def _inspection(ground: _Ground, parts: Parts) -> Inspection:
    settings = ground.settings
    return Inspection(
        layout=Layout(
            ground.identity.cabinet,
            settings.slot_targets(),
            dict(settings.slot_shelves),
            frozenset(settings.all_doors()),
        ),
        time=parts.time,
        contact=parts.contact,
        rules=parts.rules,
        desired=parts.desired,
        stock=parts.stock,
        doors=parts.doors,
        motors=parts.motors,
        scales=parts.scales,
        faults=parts.faults,
        vends=parts.vends,
        sessions=parts.sessions,
        storage=parts.senses.storage,
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


def _vends(ground: _Ground, stock: StockBook, doors: Doors, motors: Motors) -> SlotVends:
    return SlotVends(
        store=ground.store,
        outbox=ground.outbox,
        stock=stock,
        doors=doors,
        time=ground.time,
        chance=ground.world.chance,
        contacts=_contacts(ground),
        pulse=ground.devices.pulse,
        proof_seconds=ground.settings.proof_seconds,
        motors=motors.slots,
    )


def _sessions(ground: _Ground, stock: StockBook, doors: Doors, scales: Scales) -> DoorSessions:
    return DoorSessions(
        store=ground.store,
        outbox=ground.outbox,
        stock=stock,
        doors=doors,
        scales=scales,
        time=ground.time,
        chance=ground.world.chance,
        contacts=_contacts(ground),
        pulse=ground.devices.pulse,
        proof_seconds=ground.settings.proof_seconds,
    )


def _contacts(ground: _Ground) -> Contacts:
    return Contacts(base64.b64decode(ground.identity.sealing_key) or None)


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
        quality=ground.senses.quality,
    )


def _surroundings(ground: _Ground, cabinet: Cabinet, uplink: UplinkSession) -> Surroundings:
    return Surroundings(
        cabinet,
        ground.devices.pulse,
        sync=uplink.birth_soon,
        poll_soon=ground.devices.poll_soon,
        audit_devices=ground.settings.devices_of(AUDIT_KINDS),
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
        payment=ground.settings.local_api.payment,
    )
    access = AccessDesk(cabinet, ground.opener, ground.world.chance)
    return Desk(
        calls=calls,
        cabinet=cabinet,
        service=ServiceDesk(cabinet, access, ground.world.chance),
        till=Till(cabinet, _payment(ground)),
        screen=screen,
        outbox=ground.outbox,
    )


def _payment(ground: _Ground) -> PaymentPort | None:
    fake = ground.settings.local_api.payment is PaymentMode.FAKE
    return FakeQrPayment(ground.time.elapsed) if fake else None
