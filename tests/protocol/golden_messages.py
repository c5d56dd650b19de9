"""One literal message for each kind of the wire; `tests/golden/` holds their bytes.

Written out by hand, so that a changed default or a renamed field shows as a changed file. The key
is a fixed test key: Ed25519 signatures are deterministic (RFC 8032), so the bytes are stable.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from protocol.commands import Command, CommandName
from protocol.desired import Desired, PlannedSlot
from protocol.enrolment import EnrolmentAnswer, EnrolmentRequest
from protocol.events import (
    AgentStarted,
    AuditRead,
    BlockedSlot,
    ClearedBy,
    ClockAnchored,
    CommandFinished,
    DesiredApplied,
    DesiredRejected,
    DoorCause,
    DoorMoved,
    FaultCleared,
    FaultRaised,
    HoldLatched,
    HoldReleased,
    LotConfidence,
    RefusalReason,
    RulesApplied,
    RulesRejected,
    SaleAdjusted,
    SaleCompleted,
    SaleLine,
    SaleMode,
    SaleRefused,
    Settlement,
    StartReason,
    StockCounted,
    StockMoved,
    TelemetryDropped,
    VendFailed,
)
from protocol.faults import Severity
from protocol.intervals import Uplink
from protocol.journal import (
    ClockQuality,
    Event,
    JournalBatch,
    Position,
    Receipt,
    Sample,
    TelemetryBatch,
)
from protocol.matching import Match
from protocol.presence import (
    Heartbeat,
    LanePosition,
    Presence,
    PresenceCause,
    PresenceState,
    ServerState,
    TimeRequest,
)
from protocol.rules import (
    BlockKind,
    DateRange,
    LotRange,
    Lots,
    Notice,
    OpenDoorAction,
    RecallClass,
    Rule,
    RuleBundle,
    Terms,
    Where,
)
from protocol.signatures import SignedKind, Signer
from protocol.time_reply import TimeReply
from protocol.work_order import WorkOrder, WorkOrderAction

AT = datetime(2026, 3, 2, 8, 0, 0, 250_000, tzinfo=UTC)
SIGNER = Signer(bytes(range(32)))
GTIN = "06901234567892"
EPOCH = "0195a3c0-7d00-7000-8000-000000000001"
BOOT = "0195a3c0-7d00-7000-8000-0000000000b0"
JOURNAL = LanePosition(epoch=EPOCH, head=103, floor=96)
TELEMETRY = LanePosition(epoch=EPOCH, head=88, floor=1)


@dataclass(frozen=True)
class Golden:
    """A message and the struct its bytes are read as."""

    message: Any
    read_as: type[msgspec.Struct]


LINE = SaleLine(
    line=1,
    slot="A1",
    gtin=GTIN,
    lot="L2403A",
    lot_confidence=LotConfidence.SINGLE,
    quantity=2,
    price_minor=450,
    expiry=date(2026, 3, 20),
    near_expiry_told=True,
    not_returnable_told=True,
)
FAULT = FaultRaised(
    fault="fault-1",
    code="DOOR_OPEN_LONG",
    part="door:A1",
    severity=Severity.M,
    since=AT,
    count=3,
    reading=61.5,
    limit=60.0,
    latched=True,
)
MOVED = StockMoved(
    slot="A1",
    gtin=GTIN,
    lot=None,
    quantity=6,
    by="technician-1",
    expiry=date(2026, 3, 20),
    production=date(2026, 2, 20),
    why="refill",
    bag="BAG-1",
    work_order="visit-1",
)

BODIES: Mapping[str, msgspec.Struct] = {
    "agent.started": AgentStarted(BOOT, StartReason.POWER, "0.1.0", ["locks", "probe"]),
    "agent.stopped": AgentStarted(BOOT, StartReason.UPDATE, "0.1.0"),
    "fault.raised": FAULT,
    "fault.repeated": msgspec.structs.replace(FAULT, severity=Severity.C, count=4),
    "fault.cleared": FaultCleared(
        "fault-1", "DOOR_OPEN_LONG", "door:A1", ClearedBy.ONSITE, 4, "technician-1"
    ),
    "door.opened": DoorMoved("A1", DoorCause.SERVICE),
    "door.closed": DoorMoved("A1", DoorCause.FORCED, 12.5),
    "sale.completed": SaleCompleted(
        sale="sale-1",
        mode=SaleMode.SLOT,
        lines=[LINE],
        total_minor=900,
        currency="CNY",
        payment_reference="pay-1",
        settlement=Settlement.PROVISIONAL,
        buyer_reference="buyer-1",
        sealed_contact="c2VhbGVk",
        rules_version=17,
    ),
    "sale.refused": SaleRefused(RefusalReason.RECALL, "A1", GTIN, "recall-1"),
    "sale.adjusted": SaleAdjusted("sale-1", "settled", [LINE], 900),
    "vend.failed": VendFailed("sale-1", "A1", "door did not open", "pay-1", "unknown", 900, "EUR"),
    "stock.loaded": MOVED,
    "stock.counted": StockCounted("A1", GTIN, "L2403A", 5, 6, "technician-1", "visit-1"),
    "stock.removed": msgspec.structs.replace(MOVED, lot="L2403A", why="recall"),
    "rules.applied": RulesApplied(17, "ab" * 32, [BlockedSlot("A1", "recall-1", Match.POSSIBLE)]),
    "rules.rejected": RulesRejected(16, 17, "a lower version"),
    "desired.applied": DesiredApplied(4),
    "desired.rejected": DesiredRejected(5, "thresholds.temp_high", "unknown key"),
    "hold.latched": HoldLatched("TEMP_SAFETY_HOLD", "cabinet", 5.0, 9.4),
    "hold.released": HoldReleased("TEMP_SAFETY_HOLD", "cabinet", "technician-1", "work_order"),
    "command.finished": CommandFinished("order-1", "succeeded", "opened", {"open_seconds": 3}),
    "audit.read": AuditRead("mdb", "good", {"VA1": {"paid_minor": 900}}),
    "telemetry.dropped": TelemetryDropped(1, 40, 20),
    "clock.anchored": ClockAnchored(BOOT, 61_000, AT),
}

ARGUMENTS: Mapping[CommandName, dict[str, Any]] = {
    CommandName.UNLOCK: {"door": "A1"},
    CommandName.TEST_VEND: {"door": "A1"},
    CommandName.REBOOT: {},
    CommandName.READ_AUDIT: {},
    CommandName.SELF_TEST: {},
    CommandName.COLLECT_LOGS: {},
    CommandName.IDENTIFY: {"seconds": 30},
    CommandName.SERVICE_MODE: {"on": True},
    CommandName.RELEASE_HOLD: {
        "code": "TEMP_SAFETY_HOLD",
        "part": "cabinet",
        "by": "technician-1",
    },
    CommandName.SYNC: {},
}


def event(kind: str, body: msgspec.Struct, seq: int = 101) -> Event:
    """Event as it lies in a batch."""
    raw = msgspec.Raw(msgspec.json.encode(body))
    return Event(seq, AT, 60_250, BOOT, kind, raw, ClockQuality.HOLDOVER)


def command(name: CommandName) -> Command:
    """Order with every field given."""
    return Command(
        kind=SignedKind.COMMAND,
        fleet="fleet",
        cabinet="C1",
        id="order-1",
        name=name,
        args=ARGUMENTS[name],
        issued_at=AT,
        ttl_s=60,
        counter=7,
        session=3 if name in {CommandName.UNLOCK, CommandName.TEST_VEND} else None,
    )


RULE = Rule(
    recall="recall-1",
    revision=2,
    block=BlockKind.RECALL,
    terms=Terms(
        gtins=[GTIN],
        lots=Lots(exact=["L2403A"], prefix=["X"], ranges=[LotRange("L100", "L199")]),
        serials=["S1"],
        expiry=DateRange(date(2026, 3, 1), date(2026, 3, 31)),
        production=DateRange(low=date(2026, 2, 1)),
    ),
    notice=Notice("暂停销售", "Not for sale"),
    recall_class=RecallClass.II,
    where=Where(["C1"], ["A1"], ["site-1"], ["east"]),
    open_door=OpenDoorAction.WARN,
)
HOLD = Rule("hold-1", 1, BlockKind.HOLD, Terms(gtins=[GTIN]), Notice("暂停销售", "On hold"))
BUNDLE = RuleBundle(SignedKind.RULES, "fleet", "*", 17, AT, [RULE, HOLD])
DESIRED = Desired(
    kind=SignedKind.DESIRED,
    fleet="fleet",
    cabinet="C1",
    version=4,
    site="site-1",
    region="east",
    time_zone="Europe/Berlin",
    currency="EUR",
    planogram=[
        PlannedSlot(
            slot="A1",
            gtin=GTIN,
            price_minor=450,
            name_zh="牛奶",
            name_en="Milk",
            capacity=8,
            par=6,
            perishable=True,
            chilled=True,
            returnable=False,
            near_expiry_days=3,
            sellable=False,
        )
    ],
    threshold_profile="fda",
    thresholds={"door_open_seconds": 90.0},
    lease_chilled_seconds=43_200.0,
    lease_other_seconds=86_400.0,
    service_pin_hash="scrypt$4096$8$1$c2FsdA==$aGFzaA==",
    remote_release_allowed=True,
    telemetry_period_seconds=60.0,
    settings={"screen_brightness": 80},
)
REPLY = TimeReply(SignedKind.REPLY, "fleet", "C1", "time", "nonce-1", AT)
WORK_ORDER = WorkOrder(
    SignedKind.WORK_ORDER,
    "fleet",
    "C1",
    "visit-1",
    "technician-1",
    [WorkOrderAction.UNLOCK, WorkOrderAction.REMOVE],
    AT,
)
PRESENCE = Presence(
    v=1,
    state=PresenceState.ONLINE,
    session=3,
    boot=BOOT,
    why=PresenceCause.BIRTH,
    uplink=Uplink.METERED,
    rules_version=17,
    desired_version=4,
    command_counter=7,
    journal=JOURNAL,
    telemetry=TELEMETRY,
    agent_version="0.1.0",
)


def _documents() -> dict[str, msgspec.Struct]:
    """Signed payloads, by name."""
    named: dict[str, msgspec.Struct] = {
        "desired": DESIRED,
        "rules": BUNDLE,
        "reply": REPLY,
        "work_order": WORK_ORDER,
    }
    return named | {f"command.{name}": command(name) for name in CommandName}


def _heartbeats() -> dict[str, msgspec.Struct]:
    return {
        "up.heartbeat": Heartbeat(
            v=1,
            session=3,
            boot=BOOT,
            uptime_seconds=3600,
            clock=ClockQuality.SYNCED,
            free_storage_bytes=10**9,
            rules_version=17,
            desired_version=4,
            command_counter=7,
            journal=JOURNAL,
            telemetry=TELEMETRY,
        ),
        "up.heartbeat.short": Heartbeat(
            v=1,
            session=3,
            boot=BOOT,
            clock=ClockQuality.SYNCED,
            rules_version=17,
            desired_version=4,
            command_counter=7,
            journal=JOURNAL,
        ),
    }


def _topics() -> dict[str, msgspec.Struct]:
    door = BODIES["door.opened"]
    return {
        "up.presence": PRESENCE,
        "up.presence.will": msgspec.structs.replace(
            PRESENCE, state=PresenceState.OFFLINE, why=PresenceCause.WILL, agent_version=""
        ),
        **_heartbeats(),
        "up.journal": JournalBatch(
            1,
            EPOCH,
            96,
            101,
            102,
            AT,
            ClockQuality.SYNCED,
            [event("door.opened", door), event("door.closed", BODIES["door.closed"], 102)],
        ),
        "up.telemetry": TelemetryBatch(
            1,
            EPOCH,
            1,
            88,
            88,
            AT,
            ClockQuality.UNSYNCED,
            [Sample(88, AT, 60_250, BOOT, "cabinet", "temperature_celsius", 3.5)],
        ),
        "up.request": TimeRequest(1, "time", "nonce-1"),
        "down.receipt": Receipt(
            1, "server-1", AT, Position(EPOCH, 103), Position(EPOCH, 88), 17, 4
        ),
        "down.receipt.first": Receipt(1, "server-1", AT),
        "all.server": ServerState(1, "server-1", PresenceState.ONLINE),
        "enrolment.request": EnrolmentRequest("claim-1", "SN-1", "0.1.0"),
        "enrolment.answer": EnrolmentAnswer(
            cabinet="C1",
            fleet="fleet",
            shard=11,
            brokers=["mqtt://broker:1883"],
            credential="secret",
            signing_keys=["a2V5"],
            sealing_key="c2VhbA==",
            uplink=Uplink.METERED,
            ca="PEM",
        ),
    }


def _all() -> dict[str, Golden]:
    plain = _topics() | {f"payload.{name}": one for name, one in _documents().items()}
    bodies = {f"event.{kind}": event(kind, body) for kind, body in BODIES.items()}
    signed = {f"envelope.{name}": SIGNER.sign(one) for name, one in _documents().items()}
    return {name: Golden(one, type(one)) for name, one in (plain | bodies | signed).items()}


GOLDEN: Mapping[str, Golden] = _all()
"""By the name of the file. Channels are `<way>.<kind>`, signed ones `envelope.<kind>`."""
