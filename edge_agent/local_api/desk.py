"""The core's side of the local API: the table of paths, and vends that wait for their proof."""

import logging
from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any, TypeVar

import msgspec

from edge_agent.detection import temp_safety_hold
from edge_agent.detection.errors import NothingLatchedError
from edge_agent.local_api.access import AccessDesk, Login
from edge_agent.local_api.calls import Answer, Call, CallQueue
from edge_agent.local_api.problems import KNOWN, ApiError, problem
from edge_agent.local_api.screen import Screen
from edge_agent.outbox.store import Outbox
from edge_agent.selling.cabinet import Cabinet
from edge_agent.selling.errors import NoOpenDoorError
from edge_agent.selling.session_book import SessionOrder
from edge_agent.selling.states import OPEN
from edge_agent.selling.vend_book import VendOrder
from protocol.events import ClearedBy, StockMoved
from protocol.gtin import checked_gtin
from protocol.journal import Lane
from protocol.work_order import WorkOrderAction

JOURNAL_PAGE_MAX = 100
"""Events of one `GET /v1/journal`."""

T = TypeVar("T", bound=msgspec.Struct)
Word = Annotated[str, msgspec.Meta(max_length=128)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]

log = logging.getLogger(__name__)


class VendRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/vends`."""

    payment_reference: Name
    slot: Name
    contact: Word = ""
    buyer_reference: Word = ""


class SessionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/sessions`."""

    payment_reference: Name
    contact: Word = ""
    buyer_reference: Word = ""


class StockRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/stock/loads|counts|removals`; for a count, `quantity` is what was found."""

    slot: Name
    gtin: Name
    quantity: int
    lot: Name | None = None
    expiry: date | None = None
    production: date | None = None
    why: Word = ""
    bag: Word = ""


class ReleaseRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/service/release-hold`; without a part: the hold on every part."""

    code: Name = temp_safety_hold.CODE
    part: Word = ""


class Desk:
    """Answers calls in the core thread."""

    def __init__(
        self,
        *,
        calls: CallQueue,
        cabinet: Cabinet,
        access: AccessDesk,
        screen: Screen,
        outbox: Outbox,
    ) -> None:
        self._calls = calls
        self._cabinet = cabinet
        self._access = access
        self._screen = screen
        self._outbox = outbox
        self._waiting: list[tuple[Call, str]] = []

    def step(self) -> None:
        """Answer what waits; bounded by the queue."""
        for call in self._calls.take():
            self._handle(call)
        self._waiting = [waiting for waiting in self._waiting if not self._ended(*waiting)]

    def _handle(self, call: Call) -> None:
        try:
            answer = _route(call)(self, call)
        except KNOWN as error:
            log.info("local_api.refused", extra={"path": call.path, "reason": str(error)})
            answer = problem(error)
        if answer is not None:
            call.answer(answer)

    def _ended(self, call: Call, payment_reference: str) -> bool:
        vend = self._cabinet.parts.vends.find(payment_reference)
        if vend is None or vend.state in OPEN:
            return False
        call.answer(Answer(200, vend.answer))
        return True

    def _state(self, _call: Call) -> Answer:
        return Answer(200, self._screen.state())

    def _journal(self, call: Call) -> Answer:
        try:
            after = int(call.query.get("after", "0"))
        except ValueError as error:
            raise ApiError(422, "malformed", "after is a number") from error
        position = self._outbox.position(Lane.JOURNAL)
        events = self._outbox.events(after, JOURNAL_PAGE_MAX)
        return Answer(200, {"epoch": position.epoch, "head": position.head, "events": events})

    def _vend(self, call: Call) -> Answer | None:
        asked = _body(call, VendRequest)
        order = VendOrder(asked.payment_reference, asked.slot, asked.contact, asked.buyer_reference)
        answer = self._cabinet.vend(order)
        if answer.outcome in OPEN:
            self._waiting.append((call, order.payment_reference))
            return None
        return Answer(200, answer)

    def _session(self, call: Call) -> Answer:
        """Begin a session, or tell how that of this payment stands; never waits for the buyer."""
        if self._cabinet.layout.open_door is None:
            raise NoOpenDoorError
        asked = _body(call, SessionRequest)
        order = SessionOrder(asked.payment_reference, asked.contact, asked.buyer_reference)
        return Answer(200, self._cabinet.open_session(order))

    def _session_state(self, call: Call) -> Answer:
        reference = call.query.get("payment_reference", "")
        session = self._cabinet.parts.sessions.find(reference)
        if session is None:
            raise ApiError(404, "no-such-session", f"no session of payment {reference!r}")
        return Answer(200, session.answer)

    def _load(self, call: Call) -> Answer:
        return self._stock(call, WorkOrderAction.LOAD, self._cabinet.load)

    def _count(self, call: Call) -> Answer:
        return self._stock(call, WorkOrderAction.COUNT, self._cabinet.count)

    def _remove(self, call: Call) -> Answer:
        return self._stock(call, WorkOrderAction.REMOVE, self._cabinet.remove)

    def _stock(
        self, call: Call, action: WorkOrderAction, do: Callable[[StockMoved], None]
    ) -> Answer:
        access = self._access.check(call.token, action)
        asked = _body(call, StockRequest)
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
        units = sum(lot.quantity for lot in self._cabinet.parts.stock.lots(asked.slot))
        return Answer(201, {"slot": asked.slot, "units": units})

    def _login(self, call: Call) -> Answer:
        token, access = self._access.login(_body(call, Login))
        self._cabinet.parts.faults.service(on=True)
        return Answer(201, {"token": token, "by": access.by, "actions": sorted(access.actions)})

    def _logout(self, call: Call) -> Answer:
        if self._access.logout(call.token):
            self._cabinet.parts.faults.service(on=False)
        return Answer(200, {})

    def _release_hold(self, call: Call) -> Answer:
        access = self._access.check(call.token, WorkOrderAction.RELEASE_HOLD)
        asked = _body(call, ReleaseRequest)
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

    def _rules(self, call: Call) -> Answer:
        new = self._cabinet.take_rules(call.body)
        return Answer(200, {"new": new, "version": self._cabinet.parts.rules.version})


_Handler = Callable[[Desk, Call], Answer | None]
ROUTES: Mapping[tuple[str, str], _Handler] = {
    ("GET", "/v1/state"): Desk._state,  # noqa: SLF001  # the table of this very class
    ("GET", "/v1/journal"): Desk._journal,  # noqa: SLF001  # same
    ("POST", "/v1/vends"): Desk._vend,  # noqa: SLF001  # same
    ("POST", "/v1/sessions"): Desk._session,  # noqa: SLF001  # same
    ("GET", "/v1/sessions"): Desk._session_state,  # noqa: SLF001  # same
    ("POST", "/v1/stock/loads"): Desk._load,  # noqa: SLF001  # same
    ("POST", "/v1/stock/counts"): Desk._count,  # noqa: SLF001  # same
    ("POST", "/v1/stock/removals"): Desk._remove,  # noqa: SLF001  # same
    ("POST", "/v1/service/login"): Desk._login,  # noqa: SLF001  # same
    ("POST", "/v1/service/logout"): Desk._logout,  # noqa: SLF001  # same
    ("POST", "/v1/service/release-hold"): Desk._release_hold,  # noqa: SLF001  # same
    ("POST", "/v1/rules"): Desk._rules,  # noqa: SLF001  # same
}


def _route(call: Call) -> _Handler:
    handler = ROUTES.get((call.method, call.path))
    if handler is None:
        known = any(path == call.path for _, path in ROUTES)
        raise ApiError(
            *((405, "wrong-method", call.method) if known else (404, "no-such-path", call.path))
        )
    return handler


def _body(call: Call, kind: type[T]) -> T:
    read: Any = msgspec.json.decode(call.body or b"{}", type=kind)
    return read  # type: ignore[no-any-return]  # msgspec gives the type it was asked for
