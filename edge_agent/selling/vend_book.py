"""The vend table: one row a payment reference, each move with its history row."""

from dataclasses import dataclass

import msgspec

from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.selling.states import OPEN, TRANSITIONS, VendState, moved
from edge_agent.store import Store
from protocol.events import SaleLine
from protocol.rules import Notice


class VendOrder(msgspec.Struct, frozen=True):
    """What the payment screen asks for."""

    payment_reference: str
    slot: str
    contact: str = ""
    buyer_reference: str = ""


class ToldNotice(msgspec.Struct, frozen=True):
    """A notice the buyer is shown."""

    kind: str
    text: Notice


class VendAnswer(msgspec.Struct, frozen=True):
    """What the payment screen is answered; `outcome` is the state, `reason` says why not."""

    outcome: str
    sale: str
    text: Notice
    reason: str = ""
    detail: str = ""
    notices: list[ToldNotice] = []


@dataclass(frozen=True)
class Vend:
    """One row of the vend table."""

    payment_reference: str
    sale: str
    slot: str
    door: str
    state: VendState
    buyer_reference: str
    sealed_contact: str
    currency: str
    stock_id: int | None
    line: SaleLine | None
    rules_version: int
    answer: VendAnswer


_COLUMNS = (
    "SELECT payment_reference, sale, slot, door, state, buyer_reference, sealed_contact, currency,"
    " stock_id, line, rules_version, answer FROM vend"
)


class VendBook:
    """Reads and writes of the vend table; its writes need the caller's transaction."""

    def __init__(self, store: Store, time: Timekeeper) -> None:
        self._store = store
        self._time = time

    def find(self, payment_reference: str) -> Vend | None:
        """Vend of a payment reference."""
        row = self._store.row(f"{_COLUMNS} WHERE payment_reference = ?", payment_reference)
        return None if row is None else _vend(row)

    def open_vends(self) -> tuple[Vend, ...]:
        """Vends that are under way; at most one a slot."""
        marks = ", ".join("?" * len(OPEN))
        rows = self._store.rows(f"{_COLUMNS} WHERE state IN ({marks})", *sorted(OPEN))
        return tuple(_vend(row) for row in rows)

    def insert(self, vend: Vend) -> None:
        """Add a vend."""
        self._store.write(
            "INSERT INTO vend VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            vend.payment_reference,
            vend.sale,
            vend.slot,
            vend.door,
            vend.state,
            vend.buyer_reference,
            vend.sealed_contact,
            vend.currency,
            vend.stock_id,
            None if vend.line is None else msgspec.json.encode(vend.line).decode(),
            vend.rules_version,
            msgspec.json.encode(vend.answer).decode(),
        )
        self._note(vend.sale, vend.state)

    def move(self, vend: Vend, wanted: VendState, answer: VendAnswer) -> None:
        """Take one step of the table, with what is answered from now on."""
        self._store.write(
            "UPDATE vend SET state = ?, answer = ? WHERE sale = ?",
            moved(TRANSITIONS, vend.state, wanted),
            msgspec.json.encode(msgspec.structs.replace(answer, outcome=wanted)).decode(),
            vend.sale,
        )
        self._note(vend.sale, wanted)

    def _note(self, sale: str, state: VendState) -> None:
        self._store.write(
            "INSERT INTO vend_history (sale, state, at) VALUES (?, ?, ?)",
            sale,
            state,
            self._time.now().isoformat(),
        )


def _vend(row: tuple[object, ...]) -> Vend:
    values = list(row)
    values[4] = VendState(str(row[4]))
    values[9] = None if row[9] is None else msgspec.json.decode(str(row[9]), type=SaleLine)
    values[11] = msgspec.json.decode(str(row[11]), type=VendAnswer)
    return Vend(*values)  # type: ignore[arg-type]  # columns in the order of the fields
