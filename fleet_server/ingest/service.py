"""Accept messages: once, in one transaction, receipts after the commit (P-3, P-4, P-6)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import InterfaceError, OperationalError

from fleet_server.cabinets.desired import desired_versions
from fleet_server.cabinets.models import Cabinet
from fleet_server.ingest.events import EventHandlers
from fleet_server.ingest.journal import Desk, Poison, bury, hand_over, take_journal, take_telemetry
from fleet_server.ingest.last_heard import LastHeard
from fleet_server.ingest.messages import Body, Message, one_event, read_message
from fleet_server.ingest.presence import (
    Held,
    Repair,
    note_birth,
    note_end,
    note_heartbeat,
    note_spoke,
)
from fleet_server.ingest.queries import locked_cursors, open_dead_letters, speaking_cabinets
from fleet_server.logs import get_logger
from fleet_server.mqtt_link import Inbound
from fleet_server.outbox.service import send
from fleet_server.signing import SigningService
from fleet_server.transactions import Transaction, Transactions
from protocol.errors import ProtocolError
from protocol.identity import checked_cabinet
from protocol.intervals import Uplink
from protocol.journal import WIRE_VERSION, JournalBatch, Lane, Receipt, TelemetryBatch
from protocol.presence import Heartbeat, Presence, PresenceState, TimeRequest
from protocol.signatures import SignedKind
from protocol.time_reply import TimeReply
from protocol.topics import DownKind, down
from protocol.wire import UP_LIMIT_BYTES, encode

log = get_logger("ingest")

DEAD_LETTERS_OPEN_MAX = 100
"""Unreadable messages kept for one cabinet until somebody looks: enough to see what is wrong."""

NewestRules = Callable[[Transaction], int]


@dataclass(frozen=True)
class Outgoing:
    """A receipt to publish, after the commit it speaks of."""

    topic: str
    payload: bytes


@dataclass(frozen=True)
class IngestParts:
    """What the features give to ingest; joined in `wiring.py`."""

    handlers: EventHandlers
    newest_rules: NewestRules
    repair: Repair


class Ingest:
    """Accepts the messages of cabinets. Safe to run twice over the same messages (P-3)."""

    def __init__(
        self,
        transactions: Transactions,
        signing: SigningService,
        parts: IngestParts,
        board: LastHeard,
        server_epoch: str,
    ) -> None:
        self._transactions = transactions
        self._signing = signing
        self._parts = parts
        self._board = board
        self._server_epoch = server_epoch

    def accept(self, inbound: Sequence[Inbound]) -> list[Outgoing]:
        """Store what is new; returns the receipts of what is committed now.

        Raises OperationalError or InterfaceError when the database is away: nothing is stored
        then, no receipt goes out, and the cabinets send again.
        """
        messages = [message for one in inbound if (message := self._read(one)) is not None]
        return self._store(messages) if messages else []

    def _read(self, inbound: Inbound) -> Message | None:
        try:
            return read_message(self._signing.fleet, inbound.topic, inbound.payload)
        except ProtocolError as error:
            log.warning("message.unreadable", topic=inbound.topic[:120], reason=str(error))
            self._bury_message(inbound, str(error))
            return None

    def _bury_message(self, inbound: Inbound, reason: str) -> None:
        """Keep an unreadable message of a known cabinet; its topic says whose it claims to be."""
        try:
            claimed, kind = inbound.topic.split("/")[-2:]
            cabinet_id = checked_cabinet(claimed)
        except (ProtocolError, ValueError):
            return
        self._bury(cabinet_id, kind, reason, inbound.payload[:UP_LIMIT_BYTES])

    def _bury(self, cabinet_id: str, kind: str, reason: str, body: bytes) -> None:
        with self._transactions.write(f"cabinet:{cabinet_id}") as tx:
            cabinet = speaking_cabinets(tx.session, [cabinet_id]).get(cabinet_id)
            if cabinet and open_dead_letters(tx.session, cabinet_id) < DEAD_LETTERS_OPEN_MAX:
                bury(tx, cabinet, reason, body, kind=kind)

    def _store(self, messages: Sequence[Message]) -> list[Outgoing]:
        try:
            return self._commit_or_doubt(messages, {})
        except (OperationalError, InterfaceError):
            raise  # the database is away: that is no fault of any message
        except Exception as error:  # noqa: BLE001  # a handler may fail in any way: split on
            log.warning("ingest.split", messages=len(messages), error=repr(error))
            if len(messages) > 1:
                middle = len(messages) // 2
                return self._store(messages[:middle]) + self._store(messages[middle:])
            return self._isolate(messages[0], error)

    def _isolate(self, message: Message, error: Exception) -> list[Outgoing]:
        """One message that fails: store its events one by one, bury those that fail alone."""
        body = message.body
        if not isinstance(body, JournalBatch):
            # Raised on, it would take the messages beside it along, again and again.
            self._bury(message.cabinet_id, type(body).__name__, repr(error), encode(body))
            return []
        receipts: list[Outgoing] = []
        for event in body.events:
            single = Message(message.cabinet_id, one_event(body, event.seq))
            key = (message.cabinet_id, body.epoch, event.seq)
            try:
                receipts = self._commit_or_doubt([single], {})
            except (OperationalError, InterfaceError):
                raise
            except Exception as alone:
                log.exception("event.poison", cabinet=message.cabinet_id, seq=event.seq)
                receipts = self._commit_or_doubt([single], {key: repr(alone)})
        return receipts

    def _commit_or_doubt(self, messages: Sequence[Message], poison: Poison) -> list[Outgoing]:
        try:
            return self._commit(messages, poison)
        except Exception:
            # What the board learnt was rolled back in the database: look at the rows next time.
            for message in messages:
                self._board.doubt(message.cabinet_id)
            raise

    def _commit(self, messages: Sequence[Message], poison: Poison) -> list[Outgoing]:
        with self._transactions.write("system:ingest") as tx:
            ids = {message.cabinet_id for message in messages}
            cabinets = speaking_cabinets(tx.session, ids)
            desk = Desk(tx, cabinets, locked_cursors(tx.session, cabinets), poison)
            answered: dict[str, Cabinet] = {}
            held: dict[str, Held] = {}
            for message in messages:
                cabinet = cabinets.get(message.cabinet_id)
                if cabinet is None:
                    log.warning("cabinet.unknown", cabinet=message.cabinet_id)
                    continue
                self._take(desk, cabinet, message, answered, held)
            hand_over(desk, self._parts.handlers)
            for one in held.values():
                self._parts.repair(tx, one)
            self._transactions.settle(tx)
            receipts = self._receipts(desk, answered)
        for cabinet_id in desk.ended:
            self._board.went_offline(cabinet_id)
        return receipts

    def _take(
        self,
        desk: Desk,
        cabinet: Cabinet,
        message: Message,
        answered: dict[str, Cabinet],
        held: dict[str, Held],
    ) -> None:
        body, tx = message.body, desk.tx
        if isinstance(body, Presence) and body.state is PresenceState.OFFLINE:
            if note_end(tx, cabinet, body):
                desk.ended.add(cabinet.id)
            return
        desk.ended.discard(cabinet.id)
        silent_before = self._hear(cabinet, body, tx)
        if isinstance(body, Presence):
            held[cabinet.id] = note_birth(desk, self._board, cabinet, body)
        elif silent_before:
            note_spoke(tx, cabinet)
        if isinstance(body, JournalBatch):
            take_journal(desk, cabinet, body)
        elif isinstance(body, TelemetryBatch):
            take_telemetry(desk, cabinet, body)
        elif isinstance(body, Heartbeat):
            held[cabinet.id] = note_heartbeat(desk, cabinet, body)
            return
        elif isinstance(body, TimeRequest):
            self._answer_time(tx, cabinet, body)
            return
        answered[cabinet.id] = cabinet

    def _hear(self, cabinet: Cabinet, body: Body, tx: Transaction) -> bool:
        """Note a sign of life; True when the cabinet counted as silent. A will is none (P-9)."""
        beat = body if isinstance(body, Heartbeat) else None
        uplink = body.uplink if isinstance(body, Presence) else Uplink(cabinet.uplink)
        elapsed = self._transactions.clock.elapsed()
        return self._board.note(cabinet.id, uplink, elapsed, tx.now, beat)

    def _answer_time(self, tx: Transaction, cabinet: Cabinet, request: TimeRequest) -> None:
        reply = TimeReply(
            kind=SignedKind.REPLY,
            fleet=self._signing.fleet,
            cabinet=cabinet.id,
            request=request.request,
            nonce=request.nonce,
            server_time=tx.now,
        )
        body = self._signing.signed(reply)
        send(tx, self._signing.fleet, cabinet.id, DownKind.REPLY, body)

    def _receipts(self, desk: Desk, answered: dict[str, Cabinet]) -> list[Outgoing]:
        if not answered:
            return []
        rules_version = self._parts.newest_rules(desk.tx)
        desired = desired_versions(desk.tx, list(answered))
        return [
            Outgoing(
                down(self._signing.fleet, cabinet_id, DownKind.RECEIPT),
                encode(self._receipt(desk, cabinet_id, rules_version, desired.get(cabinet_id, 0))),
            )
            for cabinet_id in answered
        ]

    def _receipt(
        self, desk: Desk, cabinet_id: str, rules_version: int, desired_version: int
    ) -> Receipt:
        positions = desk.positions(cabinet_id)
        return Receipt(
            v=WIRE_VERSION,
            server_epoch=self._server_epoch,
            server_time=desk.tx.now,
            journal=positions.get(Lane.JOURNAL),
            telemetry=positions.get(Lane.TELEMETRY),
            rules_version=rules_version,
            desired_version=desired_version,
        )
