"""One dispensing from order to outcome, pure; the rule is: never twice, never "done" by mistake.

- Not a byte written within TAKE_SECONDS: withdrawn for good, surely nothing moved (PulseFailed).
- Written, but neither acknowledged nor heard of again: the board may have it. UNKNOWN, not failed.
- Taken, and no last word within OUTCOME_SECONDS: UNKNOWN.
- After an UNKNOWN the late word of the old order could be taken for that of a new one, so the
  board takes no order until it said its last word or twice the time is over.
"""

from dataclasses import dataclass

from edge_agent.drivers.polled import Order
from edge_agent.drivers.readings import DispenseEnded, DispenseOutcome, PulseFailed
from edge_agent.drivers.spiral_board.fa_fb import meanings
from edge_agent.drivers.spiral_board.fa_fb.conversation import Sending, SendingState

TAKE_SECONDS = 5.0  # later the buyer has left; as long as an order may wait for its bus
HEARD_OF_SECONDS = 10.0  # a board that has the command says "dispensing" well before
OUTCOME_SECONDS = 60.0  # elevators are slow; the sources name no time
ORDERS_REMEMBERED_MAX = 64  # an order is repeated within minutes; a machine sells few in that time

Outcome = DispenseEnded | PulseFailed


@dataclass(slots=True)
class Dispensing:
    """An order under way on a selection."""

    device: str
    order: Order
    selection: int
    sending: Sending
    given_at: float
    last_status: int | None = None

    @property
    def may_be_moving(self) -> bool:
        """Whether a byte of the command was written."""
        return self.sending.state is not SendingState.WAITING

    @property
    def doubtful_until(self) -> float:
        """Until when its late word may come, if it ends without one."""
        return self.sending.first_at + 2 * OUTCOME_SECONDS

    def heard(self, status: int, now: float) -> DispenseEnded | None:
        """Take the board's status of this selection; return the end if it is one."""
        self.last_status = status
        outcome = meanings.DISPENSE_OUTCOMES.get(status)
        return None if outcome is None else self._ended(outcome, meanings.detail_of(status), now)

    def overdue(self, now: float) -> DispenseEnded | None:
        """Return the end when no last word came in time; None while it may, or nothing moved."""
        if not self.may_be_moving:
            return None
        waited = now - self.sending.first_at
        is_unheard = self.sending.state is SendingState.LOST and self.last_status is None
        if is_unheard and waited >= HEARD_OF_SECONDS:
            detail = f"not acknowledged in {self.sending.tries} tries, nothing heard of it"
            return self._ended(DispenseOutcome.UNKNOWN, detail, now)
        if waited >= OUTCOME_SECONDS:
            last = "none" if self.last_status is None else meanings.detail_of(self.last_status)
            detail = f"no last word within {OUTCOME_SECONDS:.0f} s; last: {last}"
            return self._ended(DispenseOutcome.UNKNOWN, detail, now)
        return None

    def never_sent(self, now: float) -> PulseFailed:
        """The end of a command that was withdrawn before a byte of it was written."""
        detail = f"the board did not poll for it within {TAKE_SECONDS} s"
        target, order_id = self.order.target, self.order.order_id
        return PulseFailed(self.device, target, order_id, "NotTaken", detail, now)

    def _ended(self, outcome: DispenseOutcome, detail: str, now: float) -> DispenseEnded:
        target, order_id = self.order.target, self.order.order_id
        return DispenseEnded(self.device, target, order_id, outcome, detail, now)


class OutcomesTold:
    """Outcomes of the last orders, so that a repeated order moves nothing a second time."""

    def __init__(self) -> None:
        self._outcomes: dict[str, Outcome] = {}

    def remember(self, outcome: Outcome) -> None:
        """Keep an outcome; the oldest goes."""
        self._outcomes[outcome.order_id] = outcome
        if len(self._outcomes) > ORDERS_REMEMBERED_MAX:
            del self._outcomes[next(iter(self._outcomes))]

    def of(self, order_id: str) -> Outcome | None:
        """Return the outcome of an order, if it is known."""
        return self._outcomes.get(order_id)
