"""The session table: one row a payment reference, each move with its history row."""

from dataclasses import dataclass

import msgspec

from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.selling.gate import DoorAllowed, NoticeKind
from edge_agent.selling.settling import Shelf
from edge_agent.selling.states import (
    SESSION_OPEN,
    SESSION_TRANSITIONS,
    SessionState,
    moved,
)
from edge_agent.selling.vend_book import ToldNotice
from edge_agent.store import Store
from protocol.events import SaleLine
from protocol.rules import Notice


class SessionOrder(msgspec.Struct, frozen=True):
    """What the payment screen asks for: the door, for a payment that can be charged later."""

    payment_reference: str
    contact: str = ""
    buyer_reference: str = ""


class SessionAnswer(msgspec.Struct, frozen=True):
    """What the payment screen is answered; `outcome` is the state, `reason` says why not.

    `total_minor` and `lines` stand when it is settled; charge no more than this, and nothing
    before. `provisional` says that an operator will look at it.
    """

    outcome: str
    sale: str
    text: Notice
    reason: str = ""
    detail: str = ""
    notices: list[ToldNotice] = []
    lines: list[SaleLine] = []
    total_minor: int = 0
    provisional: bool = False


class Offer(msgspec.Struct, frozen=True):
    """One slot as it was offered when the door was released."""

    slot: str
    gtin: str
    price_minor: int
    near_expiry_told: bool
    not_returnable_told: bool


def offer_of(slot: str, gtin: str, price_minor: int, allowed: DoorAllowed) -> Offer:
    """Offer of a slot, with what was told of it."""
    told = {kind for where, kind, _ in allowed.notices if where == slot}
    return Offer(
        slot, gtin, price_minor, NoticeKind.NEAR_EXPIRY in told, NoticeKind.NOT_RETURNABLE in told
    )


@dataclass(frozen=True)
class Session:
    """One row of the session table."""

    payment_reference: str
    sale: str
    door: str
    state: SessionState
    buyer_reference: str
    sealed_contact: str
    currency: str
    rules_version: int
    shelves: tuple[Shelf, ...]
    offers: tuple[Offer, ...]
    interrupted: bool
    answer: SessionAnswer


_COLUMNS = (
    "SELECT payment_reference, sale, door, state, buyer_reference, sealed_contact, currency,"
    " rules_version, shelves, offers, interrupted, answer FROM session"
)


class SessionBook:
    """Reads and writes of the session table; its writes need the caller's transaction."""

    def __init__(self, store: Store, time: Timekeeper) -> None:
        self._store = store
        self._time = time

    def find(self, payment_reference: str) -> Session | None:
        """Session of a payment reference."""
        row = self._store.row(f"{_COLUMNS} WHERE payment_reference = ?", payment_reference)
        return None if row is None else _session(row)

    def under_way(self) -> Session | None:
        """Session that is not over; there is never a second one."""
        marks = ", ".join("?" * len(SESSION_OPEN))
        row = self._store.row(f"{_COLUMNS} WHERE state IN ({marks})", *sorted(SESSION_OPEN))
        return None if row is None else _session(row)

    def insert(self, session: Session) -> None:
        """Add a session."""
        self._store.write(
            "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            session.payment_reference,
            session.sale,
            session.door,
            session.state,
            session.buyer_reference,
            session.sealed_contact,
            session.currency,
            session.rules_version,
            msgspec.json.encode(session.shelves).decode(),
            msgspec.json.encode(session.offers).decode(),
            int(session.interrupted),
            msgspec.json.encode(session.answer).decode(),
        )
        self._note(session.sale, session.state)

    def move(self, session: Session, wanted: SessionState, answer: SessionAnswer) -> None:
        """Take one step of the table, with what is answered from now on."""
        self._store.write(
            "UPDATE session SET state = ?, answer = ? WHERE sale = ?",
            moved(SESSION_TRANSITIONS, session.state, wanted),
            msgspec.json.encode(msgspec.structs.replace(answer, outcome=wanted)).decode(),
            session.sale,
        )
        self._note(session.sale, wanted)

    def interrupt(self, session: Session) -> None:
        """Note that a restart fell into it."""
        self._store.write("UPDATE session SET interrupted = 1 WHERE sale = ?", session.sale)

    def _note(self, sale: str, state: SessionState) -> None:
        self._store.write(
            "INSERT INTO vend_history (sale, state, at) VALUES (?, ?, ?)",
            sale,
            state,
            self._time.now().isoformat(),
        )


def _session(row: tuple[object, ...]) -> Session:
    values = list(row)
    values[3] = SessionState(str(row[3]))
    values[8] = msgspec.json.decode(str(row[8]), type=tuple[Shelf, ...])
    values[9] = msgspec.json.decode(str(row[9]), type=tuple[Offer, ...])
    values[10] = bool(row[10])
    values[11] = msgspec.json.decode(str(row[11]), type=SessionAnswer)
    return Session(*values)  # type: ignore[arg-type]  # columns in the order of the fields
