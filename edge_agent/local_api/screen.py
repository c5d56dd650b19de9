"""What the screen shows: slots with price and reason, holds, faults, how the cabinet stands."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from edge_agent.outbox.presence import Standing
from edge_agent.selling.cabinet import Cabinet
from edge_agent.selling.gate import Allowed, Lot, Refused
from edge_agent.settings import PaymentMode
from protocol.events import SaleMode
from protocol.faults import CATALOGUE
from protocol.journal import ClockQuality
from protocol.presence import LanePosition


class LotView(msgspec.Struct, frozen=True):
    """Units of one load."""

    gtin: str
    lot: str | None
    quantity: int
    expiry: str | None


class SlotView(msgspec.Struct, frozen=True):
    """One slot; `sellable` is the gate's answer at this moment."""

    slot: str
    door: str
    door_state: str
    sellable: bool
    reason: str
    detail: str
    text: dict[str, str]
    notices: list[dict[str, Any]]
    gtin: str
    name: dict[str, str]
    price_minor: int
    units: int
    lots: list[LotView]


class DoorView(msgspec.Struct, frozen=True):
    """The one door of an open-door cabinet; `sellable` is the gate's answer for all behind it.

    `under_way` is the session that is not over, whoever began it.
    """

    door: str
    door_state: str
    sellable: bool
    reason: str
    detail: str
    text: dict[str, str]
    notices: list[dict[str, Any]]
    under_way: dict[str, str] | None


class FaultView(msgspec.Struct, frozen=True):
    """One open fault; a code that the catalogue does not have is its own title."""

    code: str
    title: dict[str, str]
    part: str
    severity: str
    since: datetime
    latched: bool
    count: int


class StateView(msgspec.Struct, frozen=True):
    """`GET /v1/state`. `silent_seconds`: since the server was heard, None for never."""

    cabinet: str
    mode: SaleMode
    payment: PaymentMode
    boot: str
    session: int
    connected: bool
    silent_seconds: float | None
    now: datetime
    clock: ClockQuality
    rules_version: int
    desired_version: int
    command_counter: int
    journal: LanePosition
    telemetry: LanePosition
    committed: int
    service_mode: bool
    identify: bool
    currency: str
    storage_ok: bool
    faults: list[FaultView]
    doors: dict[str, str]
    open_door: DoorView | None
    slots: list[SlotView]


@dataclass(frozen=True)
class Screen:
    """Reads the state on demand."""

    cabinet: Cabinet
    standing: Callable[[], Standing]
    connected: Callable[[], bool]
    committed: Callable[[], int]
    identify: Callable[[], bool]
    payment: PaymentMode

    def state(self) -> StateView:
        """Everything, now."""
        parts, standing = self.cabinet.parts, self.standing()
        desired, open_door = parts.desired.desired, self.cabinet.layout.open_door
        return StateView(
            cabinet=self.cabinet.layout.cabinet,
            mode=SaleMode.SLOT if open_door is None else SaleMode.OPEN_DOOR,
            payment=self.payment,
            boot=standing.boot,
            session=standing.session,
            connected=self.connected(),
            silent_seconds=parts.contact.silent_seconds(),
            now=parts.time.now(),
            clock=parts.time.quality(),
            rules_version=standing.versions.rules,
            desired_version=standing.versions.desired,
            command_counter=standing.versions.command_counter,
            journal=standing.journal,
            telemetry=standing.telemetry,
            committed=self.committed(),
            service_mode=parts.faults.in_service,
            identify=self.identify(),
            currency="" if desired is None else desired.currency,
            storage_ok=parts.senses.storage.ok,
            faults=self._faults(),
            doors={door: str(s) for door, s in self.cabinet.service_doors.states().items()},
            open_door=None if open_door is None else self._open_door(open_door),
            slots=[self._slot(slot) for slot in self.cabinet.layout.targets],
        )

    def _faults(self) -> list[FaultView]:
        return [
            FaultView(
                episode.code,
                _title(episode.code),
                episode.part,
                episode.severity,
                episode.since,
                episode.latched,
                episode.count,
            )
            for episode in self.cabinet.parts.faults.open_episodes()
        ]

    def _open_door(self, door: str) -> DoorView:
        decision = self.cabinet.decide_door(door)
        refused = decision if isinstance(decision, Refused) else None
        told = () if isinstance(decision, Refused) else decision.notices
        session = self.cabinet.parts.sessions.under_way()
        return DoorView(
            door=door,
            door_state=str(self.cabinet.parts.doors.state(door)),
            sellable=refused is None,
            reason="" if refused is None else refused.reason,
            detail="" if refused is None else refused.detail,
            text={} if refused is None else msgspec.to_builtins(refused.text),
            notices=[
                {"slot": slot, "kind": kind, "text": msgspec.to_builtins(text)}
                for slot, kind, text in told
            ],
            under_way=None
            if session is None
            else {"payment_reference": session.payment_reference, "outcome": str(session.state)},
        )

    def _slot(self, slot: str) -> SlotView:
        parts = self.cabinet.parts
        decision = self.cabinet.decide(slot)
        allowed = isinstance(decision, Allowed)
        notices = decision.notices if isinstance(decision, Allowed) else ()
        planned = parts.desired.planned.get(slot)
        lots = parts.stock.lots(slot)
        door = self.cabinet.layout.targets[slot]
        return SlotView(
            slot=slot,
            door=door,
            door_state=str(parts.doors.state(door)),
            sellable=allowed,
            reason="" if isinstance(decision, Allowed) else decision.reason,
            detail="" if isinstance(decision, Allowed) else decision.detail,
            text={} if isinstance(decision, Allowed) else msgspec.to_builtins(decision.text),
            notices=[{"kind": kind, "text": msgspec.to_builtins(text)} for kind, text in notices],
            gtin="" if planned is None else planned.gtin,
            name={} if planned is None else {"zh": planned.name_zh, "en": planned.name_en},
            price_minor=0 if planned is None else planned.price_minor,
            units=sum(lot.quantity for lot in lots),
            lots=[_lot(lot) for lot in lots],
        )


def _title(code: str) -> dict[str, str]:
    kind = CATALOGUE.get(code)
    return {"zh": code, "en": code} if kind is None else {"zh": kind.title_zh, "en": kind.title_en}


def _lot(lot: Lot) -> LotView:
    expiry = None if lot.expiry is None else lot.expiry.isoformat()
    return LotView(lot.gtin, lot.lot, lot.quantity, expiry)
