"""P-15, P-16: after a restore the versions of the server rise above those the cabinets hold.

Found by the fleet simulation (seeds 2 and 3 of its first day): a restored server stood at rules 1,
its cabinets at 3; what it issued next they refused, or held under the same version with other
content, and never obeyed. At what pace such versions are followed says ADR 0021.
"""

from datetime import timedelta

from sqlalchemy import func, select

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from fleet_server.cabinets.models import CabinetDesired
from fleet_server.clock import ManualClock
from fleet_server.faults.models import Fault
from fleet_server.notifications.models import Notice
from fleet_server.outbox.models import OutboundMessage
from fleet_server.rules.foreign_versions import AHEAD_MAX, CABINET_PACE, FLEET_PACE
from fleet_server.rules.queries import newest_set, newest_version
from fleet_server.rules.service import lift_rules
from protocol.events import (
    OTHER_CONTENT,
    DesiredApplied,
    DesiredRejected,
    RulesApplied,
    RulesRejected,
)
from protocol.rules import read_rule_bundle
from protocol.signatures import read_envelope
from protocol.topics import DownKind, down
from tests.registry import add_a_site, speaking_cabinet
from tests.speaking_cabinet import SpeakingCabinet
from tests.web_client import WebClient

FOREIGN_DIGEST = "f" * 64


def test_p16_a_cabinet_that_is_ahead_gets_the_rules_in_force_above_its_version(
    server: FleetServer,
) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.held_rules = 7
    cabinet.birth()
    with server.transactions.read() as tx:
        issued = newest_set(tx.session)
        assert issued is not None
        bundle = read_rule_bundle(read_envelope(issued.envelope.encode()).payload)
        topics = [row.topic for row in tx.session.query(OutboundMessage)]
        notices = {row.audience: row for row in tx.session.query(Notice)}
    assert (issued.version, bundle.version) == (8, 8)
    # What was recalled after the backup is on sale again until somebody begins it again.
    assert set(notices) == {"role:recall_author", "role:recall_approver", "role:supervisor"}
    assert {row.urgency for row in notices.values()} == {"urgent"}
    assert "fleet/v1/all/rules" in topics


def test_p16_a_cabinet_that_is_level_or_behind_changes_no_version(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    for held in (0, 1):
        cabinet.held_rules = held
        cabinet.birth()
        cabinet.beat()
    assert _rules(server) == 1


def test_p16_a_huge_number_moves_no_version_and_is_told_once_an_hour(
    server: FleetServer, clock: ManualClock
) -> None:
    cabinet = speaking_cabinet(server)
    for made_up in (AHEAD_MAX + 2, 2**63 - 1):
        cabinet.held_rules = cabinet.held_desired = made_up
        cabinet.birth()
        cabinet.beat()
    assert (_rules(server), _desired(server, cabinet)) == (1, 1)
    assert _faults(server) == [("C1", "VERSION_UNKNOWN", 2)]  # rules and desired state, once each
    clock.advance(timedelta(hours=1).total_seconds())
    cabinet.beat()
    assert _faults(server) == [("C1", "VERSION_UNKNOWN", 4)]


def test_p16_a_cabinet_that_names_ever_higher_rules_makes_one_bundle_an_hour(
    server: FleetServer, clock: ManualClock
) -> None:
    cabinet = speaking_cabinet(server)
    for _ in range(20):
        cabinet.held_rules = _rules(server) + 1
        cabinet.beat()
        clock.advance(15)
    assert _rules(server) == 3
    assert _faults(server) == [("C1", "VERSION_UNKNOWN", 1)]
    clock.advance(CABINET_PACE.total_seconds())
    cabinet.beat()
    assert _rules(server) == 5


def test_p16_foreign_versions_of_the_whole_fleet_make_one_bundle_a_minute(
    server: FleetServer, clock: ManualClock
) -> None:
    site = add_a_site(server)
    cabinets = [speaking_cabinet(server, f"C{number}", site) for number in range(1, 4)]
    for ahead, cabinet in enumerate(cabinets, start=5):
        cabinet.held_rules = ahead
        cabinet.beat()
    assert _rules(server) == 6  # above the first; the others wait their turn
    clock.advance(FLEET_PACE.total_seconds())
    for cabinet in cabinets:
        cabinet.beat()
    assert _rules(server) == 8
    assert _faults(server) == []


def test_recall_staff_is_told_once_an_hour_however_many_name_foreign_rules(
    server: FleetServer, clock: ManualClock
) -> None:
    cabinets = [speaking_cabinet(server, f"C{number}") for number in (1, 2)]
    for cabinet, held in zip(cabinets, (7, 20), strict=True):
        cabinet.held_rules = held
        cabinet.birth()
        clock.advance(FLEET_PACE.total_seconds() + 1)
    assert _rules(server) == 21
    with server.transactions.read() as tx:
        assert tx.session.query(Notice).count() == 3  # one for each role


def test_p16_what_a_person_changes_is_issued_above_those_that_wait(server: FleetServer) -> None:
    site = add_a_site(server)
    first, second = (speaking_cabinet(server, one, site) for one in ("C1", "C2"))
    first.held_rules, second.held_rules = 5, 9
    first.beat()
    second.beat()
    assert _rules(server) == 6
    with server.transactions.write("system:test") as tx:
        assert lift_rules(tx, server.signing, "recall-1").version == 10


def test_p16_rules_of_the_same_version_and_other_content_are_overtaken_when_refused(
    server: FleetServer,
) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.tell("rules.rejected", RulesRejected(1, 1, OTHER_CONTENT))
    assert _rules(server) == 2


def test_p16_an_older_bundle_that_came_late_is_refused_and_changes_nothing(
    server: FleetServer,
) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.tell("rules.rejected", RulesRejected(0, 1, "the version is lower"))
    cabinet.tell("rules.rejected", RulesRejected(0, 0, OTHER_CONTENT))
    assert _rules(server) == 1


def test_p16_an_acknowledgement_with_another_digest_shows_foreign_rules(
    server: FleetServer,
) -> None:
    cabinet = speaking_cabinet(server)
    _acknowledge(server, cabinet)
    assert _rules(server) == 1
    cabinet.tell("rules.applied", RulesApplied(1, FOREIGN_DIGEST, []))
    assert _rules(server) == 2


def test_p16_a_level_birth_whose_acknowledgement_is_older_gets_the_rules_again(
    server: FleetServer,
) -> None:
    """The number alone does not say that the content is ours."""
    cabinet = speaking_cabinet(server)
    _acknowledge(server, cabinet)
    with server.transactions.write("system:test") as tx:
        lift_rules(tx, server.signing, "recall-1")
    cabinet.held_rules = 2
    before = _sent(server, DownKind.RULES)
    cabinet.birth()
    assert _sent(server, DownKind.RULES) == before + 1
    _acknowledge(server, cabinet)
    cabinet.birth()
    cabinet.beat()
    assert _sent(server, DownKind.RULES) == before + 1


def test_p16_a_cabinet_that_is_behind_gets_the_rules_at_each_birth_and_a_level_one_at_a_pace(
    server: FleetServer,
) -> None:
    """A link that drops before the bundle came must not cost who is behind thirty seconds."""
    cabinet = speaking_cabinet(server)
    _acknowledge(server, cabinet)
    with server.transactions.write("system:test") as tx:
        lift_rules(tx, server.signing, "recall-1")
    before = _sent(server, DownKind.RULES)
    for _ in range(2):
        cabinet.birth()
    assert _sent(server, DownKind.RULES) == before + 2
    cabinet.held_rules = 2
    for _ in range(2):
        cabinet.birth()
    assert _sent(server, DownKind.RULES) == before + 2


def test_p15_a_cabinet_that_is_ahead_gets_its_desired_state_above_its_version(
    server: FleetServer,
) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.held_desired = 4
    cabinet.beat()
    assert _desired(server, cabinet) == 5
    cabinet.beat()
    assert _desired(server, cabinet) == 5


def test_p15_desired_state_of_the_same_version_and_other_content_is_overtaken_when_refused(
    server: FleetServer, api: WebClient
) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.tell("desired.applied", DesiredApplied(1))
    api.as_(Role.OPERATOR).put("/cabinets/C1/desired", {})
    cabinet.held_desired = 2
    before = _sent(server, DownKind.DESIRED)
    cabinet.birth()  # acknowledged is 1 alone: it is sent again, and refused
    assert _sent(server, DownKind.DESIRED) == before + 1
    cabinet.tell("desired.rejected", DesiredRejected(2, "version", OTHER_CONTENT))
    assert _desired(server, cabinet) == 3
    assert _faults(server) == []


def test_p15_a_cabinet_that_names_ever_higher_desired_states_is_followed_once_an_hour(
    server: FleetServer, clock: ManualClock
) -> None:
    cabinet = speaking_cabinet(server)
    for _ in range(5):
        cabinet.held_desired = _desired(server, cabinet) + 1
        cabinet.beat()
        clock.advance(15)
    assert _desired(server, cabinet) == 3
    assert _faults(server) == [("C1", "VERSION_UNKNOWN", 1)]


def _acknowledge(server: FleetServer, cabinet: SpeakingCabinet) -> None:
    with server.transactions.read() as tx:
        ours = newest_set(tx.session)
    assert ours is not None
    cabinet.tell("rules.applied", RulesApplied(ours.version, ours.digest, []))


def _rules(server: FleetServer) -> int:
    with server.transactions.read() as tx:
        return newest_version(tx.session)


def _desired(server: FleetServer, cabinet: SpeakingCabinet) -> int:
    with server.transactions.read() as tx:
        row = tx.session.get_one(CabinetDesired, cabinet.cabinet_id)
        assert row.state["version"] == row.version
        return row.version


def _sent(server: FleetServer, kind: DownKind) -> int:
    with server.transactions.read() as tx:
        topic = down("fleet", "C1", kind)
        found = select(func.count()).where(OutboundMessage.topic == topic)
        return tx.session.scalar(found) or 0


def _faults(server: FleetServer) -> list[tuple[str, str, int]]:
    with server.transactions.read() as tx:
        return [(one.cabinet_id, one.code, one.count) for one in tx.session.scalars(select(Fault))]
