"""P-3, P-4, P-7: nothing lost, nothing doubled, receipts never ahead, cursors never back."""

from collections.abc import Mapping

from fleet_server.mqtt_link import Outgoing
from protocol.journal import Lane, Position, Receipt
from protocol.wire import decode
from simulators.fleet_simulation.cabinet import SimulatedCabinet
from simulators.fleet_simulation.checkers.database_view import DatabaseView
from simulators.fleet_simulation.errors import InvariantBrokenError
from simulators.fleet_simulation.journal_truth import event_hash

Key = tuple[str, str, int]
"""Cabinet, epoch, sequence."""


class JournalChecker:
    """Compares journals of cabinets with the server's, both ways."""

    def __init__(self, view: DatabaseView, cabinets: Mapping[str, SimulatedCabinet]) -> None:
        self._view = view
        self._cabinets = cabinets
        self._cursors: dict[tuple[str, str, str], int] = {}
        self._seen: dict[Key, str] = {}
        self._row = 0
        self._restored_lost: set[Key] = set()
        self.receipts = 0

    def receipt(self, outgoing: Outgoing) -> None:
        """Hold a receipt against the database, before it leaves."""
        self.receipts += 1
        cabinet = outgoing.topic.split("/")[-2]
        receipt = decode(outgoing.payload, Receipt)
        for lane, said in ((Lane.JOURNAL, receipt.journal), (Lane.TELEMETRY, receipt.telemetry)):
            if isinstance(said, Position):
                held = self._view.value(
                    "SELECT committed FROM cursors WHERE cabinet_id = ? AND lane = ? AND epoch = ?",
                    cabinet,
                    str(lane),
                    said.epoch,
                )
                if held is None or held < said.committed:
                    self._fail(f"{cabinet} {lane}: receipt {said}, database {held}")

    def look(self) -> None:
        """Hold cursors and new rows against what was there before."""
        self._look_at_cursors()
        rows = self._view.rows(
            "SELECT rowid, cabinet_id, epoch, seq, type, body FROM journal_events"
            " WHERE rowid > ? ORDER BY rowid",
            self._row,
        )
        for rowid, cabinet, epoch, seq, kind, body in rows:
            self._row = rowid
            key, digest = (cabinet, epoch, seq), event_hash(kind, body.encode())
            if key in self._seen:
                self._fail(f"{key} is stored twice")
            self._seen[key] = digest
            if digest not in self._cabinets[cabinet].truth.rows.get((epoch, seq), []):
                self._fail(f"{key} {kind} is not what the cabinet wrote")
            self._restored_lost.discard(key)

    def restored(self) -> None:
        """Begin anew with an older database; what it misses may come again."""
        before = self._seen
        self._seen, self._row, self._cursors = {}, 0, {}
        self.look()
        self._restored_lost |= before.keys() - self._seen.keys()
        for cabinet in self._cabinets.values():
            kept = {(epoch, seq) for name, epoch, seq in self._seen if name == cabinet.id}
            gone = cabinet.truth.server_restored(kept)
            if cabinet.store_was_lost:
                cabinet.excuse(gone)

    def end(self) -> None:
        """Everything is drained: each cabinet's journal is the server's."""
        gaps = self._gaps()
        for cabinet in self._cabinets.values():
            truth = cabinet.truth
            for (epoch, seq), hashes in truth.rows.items():
                key = (cabinet.id, epoch, seq)
                if epoch == truth.epoch:
                    self._must_be_there(key, hashes[-1], gaps)
                elif seq <= truth.finished_epochs[epoch] and key not in self._restored_lost:
                    self._must_be_there(key, "", gaps)

    def _must_be_there(self, key: Key, digest: str, gaps: set[Key]) -> None:
        cabinet, epoch, seq = key
        truth = self._cabinets[cabinet].truth
        if epoch == truth.epoch and seq > truth.head:
            return
        found = self._seen.get(key)
        if found is None and key not in gaps:
            self._fail(f"{key} is lost")
        if found is not None and digest and found != digest:
            self._fail(f"{key} is another event at the server")

    def _gaps(self) -> set[Key]:
        rows = self._view.rows("SELECT cabinet_id, epoch, first, last FROM journal_gaps")
        return {
            (cabinet, epoch, seq)
            for cabinet, epoch, first, last in rows
            for seq in range(first, last + 1)
        }

    def _look_at_cursors(self) -> None:
        rows = self._view.rows("SELECT cabinet_id, lane, epoch, committed FROM cursors")
        for cabinet, lane, epoch, committed in rows:
            key = (cabinet, lane, epoch)
            if committed < self._cursors.get(key, 0):
                self._fail(f"cursor {key} fell from {self._cursors[key]} to {committed}")
            self._cursors[key] = committed
        behind = self._view.rows(
            "SELECT c.cabinet_id, c.epoch, c.committed, max(j.seq) FROM cursors c"
            " JOIN journal_events j ON j.cabinet_id = c.cabinet_id AND j.epoch = c.epoch"
            " WHERE c.lane = 'journal' GROUP BY c.cabinet_id, c.epoch, c.committed"
            " HAVING max(j.seq) <> c.committed"
        )
        if behind:
            self._fail(f"cursor and journal differ: {behind[0]}")

    def _fail(self, detail: str) -> None:
        raise InvariantBrokenError("journal", detail)
