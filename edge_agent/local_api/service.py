"""The service side: what a technician on site may do, behind a PIN or a signed work order."""

from collections.abc import Callable

from edge_agent.detection.errors import NothingLatchedError
from edge_agent.local_api.access import AccessDesk, Login
from edge_agent.local_api.bodies import ReleaseRequest, StockRequest, UnlockRequest, read_body
from edge_agent.local_api.calls import Answer, Call, Pending
from edge_agent.seed import Chance
from edge_agent.selling.cabinet import Cabinet
from edge_agent.selling.service_doors import Opening
from protocol.events import ClearedBy, StockMoved
from protocol.gtin import checked_gtin
from protocol.work_order import WorkOrderAction


class ServiceDesk:
    """Answers `/v1/service` and `/v1/stock`."""

    def __init__(self, cabinet: Cabinet, access: AccessDesk, chance: Chance) -> None:
        self._cabinet = cabinet
        self._access = access
        self._chance = chance

    def login(self, call: Call) -> Answer:
        """`POST /v1/service/login`; service mode begins."""
        token, access = self._access.login(read_body(call, Login))
        self._cabinet.parts.faults.service(on=True)
        return Answer(201, {"token": token, "by": access.by, "actions": sorted(access.actions)})

    def logout(self, call: Call) -> Answer:
        """`POST /v1/service/logout`; with the last one service mode ends."""
        if self._access.logout(call.token):
            self._cabinet.parts.faults.service(on=False)
        return Answer(200, {})

    def load(self, call: Call) -> Answer:
        """`POST /v1/stock/loads`."""
        return self._stock(call, WorkOrderAction.LOAD, self._cabinet.load)

    def count(self, call: Call) -> Answer:
        """`POST /v1/stock/counts`."""
        return self._stock(call, WorkOrderAction.COUNT, self._cabinet.count)

    def remove(self, call: Call) -> Answer:
        """`POST /v1/stock/removals`."""
        return self._stock(call, WorkOrderAction.REMOVE, self._cabinet.remove)

    def release_hold(self, call: Call) -> Answer:
        """`POST /v1/service/release-hold`: end or acknowledge a latched fault."""
        access = self._access.check(call.token, WorkOrderAction.RELEASE_HOLD)
        asked = read_body(call, ReleaseRequest)
        faults = self._cabinet.parts.faults
        parts = [
            episode.part
            for episode in faults.open_episodes()
            if episode.latched and episode.code == asked.code and asked.part in ("", episode.part)
        ]
        if not parts:
            raise NothingLatchedError(asked.code, asked.part)
        for part in parts:
            faults.release(
                asked.code,
                part,
                by=access.by,
                ground=access.ground,
                cleared_by=ClearedBy.ONSITE,
            )
        return Answer(200, {"released": parts})

    def unlock(self, call: Call) -> Pending:
        """`POST /v1/service/unlock`; answered when the door was seen open, or did not open."""
        self._access.check(call.token, WorkOrderAction.UNLOCK)
        asked = read_body(call, UnlockRequest)
        opening = self._cabinet.service_doors.open(asked.door, self._chance.new_id())
        return lambda: self._opened(opening)

    def self_test(self, call: Call) -> Answer:
        """`POST /v1/service/self-test`."""
        self._access.check(call.token, WorkOrderAction.SELF_TEST)
        found = self._cabinet.self_test()
        told = {"good": found.good, "doors": found.doors, "faults": found.faults}
        return Answer(200, {**told, "storage": found.storage})

    def _opened(self, opening: Opening) -> Answer | None:
        outcome = self._cabinet.service_doors.outcome(opening)
        if outcome is None:
            return None
        return Answer(200, {"door": opening.door, "outcome": outcome})

    def _stock(
        self, call: Call, action: WorkOrderAction, do: Callable[[StockMoved], None]
    ) -> Answer:
        access = self._access.check(call.token, action)
        asked = read_body(call, StockRequest)
        before = self._units(asked.slot)
        do(
            StockMoved(
                slot=asked.slot,
                gtin=checked_gtin(asked.gtin),
                lot=asked.lot,
                quantity=asked.quantity,
                by=access.by,
                expiry=asked.expiry,
                production=asked.production,
                why=asked.why,
                bag=asked.bag,
                work_order=access.work_order,
            )
        )
        units = self._units(asked.slot)
        return Answer(201, {"slot": asked.slot, "units": units, "units_before": before})

    def _units(self, slot: str) -> int:
        return sum(lot.quantity for lot in self._cabinet.parts.stock.lots(slot))
