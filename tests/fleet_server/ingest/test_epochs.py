"""P-5, P-7, P-8: lost stores, twins, servers restored from a copy, thinned telemetry."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import delete, select, update

from fleet_server.app import FleetServer
from fleet_server.faults.models import Fault
from fleet_server.ingest.models import Cursor, JournalEvent, JournalGap, TelemetryBatchRow
from protocol.journal import ClockQuality, Receipt, Sample, TelemetryBatch
from protocol.topics import UpKind
from tests.registry import speaking_cabinet
from tests.speaking_cabinet import SpeakingCabinet

DOOR = {"door": "1", "cause": "sale"}


def faults(server: FleetServer) -> list[str]:
    with server.transactions.read() as tx:
        return sorted(tx.session.scalars(select(Fault.code)))


def stored(server: FleetServer, epoch: str = "epoch-1") -> list[int]:
    with server.transactions.read() as tx:
        found = select(JournalEvent.seq).where(JournalEvent.epoch == epoch)
        return sorted(tx.session.scalars(found))


def told(cabinet: SpeakingCabinet, count: int) -> None:
    for _ in range(count):
        cabinet.record("door.opened", DOOR)
    cabinet.send()


def lose_the_store(cabinet: SpeakingCabinet) -> None:
    cabinet.epoch, cabinet.boot, cabinet.session = "epoch-2", "boot-2", 0
    cabinet.events, cabinet.committed, cabinet.floor = [], 0, 1


def samples(
    cabinet: SpeakingCabinet, first: int, last: int, floor: int = 1, epoch: str = "epoch-1"
) -> TelemetryBatch:
    at = cabinet.now()
    return TelemetryBatch(
        v=1,
        epoch=epoch,
        floor=floor,
        first=first,
        last=last,
        sent_at=at,
        clock=ClockQuality.SYNCED,
        samples=[
            Sample(seq, at + timedelta(seconds=seq), seq, "boot-1", "cabinet", "celsius", 3.0)
            for seq in range(first, last + 1)
        ],
    )


def send_samples(cabinet: SpeakingCabinet, batch: TelemetryBatch) -> Receipt | None:
    return cabinet.obey(cabinet.server.ingest.accept([cabinet.inbound(UpKind.TELEMETRY, batch)]))


def test_p05_a_new_epoch_starts_at_one_and_raises_outbox_reset(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    told(cabinet, 3)
    lose_the_store(cabinet)
    cabinet.birth()
    told(cabinet, 2)
    assert stored(server) == [1, 2, 3]
    assert stored(server, "epoch-2") == [1, 2]
    assert cabinet.committed == 2
    assert faults(server) == ["OUTBOX_RESET"]


def test_p05_a_first_epoch_is_no_reset(server: FleetServer) -> None:
    told(speaking_cabinet(server), 1)
    assert faults(server) == []


def test_p05_an_older_epoch_that_comes_back_is_a_twin_and_stores_nothing(
    server: FleetServer,
) -> None:
    cabinet = speaking_cabinet(server)
    told(cabinet, 1)
    twin = SpeakingCabinet(server, "C1", events=list(cabinet.events), session=1)
    lose_the_store(cabinet)
    told(cabinet, 1)
    twin.record("door.opened", DOOR)
    receipt = twin.send_from(1)
    assert stored(server) == [1]
    assert receipt is not None
    assert receipt.journal is not None
    assert receipt.journal.epoch == "epoch-2"
    assert faults(server) == ["CABINET_CLONED", "OUTBOX_RESET"]


def test_p05_cursors_of_older_epochs_are_kept(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    told(cabinet, 3)
    lose_the_store(cabinet)
    told(cabinet, 1)
    with server.transactions.read() as tx:
        rows = tx.session.execute(
            select(Cursor.epoch, Cursor.committed).order_by(Cursor.generation)
        )
        assert [tuple(row) for row in rows] == [("epoch-1", 3), ("epoch-2", 1)]


def test_p05_two_boots_that_alternate_are_a_twin(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    for boot in ("boot-2", "boot-1"):
        cabinet.boot = boot
        cabinet.birth()
    assert faults(server) == ["CABINET_CLONED"]


def test_p05_boots_that_follow_each_other_are_honest(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    for boot in ("boot-2", "boot-3", "boot-3", "boot-4"):
        cabinet.boot = boot
        cabinet.birth()
    assert faults(server) == []


def test_p05_sessions_of_two_boots_that_alternate_are_a_twin(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    told(cabinet, 1)
    cabinet.session = 10
    cabinet.birth()
    twin = SpeakingCabinet(server, "C1", boot="boot-2", session=1, events=list(cabinet.events))
    twin.birth()
    assert faults(server) == ["CABINET_CLONED"]


def behind_at_birth(cabinet: SpeakingCabinet) -> None:
    cabinet.birth()


def behind_in_a_heartbeat(cabinet: SpeakingCabinet) -> None:
    cabinet.beat()


@pytest.mark.parametrize("speak", [behind_at_birth, behind_in_a_heartbeat])
def test_p05_a_journal_head_below_what_is_committed_is_a_twin(
    server: FleetServer, speak: Callable[[SpeakingCabinet], None]
) -> None:
    cabinet = speaking_cabinet(server)
    told(cabinet, 3)
    del cabinet.events[2:]
    speak(cabinet)
    assert faults(server) == ["CABINET_CLONED"]


def test_p07_a_server_restored_from_an_older_copy_asks_again_and_gets_everything(
    server: FleetServer,
) -> None:
    cabinet = speaking_cabinet(server)
    told(cabinet, 5)
    with server.transactions.write("system:restore") as tx:
        tx.session.execute(delete(JournalEvent).where(JournalEvent.seq > 2))
        tx.session.execute(update(Cursor).values(committed=2))
    receipt = cabinet.birth()
    assert receipt is not None
    assert receipt.journal is not None
    assert receipt.journal.committed == 2
    cabinet.send()
    assert stored(server) == [1, 2, 3, 4, 5]
    assert faults(server) == []


def test_p07_a_server_that_forgot_the_cabinet_s_journal_gets_it_from_the_start(
    server: FleetServer,
) -> None:
    cabinet = speaking_cabinet(server)
    told(cabinet, 3)
    with server.transactions.write("system:restore") as tx:
        tx.session.execute(delete(JournalEvent))
        tx.session.execute(delete(Cursor))
    cabinet.record("door.opened", DOOR)
    receipt = cabinet.send()
    assert receipt is not None
    assert receipt.journal is not None
    assert receipt.journal.committed == 0
    cabinet.send()
    assert stored(server) == [1, 2, 3, 4]


def test_p03_what_the_cabinet_no_longer_holds_is_a_gap_and_a_fault(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    told(cabinet, 5)
    with server.transactions.write("system:restore") as tx:
        tx.session.execute(delete(JournalEvent))
        tx.session.execute(update(Cursor).values(committed=0))
    cabinet.floor = 4
    cabinet.send_from(4)
    assert stored(server) == [4, 5]
    assert faults(server) == ["JOURNAL_GAP"]


def test_p08_samples_are_stored_once_with_one_row_for_each_batch(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    for batch in (samples(cabinet, 1, 3), samples(cabinet, 1, 3), samples(cabinet, 2, 5)):
        receipt = send_samples(cabinet, batch)
    assert receipt is not None
    assert receipt.telemetry is not None
    assert receipt.telemetry.committed == 5
    with server.transactions.read() as tx:
        rows = list(tx.session.scalars(select(TelemetryBatchRow).order_by(TelemetryBatchRow.first)))
        assert [(row.first, row.last) for row in rows] == [(1, 3), (4, 5)]
        kept = [msgspec.json.decode(row.samples, type=list[Sample]) for row in rows]
        assert [one.seq for part in kept for one in part] == [1, 2, 3, 4, 5]
        assert rows[1].begins_at == cabinet.now() + timedelta(seconds=4)


def test_p08_a_thinned_lane_goes_on_past_its_gap_without_a_fault(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    send_samples(cabinet, samples(cabinet, 1, 2))
    receipt = send_samples(cabinet, samples(cabinet, 41, 42, floor=41))
    cabinet.tell("telemetry.dropped", {"from": 3, "to": 40, "count": 38})
    assert receipt is not None
    assert receipt.telemetry is not None
    assert receipt.telemetry.committed == 42
    assert faults(server) == []
    with server.transactions.read() as tx:
        gap = tx.session.scalars(select(JournalGap)).one()
        assert (gap.lane, gap.first, gap.last) == ("telemetry", 3, 40)


def test_p08_the_lanes_do_not_move_each_other(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    told(cabinet, 2)
    receipt = send_samples(cabinet, samples(cabinet, 1, 7))
    assert receipt is not None
    assert receipt.journal is not None
    assert receipt.telemetry is not None
    assert (receipt.journal.committed, receipt.telemetry.committed) == (2, 7)
