"""P-18: events taken without a trusted clock are dated once the cabinet knows the time."""

from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import select

from fleet_server.app import FleetServer
from fleet_server.clock import ManualClock
from fleet_server.ingest.models import JournalEvent
from protocol.events import ClockAnchored
from protocol.journal import ClockQuality
from tests.registry import speaking_cabinet

DOOR = {"door": "1", "cause": "sale"}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def test_p18_an_anchor_dates_the_unsynced_events_of_its_boot_and_no_others(
    server: FleetServer, clock: ManualClock
) -> None:
    cabinet = speaking_cabinet(server)
    for number, boot in enumerate(("boot-1", "boot-1", "boot-0"), 1):
        event = cabinet.record("door.opened", DOOR)
        cabinet.events[-1] = msgspec.structs.replace(
            event, at=LONG_AGO, mono_ms=number * 1000, boot=boot, clock=ClockQuality.UNSYNCED
        )
    cabinet.tell("clock.anchored", ClockAnchored("boot-1", 61_000, clock.now()))
    with server.transactions.read() as tx:
        found = list(tx.session.scalars(select(JournalEvent).order_by(JournalEvent.seq)))
    assert [event.at for event in found[:2]] == [
        clock.now() - timedelta(seconds=60),
        clock.now() - timedelta(seconds=59),
    ]
    assert [event.clock for event in found] == ["holdover", "holdover", "unsynced", "synced"]
    assert found[2].at == LONG_AGO
