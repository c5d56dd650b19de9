"""Accept messages: once, in one transaction, receipts after the commit (P-3, P-4, P-6)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import InterfaceError, OperationalError

from fleet_server.ingest.events import EventHandlers
from fleet_server.ingest.journal import (
    Desk,
    Poison,
    bury,
    hand_over,
    store,
    take_journal,
    take_telemetry,
)
from fleet_server.ingest.lanes import locked_lanes
from fleet_server.ingest.last_heard import LastHeard
from fleet_server.ingest.messages import Body, Message, one_event, read_message
from fleet_server.ingest.presence import (
    Held,
    Presences,
    Repair,
    note_birth,
    note_end,
    note_heartbeat,
    note_spoke,
)
from fleet_server.ingest.queries import open_dead_letters
from fleet_server.ingest.speakers import Speaker, speakers
from fleet_server.logs import get_logger
from fleet_server.mqtt_inbox import Inbound
from fleet_server.mqtt_link import Outgoing
from fleet_server.outbox.service import send
from fleet_server.signing import SigningService
from fleet_server.transactions import Transaction, Transactions
from protocol.errors import ProtocolError
from protocol.identity import checked_cabinet
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
            return read_message(self._signing.fleet, inbound)
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
            speaker = speakers(tx.session, [cabinet_id]).get(cabinet_id)
            if speaker and open_dead_letters(tx.session, cabinet_id) < DEAD_LETTERS_OPEN_MAX:
                bury(tx, speaker, reason, body, kind=kind)

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
            single = message._replace(body=one_event(body, event.seq))
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
            known = speakers(tx.session, {message.cabinet_id for message in messages})
            desk = Desk(tx, known, locked_lanes(tx, known), poison)
            spoke: list[tuple[Speaker, Message]] = []
            for message in messages:
                speaker = known.get(message.cabinet_id)
                if speaker is None:
                    log.warning("cabinet.unknown", cabinet=message.cabinet_id)
                    continue
                spoke.append((speaker, message))
            held, answered = self._take(desk, spoke)
            store(desk)
            hand_over(desk, self._parts.handlers)
            if held:
                self._parts.repair(tx, held)
            self._transactions.settle(tx)
            receipts = self._receipts(desk, answered)
        for cabinet_id in desk.ended:
            self._board.went_offline(cabinet_id)
        return receipts

    def _take(
        self, desk: Desk, spoke: Sequence[tuple[Speaker, Message]]
    ) -> tuple[list[Held], dict[str, Speaker]]:
        """Take in every message in its order; returns what cabinets hold and whom to answer."""
        held: dict[str, Held] = {}
        answered: dict[str, Speaker] = {}
        silent = self._board.silent_ones(speaker.id for speaker, _ in spoke)
        present = {speaker.id for speaker, said in spoke if isinstance(said.body, Presence)}
        presences = Presences(desk.tx, silent | present)
        for speaker, message in spoke:
            body = message.body
            if isinstance(body, Presence) and body.state is PresenceState.OFFLINE:
                if note_end(desk, presences, speaker, body):
                    desk.ended.add(speaker.id)
                continue
            desk.ended.discard(speaker.id)
            self._hear(speaker, message, desk.tx)
            if isinstance(body, Presence):
                held[speaker.id] = note_birth(desk, presences, self._board, speaker, body)
            elif speaker.id in silent:
                note_spoke(desk, presences, speaker)
            silent.discard(speaker.id)
            self._take_body(desk, speaker, body, held, answered)
        return list(held.values()), answered

    def _take_body(
        self,
        desk: Desk,
        speaker: Speaker,
        body: Body,
        held: dict[str, Held],
        answered: dict[str, Speaker],
    ) -> None:
        if isinstance(body, JournalBatch):
            take_journal(desk, speaker, body)
        elif isinstance(body, TelemetryBatch):
            take_telemetry(desk, speaker, body)
        elif isinstance(body, Heartbeat):
            held[speaker.id] = note_heartbeat(desk, speaker, body)
            return
        elif isinstance(body, TimeRequest):
            self._answer_time(desk.tx, speaker, body)
            return
        answered[speaker.id] = speaker

    def _hear(self, speaker: Speaker, message: Message, tx: Transaction) -> None:
        """Note a sign of life, as of when it came. A will is none (P-9)."""
        body = message.body
        beat = body if isinstance(body, Heartbeat) else None
        uplink = body.uplink if isinstance(body, Presence) else speaker.uplink
        arrived = message.arrived
        elapsed = self._transactions.clock.elapsed() if arrived is None else arrived
        self._board.note(speaker.id, uplink, elapsed, tx.now, beat)

    def _answer_time(self, tx: Transaction, speaker: Speaker, request: TimeRequest) -> None:
        reply = TimeReply(
            kind=SignedKind.REPLY,
            fleet=self._signing.fleet,
            cabinet=speaker.id,
            request=request.request,
            nonce=request.nonce,
            server_time=tx.now,
        )
        body = self._signing.signed(reply)
        send(tx, self._signing.fleet, speaker.id, DownKind.REPLY, body)

    def _receipts(self, desk: Desk, answered: dict[str, Speaker]) -> list[Outgoing]:
        if not answered:
            return []
        rules_version = self._parts.newest_rules(desk.tx)
        return [
            Outgoing(
                down(self._signing.fleet, speaker.id, DownKind.RECEIPT),
                encode(self._receipt(desk, speaker, rules_version)),
            )
            for speaker in answered.values()
        ]

    def _receipt(self, desk: Desk, speaker: Speaker, rules_version: int) -> Receipt:
        return Receipt(
            v=WIRE_VERSION,
            server_epoch=self._server_epoch,
            server_time=desk.tx.now,
            journal=desk.lanes.position(speaker.id, Lane.JOURNAL),
            telemetry=desk.lanes.position(speaker.id, Lane.TELEMETRY),
            rules_version=rules_version,
            desired_version=speaker.desired_version,
        )
