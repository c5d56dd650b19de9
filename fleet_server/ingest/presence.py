"""Births, wills, heartbeats and silence (P-9, P-10), inside the transaction of ingest."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select, update

from fleet_server.cabinets.models import Cabinet, CabinetPresence
from fleet_server.cabinets.service import came_into_service
from fleet_server.ingest.events import CabinetFellSilent, CabinetHeardAgain, CabinetLooksCloned
from fleet_server.ingest.journal import Desk
from fleet_server.ingest.last_heard import LastHeard
from fleet_server.ingest.queries import speaking_cabinets
from fleet_server.live.service import FLEET, changed
from fleet_server.transactions import Transaction
from protocol.intervals import Uplink
from protocol.journal import Lane
from protocol.presence import Heartbeat, Presence

SILENT_PER_SWEEP = 500
"""Cabinets declared silent in one transaction; the next sweep a second later takes the rest."""


@dataclass(frozen=True)
class Held:
    """What a cabinet says it holds; whoever is behind is sent to again (P-0)."""

    cabinet_id: str
    rules_version: int
    desired_version: int
    command_counter: int
    reconnected: bool
    """Whether this is the birth of another session than the one the server knew."""


Repair = Callable[[Transaction, Held], None]
"""Queues again what this cabinet misses; joined in `wiring.py`."""


def note_end(tx: Transaction, cabinet: Cabinet, presence: Presence) -> bool:
    """A clean stop or a will; False for the death of an older session, which says nothing (P-9).

    The caller tells the board after the commit: what is rolled back must be found again.
    """
    row = _row(tx, cabinet.id)
    if presence.session < row.session:
        return False
    _declare_silent(tx, cabinet, row)
    return True


def note_birth(desk: Desk, board: LastHeard, cabinet: Cabinet, presence: Presence) -> Held:
    """A cabinet connected; says what it holds."""
    row = _row(desk.tx, cabinet.id)
    _look_for_a_clone(desk, board, cabinet, presence, row)
    came_into_service(desk.tx, cabinet)
    if not row.online:
        desk.tx.announce(CabinetHeardAgain(cabinet.id, cabinet.site_id))
    cabinet.uplink = presence.uplink  # the one in use decides when it counts as silent (P-10)
    reconnected = presence.session != row.session
    row.online, row.offline_since, row.last_heard_at = True, None, desk.tx.now
    row.session, row.boot = presence.session, presence.boot
    _versions(row, presence)
    changed(desk.tx, [FLEET, f"cabinet/{cabinet.id}"], "cabinet", cabinet.id, cabinet.site_id)
    return _held(cabinet.id, presence, reconnected=reconnected)


def note_heartbeat(desk: Desk, cabinet: Cabinet, beat: Heartbeat) -> Held:
    """What the cabinet holds by now. The row itself is written by the flush."""
    if _fell_behind(desk, cabinet, beat):
        evidence = "the journal is behind what is committed"
        desk.tx.announce(CabinetLooksCloned(cabinet.id, cabinet.site_id, evidence))
    return _held(cabinet.id, beat, reconnected=False)


def note_spoke(tx: Transaction, cabinet: Cabinet) -> None:
    """A cabinet that counted as silent spoke."""
    row = _row(tx, cabinet.id)
    row.last_heard_at = tx.now
    if not row.online:
        row.online, row.offline_since = True, None
        tx.announce(CabinetHeardAgain(cabinet.id, cabinet.site_id))
        changed(tx, [FLEET, f"cabinet/{cabinet.id}"], "cabinet", cabinet.id, cabinet.site_id)


def declare_silent(tx: Transaction, board: LastHeard, elapsed: float) -> list[str]:
    """Find those not heard for their interval; the caller tells the board after the commit."""
    silent = board.silent(elapsed)[:SILENT_PER_SWEEP]
    for cabinet in speaking_cabinets(tx.session, silent).values():
        _declare_silent(tx, cabinet, _row(tx, cabinet.id))
    return silent


def flush(tx: Transaction, board: LastHeard) -> None:
    """Sweep every few seconds: write what was heard, in bulk."""
    rows = []
    for cabinet_id, heard in sorted(board.unflushed().items()):  # one order: no ring of waiters
        row: dict[str, object] = {"cabinet_id": cabinet_id, "last_heard_at": heard.at}
        if heard.heartbeat is not None:
            beat = heard.heartbeat
            row |= {
                "clock": beat.clock,
                "rules_version": beat.rules_version,
                "desired_version": beat.desired_version,
                "command_counter": beat.command_counter,
            }
            if beat.free_storage_bytes is not None:
                row["free_storage_bytes"] = beat.free_storage_bytes
        rows.append(row)
    # One statement writes rows of the same columns alone.
    for columns in {tuple(row) for row in rows}:
        tx.session.execute(update(CabinetPresence), [row for row in rows if tuple(row) == columns])


def expect_those_online(tx: Transaction, board: LastHeard, elapsed: float) -> None:
    """At start: whoever was online counts as heard now, and is found out later if it is not."""
    rows = tx.session.execute(
        select(Cabinet.id, Cabinet.uplink)
        .join(CabinetPresence, CabinetPresence.cabinet_id == Cabinet.id)
        .where(CabinetPresence.online)
    )
    for row in rows:
        board.expect(row.id, Uplink(row.uplink), elapsed, tx.now)


def _declare_silent(tx: Transaction, cabinet: Cabinet, row: CabinetPresence) -> None:
    if not row.online:
        return
    row.online, row.offline_since = False, tx.now
    tx.announce(CabinetFellSilent(cabinet.id, cabinet.site_id, tx.now))
    changed(tx, [FLEET, f"cabinet/{cabinet.id}"], "cabinet", cabinet.id, cabinet.site_id)


def _look_for_a_clone(
    desk: Desk, board: LastHeard, cabinet: Cabinet, presence: Presence, row: CabinetPresence
) -> None:
    evidence = ""
    if _fell_behind(desk, cabinet, presence):
        evidence = "the journal is behind what is committed"
    if board.note_boot(cabinet.id, presence.boot):
        evidence = "two boots alternate"
    if presence.session < row.session and presence.boot != row.boot and not _is_new(desk, presence):
        evidence = f"session {presence.session} came after {row.session}"
    if evidence:
        desk.tx.announce(CabinetLooksCloned(cabinet.id, cabinet.site_id, evidence))


def _fell_behind(desk: Desk, cabinet: Cabinet, said: Presence | Heartbeat) -> bool:
    position = desk.positions(cabinet.id).get(Lane.JOURNAL)
    return (
        position is not None
        and position.epoch == said.journal.epoch
        and said.journal.head < position.committed
    )


def _is_new(desk: Desk, presence: Presence) -> bool:
    """A store that was lost starts its sessions anew, with a new epoch (P-5)."""
    return not any(
        cursor.epoch == presence.journal.epoch
        for cursors in desk.cursors.values()
        for cursor in cursors
    )


def _row(tx: Transaction, cabinet_id: str) -> CabinetPresence:
    row = tx.session.get(CabinetPresence, cabinet_id, with_for_update=True)
    if row is None:
        row = CabinetPresence(cabinet_id=cabinet_id, online=False, session=0)
        tx.session.add(row)
        tx.session.flush()
    return row


def _versions(row: CabinetPresence, presence: Presence) -> None:
    row.rules_version = presence.rules_version
    row.desired_version = presence.desired_version
    row.command_counter = presence.command_counter


def _held(cabinet_id: str, said: Presence | Heartbeat, *, reconnected: bool) -> Held:
    return Held(
        cabinet_id, said.rules_version, said.desired_version, said.command_counter, reconnected
    )
