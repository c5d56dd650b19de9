"""Positions of lanes while messages are taken in: read once, moved in memory, written once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from fleet_server.bulk import insert_rows, one_of, update_rows
from fleet_server.errors import InvariantError
from fleet_server.ingest.models import Cursor
from fleet_server.transactions import Transaction
from protocol.journal import Lane, Position

KEY = ("cabinet_id", "lane", "epoch")


@dataclass(slots=True)
class LanePosition:
    """One cursor (P-3). `stored` is what the database holds; None for an epoch that is new."""

    epoch: str
    generation: int
    committed: int
    stored: int | None


class Lanes:
    """Cursors of the cabinets of one batch, locked."""

    def __init__(self, found: Mapping[tuple[str, str], list[LanePosition]]) -> None:
        self._found = defaultdict(list, found)

    def of(self, cabinet_id: str, lane: Lane) -> list[LanePosition]:
        """Cursors of a lane, oldest epoch first."""
        return self._found[cabinet_id, lane]

    def knows(self, cabinet_id: str, epoch: str) -> bool:
        """Whether a lane of this cabinet ever had that epoch."""
        return any(one.epoch == epoch for lane in Lane for one in self.of(cabinet_id, lane))

    def position(self, cabinet_id: str, lane: Lane) -> Position | None:
        """Where a lane is committed, in its newest epoch."""
        cursors = self._found.get((cabinet_id, lane))
        return Position(cursors[-1].epoch, cursors[-1].committed) if cursors else None

    def open(self, cabinet_id: str, lane: Lane, epoch: str) -> LanePosition:
        """Begin an epoch."""
        cursors = self.of(cabinet_id, lane)
        cursors.append(LanePosition(epoch, len(cursors) + 1, 0, None))
        return cursors[-1]

    def write(self, tx: Transaction) -> None:
        """Write what moved."""
        new, moved = [], []
        for (cabinet_id, lane), cursors in self._found.items():
            for one in cursors:
                if one.stored is None:
                    row = (cabinet_id, lane, one.epoch, one.generation, one.committed, tx.now)
                    new.append(row)
                elif one.committed != one.stored:
                    moved.append((cabinet_id, lane, one.epoch, one.committed))
        insert_rows(tx.session, Cursor, (*KEY, "generation", "committed", "opened_at"), new)
        count = update_rows(tx.session, Cursor, KEY, ("committed",), moved)
        if count != len(moved):
            raise InvariantError(f"{len(moved)} cursors moved, {count} were there")


def locked_lanes(tx: Transaction, cabinet_ids: Iterable[str]) -> Lanes:
    """Cursors of these cabinets; locked in one order, so that nobody waits in a ring."""
    rows = tx.session.execute(
        select(Cursor.cabinet_id, Cursor.lane, Cursor.epoch, Cursor.generation, Cursor.committed)
        .where(one_of(tx.session, Cursor.cabinet_id, cabinet_ids))
        .order_by(Cursor.cabinet_id, Cursor.lane, Cursor.generation)
        .with_for_update()
    )
    found: dict[tuple[str, str], list[LanePosition]] = defaultdict(list)
    for cabinet_id, lane, epoch, generation, committed in rows:
        found[cabinet_id, lane].append(LanePosition(epoch, generation, committed, committed))
    return Lanes(found)
