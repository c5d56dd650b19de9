"""The till: payments asked for at the screen. The gate is asked before any money is."""

import msgspec

from edge_agent.local_api.bodies import ConfirmRequest, PaymentRequest, read_body
from edge_agent.local_api.calls import Answer, Call
from edge_agent.local_api.payment import Intent, PaymentPort, PaymentState, Shown
from edge_agent.local_api.problems import ApiError
from edge_agent.selling.cabinet import Cabinet
from edge_agent.selling.errors import PaymentReferenceReusedError, SessionNeededError
from edge_agent.selling.gate import Refused
from edge_agent.selling.vend_book import ToldNotice


class PaymentView(msgspec.Struct, frozen=True):
    """One payment; `notices` are what the gate wants told before it is made."""

    payment_reference: str
    state: PaymentState
    amount_minor: int
    currency: str
    charged_later: bool
    link: str
    seconds_left: float
    simulated: bool
    notices: list[ToldNotice] = []


class Till:
    """Answers `/v1/payments`; without a port every request is refused."""

    def __init__(self, cabinet: Cabinet, port: PaymentPort | None) -> None:
        self._cabinet = cabinet
        self._port = port

    def create(self, call: Call) -> Answer:
        """`POST /v1/payments`; the same request again shows how it stands."""
        port, asked = self._fitted(), read_body(call, PaymentRequest)
        reference = asked.payment_reference
        parts = self._cabinet.parts
        if parts.vends.find(reference) or parts.sessions.find(reference):
            raise PaymentReferenceReusedError(reference)
        intent, notices = self._intent(asked)
        return Answer(201, _view(port.create(intent), notices))

    def show(self, call: Call) -> Answer:
        """`GET /v1/payments?payment_reference=`."""
        reference = call.query.get("payment_reference", "")
        return Answer(200, _view(_found(self._fitted().find(reference), reference)))

    def confirm(self, call: Call) -> Answer:
        """`POST /v1/payments/confirm`."""
        port, asked = self._fitted(), read_body(call, ConfirmRequest)
        reference = asked.payment_reference
        shown = _found(port.confirm(reference), reference)
        if shown.state is PaymentState.EXPIRED:
            raise ApiError(409, "payment-expired", f"payment {reference!r} was not made in time")
        return Answer(200, _view(shown))

    def _fitted(self) -> PaymentPort:
        if self._port is None:
            raise ApiError(409, "no-payment", "this screen takes no payment: pay at the terminal")
        return self._port

    def _intent(self, asked: PaymentRequest) -> tuple[Intent, list[ToldNotice]]:
        currency, door = self._cabinet.look.settings.currency, self._cabinet.layout.open_door
        if door is not None:
            if asked.slot:
                raise SessionNeededError(asked.slot)
            decision = self._cabinet.decide_door(door)
            if isinstance(decision, Refused):
                raise _not_for_sale(decision)
            told = [ToldNotice(kind, text) for _, kind, text in decision.notices]
            return Intent(asked.payment_reference, 0, currency, charged_later=True), told
        allowed = self._cabinet.decide(asked.slot)
        if isinstance(allowed, Refused):
            raise _not_for_sale(allowed)
        told = [ToldNotice(kind, text) for kind, text in allowed.notices]
        return Intent(asked.payment_reference, allowed.planned.price_minor, currency), told


def _found(shown: Shown | None, reference: str) -> Shown:
    if shown is None:
        raise ApiError(404, "no-such-payment", f"no payment {reference!r}")
    return shown


def _not_for_sale(refused: Refused) -> ApiError:
    detail = f"{refused.reason} {refused.detail}".rstrip()
    return ApiError(409, "not-for-sale", detail, reason=refused.reason, text=refused.text)


def _view(shown: Shown, notices: list[ToldNotice] | None = None) -> PaymentView:
    return PaymentView(
        payment_reference=shown.intent.reference,
        state=shown.state,
        amount_minor=shown.intent.amount_minor,
        currency=shown.intent.currency,
        charged_later=shown.intent.charged_later,
        link=shown.link,
        seconds_left=shown.seconds_left,
        simulated=shown.simulated,
        notices=notices or [],
    )
