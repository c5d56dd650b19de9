"""The core's side of the local API: the table of paths, and calls that wait for what they began."""

import logging
from collections.abc import Callable, Mapping

from edge_agent.local_api.bodies import ScanRequest, SessionRequest, VendRequest, read_body
from edge_agent.local_api.calls import Answer, Call, CallQueue, Pending
from edge_agent.local_api.problems import KNOWN, ApiError, problem
from edge_agent.local_api.screen import Screen
from edge_agent.local_api.service import ServiceDesk
from edge_agent.local_api.till import Till
from edge_agent.outbox.store import Outbox
from edge_agent.selling.cabinet import Cabinet
from edge_agent.selling.errors import NoOpenDoorError
from edge_agent.selling.session_book import SessionOrder
from edge_agent.selling.states import OPEN
from edge_agent.selling.vend_book import VendOrder
from protocol.gs1_scan import parse_scan
from protocol.journal import SEQUENCE_MAX, Lane

JOURNAL_PAGE_MAX = 100
"""Events of one `GET /v1/journal`."""

log = logging.getLogger(__name__)


class Desk:
    """Answers calls in the core thread."""

    def __init__(
        self,
        *,
        calls: CallQueue,
        cabinet: Cabinet,
        service: ServiceDesk,
        till: Till,
        screen: Screen,
        outbox: Outbox,
    ) -> None:
        self._calls = calls
        self._cabinet = cabinet
        self.service = service
        self.till = till
        self._screen = screen
        self._outbox = outbox
        self._waiting: list[tuple[Call, Pending]] = []

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
        if isinstance(answer, Answer):
            call.answer(answer)
        else:
            self._waiting.append((call, answer))

    def _ended(self, call: Call, pending: Pending) -> bool:
        answer = pending()
        if answer is not None:
            call.answer(answer)
        return answer is not None

    def state(self, _call: Call) -> Answer:
        """`GET /v1/state`."""
        return Answer(200, self._screen.state())

    def journal(self, call: Call) -> Answer:
        """`GET /v1/journal?after=`."""
        after = _sequence(call.query.get("after", "0"))
        position = self._outbox.position(Lane.JOURNAL)
        events = self._outbox.events(after, JOURNAL_PAGE_MAX)
        return Answer(200, {"epoch": position.epoch, "head": position.head, "events": events})

    def vend(self, call: Call) -> Answer | Pending:
        """`POST /v1/vends`; answered when the proof is there, or its time is over."""
        asked = read_body(call, VendRequest)
        order = VendOrder(asked.payment_reference, asked.slot, asked.contact, asked.buyer_reference)
        answer = self._cabinet.vend(order)
        if answer.outcome in OPEN:
            return lambda: self._vended(order.payment_reference)
        return Answer(200, answer)

    def session(self, call: Call) -> Answer:
        """`POST /v1/sessions`: begin one, or tell how it stands; never waits for the buyer."""
        if self._cabinet.layout.open_door is None:
            raise NoOpenDoorError
        asked = read_body(call, SessionRequest)
        order = SessionOrder(asked.payment_reference, asked.contact, asked.buyer_reference)
        return Answer(200, self._cabinet.open_session(order))

    def session_state(self, call: Call) -> Answer:
        """`GET /v1/sessions?payment_reference=`."""
        reference = call.query.get("payment_reference", "")
        session = self._cabinet.parts.sessions.find(reference)
        if session is None:
            raise ApiError(404, "no-such-session", f"no session of payment {reference!r}")
        return Answer(200, session.answer)

    def scan(self, call: Call) -> Answer:
        """`POST /v1/scan`: what a label says; nothing is done with it."""
        text = read_body(call, ScanRequest).text
        return Answer(200, parse_scan(text, self._cabinet.today().year))

    def rules(self, call: Call) -> Answer:
        """`POST /v1/rules`: a signed bundle carried in by hand."""
        new = self._cabinet.take_rules(call.body)
        return Answer(200, {"new": new, "version": self._cabinet.parts.rules.version})

    def _vended(self, payment_reference: str) -> Answer | None:
        vend = self._cabinet.parts.vends.find(payment_reference)
        return None if vend is None or vend.state in OPEN else Answer(200, vend.answer)


_Handler = Callable[[Desk, Call], Answer | Pending]
ROUTES: Mapping[tuple[str, str], _Handler] = {
    ("GET", "/v1/state"): Desk.state,
    ("GET", "/v1/journal"): Desk.journal,
    ("POST", "/v1/vends"): Desk.vend,
    ("POST", "/v1/sessions"): Desk.session,
    ("GET", "/v1/sessions"): Desk.session_state,
    ("POST", "/v1/payments"): lambda desk, call: desk.till.create(call),
    ("GET", "/v1/payments"): lambda desk, call: desk.till.show(call),
    ("POST", "/v1/payments/confirm"): lambda desk, call: desk.till.confirm(call),
    ("POST", "/v1/scan"): Desk.scan,
    ("POST", "/v1/stock/loads"): lambda desk, call: desk.service.load(call),
    ("POST", "/v1/stock/counts"): lambda desk, call: desk.service.count(call),
    ("POST", "/v1/stock/removals"): lambda desk, call: desk.service.remove(call),
    ("POST", "/v1/service/login"): lambda desk, call: desk.service.login(call),
    ("POST", "/v1/service/logout"): lambda desk, call: desk.service.logout(call),
    ("POST", "/v1/service/release-hold"): lambda desk, call: desk.service.release_hold(call),
    ("POST", "/v1/service/unlock"): lambda desk, call: desk.service.unlock(call),
    ("POST", "/v1/service/self-test"): lambda desk, call: desk.service.self_test(call),
    ("POST", "/v1/rules"): Desk.rules,
}


def _sequence(text: str) -> int:
    """A sequence as asked for; SQLite would raise for a number of more than 64 bits."""
    try:
        after = int(text)
    except ValueError as error:
        raise ApiError(422, "malformed", "after is a number") from error
    if not 0 <= after <= SEQUENCE_MAX:
        raise ApiError(422, "malformed", f"after is 0 to {SEQUENCE_MAX}")
    return after


def _route(call: Call) -> _Handler:
    handler = ROUTES.get((call.method, call.path))
    if handler is None:
        known = any(path == call.path for _, path in ROUTES)
        raise ApiError(
            *((405, "wrong-method", call.method) if known else (404, "no-such-path", call.path))
        )
    return handler
