"""P-0: a cabinet that is behind is sent to again, ever more rarely while nothing changes."""

from datetime import timedelta

from sqlalchemy import func, select

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from fleet_server.cabinets.models import Cabinet
from fleet_server.cabinets.repair_pace import RepairPace
from fleet_server.clock import ManualClock
from fleet_server.outbox.models import OutboundMessage
from protocol.intervals import Uplink
from protocol.topics import DownKind, down
from tests.registry import speaking_cabinet
from tests.server_fixtures import MONDAY_MORNING
from tests.web_client import WebClient

KINDS = (DownKind.RULES, DownKind.DESIRED)
HEARTBEAT_SECONDS = {Uplink.WIRED: 15, Uplink.METERED: 180}


def sent(server: FleetServer) -> dict[DownKind, int]:
    count = func.count(OutboundMessage.seq)
    with server.transactions.read() as tx:
        return {
            kind: tx.session.scalar(
                select(count).where(OutboundMessage.topic == down("fleet", "C1", kind))
            )
            or 0
            for kind in KINDS
        }


def test_p00_a_cabinet_that_stays_behind_is_not_sent_to_with_every_heartbeat(
    server: FleetServer, clock: ManualClock
) -> None:
    cabinet = speaking_cabinet(server)
    before = sent(server)
    for _ in range(20):
        clock.advance(HEARTBEAT_SECONDS[Uplink.WIRED])
        cabinet.beat()
    after = sent(server)
    # 300 s: due after 30, 90 and 210 s.
    assert {kind: after[kind] - before[kind] for kind in KINDS} == dict.fromkeys(KINDS, 3)


def test_p00_a_birth_begins_anew(server: FleetServer, clock: ManualClock) -> None:
    cabinet = speaking_cabinet(server)
    clock.advance(30)
    cabinet.beat()
    before = sent(server)
    cabinet.birth()
    clock.advance(30)
    cabinet.beat()
    after = sent(server)
    assert {kind: after[kind] - before[kind] for kind in KINDS} == dict.fromkeys(KINDS, 2)


def test_p00_a_new_version_is_sent_at_the_first_heartbeat_that_lacks_it(
    server: FleetServer, api: WebClient
) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.held_desired = cabinet.held_rules = 1
    cabinet.beat()
    api.as_(Role.OPERATOR).put("/cabinets/C1/desired", {})
    before = sent(server)
    cabinet.beat()
    cabinet.beat()
    after = sent(server)
    assert after[DownKind.DESIRED] - before[DownKind.DESIRED] == 1
    assert after[DownKind.RULES] == before[DownKind.RULES]


def test_p00_the_uplink_the_cabinet_speaks_over_sets_the_bound(server: FleetServer) -> None:
    speaking_cabinet(server)
    with server.transactions.read() as tx:
        assert tx.session.get_one(Cabinet, "C1").uplink == Uplink.WIRED
    assert sends_of_a_day(Uplink.WIRED, 3) in range(24, 27)


def test_p00_on_metered_a_refusing_cabinet_costs_a_few_sends_a_day() -> None:
    assert [sends_of_a_day(Uplink.METERED, day) for day in (1, 2, 3)] == [12, 2, 2]


def sends_of_a_day(uplink: Uplink, day: int) -> int:
    """Sends on a day (1 is the first) to a cabinet that never catches up."""
    pace, count = RepairPace(), 0
    for second in range(0, day * 86_400, HEARTBEAT_SECONDS[uplink]):
        now = MONDAY_MORNING + timedelta(seconds=second)
        due = pace.is_due("C1", DownKind.RULES, 7, now, uplink, born=False)
        count += due and second >= (day - 1) * 86_400
    return count
