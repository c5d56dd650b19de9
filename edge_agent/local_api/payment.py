"""Payment as a port: what the screen needs of a QR payment, and a twin that anyone can see is fake.

The port only asks for money and tells whether it came; what is sold for it is decided by the gate,
and what is charged in the end by whoever stands behind the port.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from edge_agent.selling.errors import PaymentReferenceReusedError

INTENTS_MAX = 32
"""One buyer at a time at one screen; an older intent was walked away from."""
INTENT_SECONDS = 180.0
"""Long enough to take out a phone; the same order of time as real QR codes live."""


class PaymentState(StrEnum):
    """Where an intent stands; the last two are final."""

    WAITING = "waiting"
    PAID = "paid"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Intent:
    """What is asked for. `charged_later`: only an approval now, the sum follows from the goods."""

    reference: str
    amount_minor: int
    currency: str
    charged_later: bool = False


@dataclass(frozen=True)
class Shown:
    """What the QR shows, how it stands, and whether no money moves."""

    intent: Intent
    link: str
    state: PaymentState
    seconds_left: float
    simulated: bool


class PaymentPort(Protocol):
    """Somebody who takes QR payments."""

    def create(self, intent: Intent) -> Shown:
        """Ask for money. The same intent again changes nothing.

        Raises PaymentReferenceReusedError when the reference has another intent.
        """

    def find(self, reference: str) -> Shown | None:
        """How an intent stands; None when there is none."""

    def confirm(self, reference: str) -> Shown | None:
        """Ask the other side to settle an intent now, as the buyer's phone would; see its state."""


class FakeQrPayment:
    """Takes no money: whoever stands at the screen confirms. Forgets all at a restart."""

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._intents: dict[str, tuple[Intent, float]] = {}
        self._paid: set[str] = set()

    def create(self, intent: Intent) -> Shown:
        """See PaymentPort."""
        known = self._intents.get(intent.reference)
        if known is not None and known[0] != intent:
            raise PaymentReferenceReusedError(intent.reference)
        if known is None:
            while len(self._intents) >= INTENTS_MAX:
                self._forget(next(iter(self._intents)))
            self._intents[intent.reference] = (intent, self._elapsed() + INTENT_SECONDS)
        return self._shown(intent.reference)

    def find(self, reference: str) -> Shown | None:
        """See PaymentPort."""
        return self._shown(reference) if reference in self._intents else None

    def confirm(self, reference: str) -> Shown | None:
        """See PaymentPort; an expired intent stays expired."""
        shown = self.find(reference)
        if shown is None or shown.state is not PaymentState.WAITING:
            return shown
        self._paid.add(reference)
        return self._shown(reference)

    def _shown(self, reference: str) -> Shown:
        intent, until = self._intents[reference]
        left = max(0.0, until - self._elapsed())
        waiting = PaymentState.WAITING if left else PaymentState.EXPIRED
        state = PaymentState.PAID if reference in self._paid else waiting
        amount = f"{intent.amount_minor}{intent.currency}"
        link = f"fake-payment:{reference}?amount={amount}"
        return Shown(intent, link, state, round(left, 1), simulated=True)

    def _forget(self, reference: str) -> None:
        del self._intents[reference]
        self._paid.discard(reference)
