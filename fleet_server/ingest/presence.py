"""Births, wills, heartbeats and silence (P-9, P-10), inside the transaction of ingest."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from fleet_server.bulk import update_rows
from fleet_server.cabinets.models import Cabinet, CabinetPresence
from fleet_server.cabinets.queries import cabinets_by_id, lock_presences, presence_rows
from fleet_server.cabinets.service import came_into_service
from fleet_server.ingest.events import CabinetFellSilent, CabinetHeardAgain, CabinetLooksCloned
from fleet_server.ingest.journal import Desk
from fleet_server.ingest.last_heard import LastHeard
from fleet_server.ingest.speakers import Speaker, speakers
from fleet_server.live.service import FLEET, changed
from fleet_server.transactions import Transaction
from protocol.intervals import Uplink
from protocol.journal import Lane
from protocol.presence import Heartbeat, Presence

SILENT_PER_TRANSACTION = 500
"""Cabinets declared silent in one transaction; the sweep makes as many as it needs, one after the
other, so that ingest never waits long for a row."""


@dataclass(frozen=True)
class Held:
    """What a cabinet says it holds; whoever is behind is sent to again (P-0)."""

    cabinet_id: str
    uplink: Uplink
    rules_version: int
    desired_version: int
    command_counter: int
    reconnected: bool
    """Whether this is the birth of another session than the one the server knew."""
    born: bool
    """Whether a birth says so, and no heartbeat."""


Repair = Callable[[Transaction, Sequence[Held]], None]
"""Queues again what these cabinets miss; joined in `wiring.py`."""

FLUSHED = ("last_heard_at",)
FLUSHED_WITH_HEARTBEAT = (
    "last_heard_at",
    "clock",
    "rules_version",
    "desired_version",
    "command_counter",
    "free_storage_bytes",
)


class Presences:
    """Presence rows of the cabinets of one batch, locked in one order (nobody waits in a ring)."""

    def __init__(self, tx: Transaction, cabinet_ids: Iterable[str]) -> None:
        self._tx = tx
        ids = sorted(set(cabinet_ids))
        self._rows: dict[str, CabinetPresence] = {}
        self._cabinets: dict[str, Cabinet] = {}
        if ids:
            self._rows = presence_rows(tx.session, ids)
            self._cabinets = cabinets_by_id(tx.session, ids)

    def row(self, cabinet_id: str) -> CabinetPresence:
        """Row of a cabinet; made at its first word."""
        row = self._rows.get(cabinet_id)
        if row is None:
            row = self._rows[cabinet_id] = CabinetPresence(
                cabinet_id=cabinet_id, online=False, session=0
            )
            self._tx.session.add(row)
            self._tx.session.flush()
        return row

    def cabinet(self, cabinet_id: str) -> Cabinet:
        """The cabinet itself, for a change of its registration."""
        return self._cabinets[cabinet_id]


def note_end(desk: Desk, presences: Presences, speaker: Speaker, presence: Presence) -> bool:
    """A clean stop or a will; False for the death of an older session, which says nothing (P-9).

    The caller tells the board after the commit: what is rolled back must be found again.
    """
    row = presences.row(speaker.id)
    if presence.session < row.session:
        return False
    _declare_silent(desk.tx, speaker, row)
    return True


def note_birth(
    desk: Desk, presences: Presences, board: LastHeard, speaker: Speaker, presence: Presence
) -> Held:
    """A cabinet connected; says what it holds."""
    row, cabinet = presences.row(speaker.id), presences.cabinet(speaker.id)
    _look_for_a_clone(desk, board, speaker, presence, row)
    came_into_service(desk.tx, cabinet)
    if not row.online and row.offline_since is not None:
        desk.tx.announce(CabinetHeardAgain(speaker.id, speaker.site_id))
    # The uplink in use decides when it counts as silent (P-10).
    cabinet.uplink = speaker.uplink = presence.uplink
    reconnected = presence.session != row.session
    row.online, row.offline_since, row.last_heard_at = True, None, desk.tx.now
    row.session, row.boot = presence.session, presence.boot
    row.rules_version = presence.rules_version
    row.desired_version = presence.desired_version
    row.command_counter = presence.command_counter
    changed(desk.tx, [FLEET, f"cabinet/{speaker.id}"], "cabinet", speaker.id, speaker.site_id)
    return _held(speaker, presence, reconnected=reconnected, born=True)


def note_heartbeat(desk: Desk, speaker: Speaker, beat: Heartbeat) -> Held:
    """What the cabinet holds by now. The row itself is written by the flush."""
    if _fell_behind(desk, speaker, beat):
        evidence = "the journal is behind what is committed"
        desk.tx.announce(CabinetLooksCloned(speaker.id, speaker.site_id, evidence))
    return _held(speaker, beat, reconnected=False, born=False)


def note_spoke(desk: Desk, presences: Presences, speaker: Speaker) -> None:
    """A cabinet that counted as silent spoke."""
    row = presences.row(speaker.id)
    row.last_heard_at = desk.tx.now
    if not row.online:
        row.online, row.offline_since = True, None
        desk.tx.announce(CabinetHeardAgain(speaker.id, speaker.site_id))
        changed(desk.tx, [FLEET, f"cabinet/{speaker.id}"], "cabinet", speaker.id, speaker.site_id)


def declare_silent(tx: Transaction, board: LastHeard, elapsed: float) -> list[str]:
    """Find those not heard for their interval; the caller tells the board after the commit.

    When it returns SILENT_PER_TRANSACTION of them there may be more.
    """
    silent = board.silent(elapsed)[:SILENT_PER_TRANSACTION]
    if not silent:
        return []
    known = speakers(tx.session, silent)
    presences = Presences(tx, known)
    for speaker in known.values():
        _declare_silent(tx, speaker, presences.row(speaker.id))
    return silent


def flush(tx: Transaction, board: LastHeard) -> None:
    """Sweep every few seconds: write what was heard, in bulk."""
    spoke, beat = [], []
    unflushed = board.unflushed()
    lock_presences(tx.session, unflushed)  # in one order: no ring of waiters
    for cabinet_id, heard in unflushed.items():
        said = heard.heartbeat
        if said is None:
            spoke.append((cabinet_id, heard.at))
            continue
        beat.append(
            (
                cabinet_id,
                heard.at,
                said.clock,
                said.rules_version,
                said.desired_version,
                said.command_counter,
                said.free_storage_bytes,
            )
        )
    update_rows(tx.session, CabinetPresence, ("cabinet_id",), FLUSHED, spoke)
    # A heartbeat that says nothing of storage leaves what is known of it.
    for known in (True, False):
        columns = FLUSHED_WITH_HEARTBEAT if known else FLUSHED_WITH_HEARTBEAT[:-1]
        rows = [row[: len(columns) + 1] for row in beat if (row[-1] is not None) is known]
        update_rows(tx.session, CabinetPresence, ("cabinet_id",), columns, rows)


def expect_those_online(
    tx: Transaction, board: LastHeard, elapsed: float, shards: Collection[int]
) -> None:
    """Count whoever is online in these shards as heard now; it is found out later if it is not."""
    rows = tx.session.execute(
        select(Cabinet.id, Cabinet.uplink)
        .join(CabinetPresence, CabinetPresence.cabinet_id == Cabinet.id)
        .where(CabinetPresence.online, Cabinet.shard.in_(sorted(shards)))
    )
    for row in rows:
        board.expect(row.id, Uplink(row.uplink), elapsed, tx.now)


def _declare_silent(tx: Transaction, speaker: Speaker, row: CabinetPresence) -> None:
    if not row.online:
        return
    row.online, row.offline_since = False, tx.now
    tx.announce(CabinetFellSilent(speaker.id, speaker.site_id, tx.now))
    changed(tx, [FLEET, f"cabinet/{speaker.id}"], "cabinet", speaker.id, speaker.site_id)


def _look_for_a_clone(
    desk: Desk, board: LastHeard, speaker: Speaker, presence: Presence, row: CabinetPresence
) -> None:
    evidence = ""
    if _fell_behind(desk, speaker, presence):
        evidence = "the journal is behind what is committed"
    if board.note_boot(speaker.id, presence.boot):
        evidence = "two boots alternate"
    # A store that was lost starts its sessions anew, with a new epoch (P-5).
    known = desk.lanes.knows(speaker.id, presence.journal.epoch)
    if presence.session < row.session and presence.boot != row.boot and known:
        evidence = f"session {presence.session} came after {row.session}"
    if evidence:
        desk.tx.announce(CabinetLooksCloned(speaker.id, speaker.site_id, evidence))


def _fell_behind(desk: Desk, speaker: Speaker, said: Presence | Heartbeat) -> bool:
    position = desk.lanes.position(speaker.id, Lane.JOURNAL)
    return (
        position is not None
        and position.epoch == said.journal.epoch
        and said.journal.head < position.committed
    )


def _held(speaker: Speaker, said: Presence | Heartbeat, *, reconnected: bool, born: bool) -> Held:
    return Held(
        speaker.id,
        speaker.uplink,
        said.rules_version,
        said.desired_version,
        said.command_counter,
        reconnected,
        born,
    )
