"""P-15, P-16: after a restore the versions of the server rise above those the cabinets hold.

Found by the fleet simulation (seeds 2 and 3 of its first day): a restored server stood at rules 1,
its cabinets at 3; what it issued next they refused, or held under the same version with other
content, and never obeyed.
"""

from fleet_server.app import FleetServer
from fleet_server.cabinets.models import CabinetDesired
from fleet_server.outbox.models import OutboundMessage
from fleet_server.rules.queries import newest_set, newest_version
from fleet_server.rules.service import OVERTAKEN_MAX
from protocol.rules import read_rule_bundle
from protocol.signatures import read_envelope
from tests.registry import speaking_cabinet
from tests.speaking_cabinet import SpeakingCabinet


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
    assert (issued.version, bundle.version) == (8, 8)
    assert "fleet/v1/all/rules" in topics


def test_p16_a_cabinet_that_is_level_or_behind_changes_no_version(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    for held in (0, 1):
        cabinet.held_rules = held
        cabinet.birth()
        cabinet.beat()
    assert _rules(server) == 1


def test_p16_one_cabinet_cannot_use_up_the_numbers(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.held_rules = cabinet.held_desired = OVERTAKEN_MAX + 2
    cabinet.birth()
    assert (_rules(server), _desired(server, cabinet)) == (1, 1)


def test_p15_a_cabinet_that_is_ahead_gets_its_desired_state_above_its_version(
    server: FleetServer,
) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.held_desired = 4
    cabinet.beat()
    assert _desired(server, cabinet) == 5
    cabinet.beat()
    assert _desired(server, cabinet) == 5


def _rules(server: FleetServer) -> int:
    with server.transactions.read() as tx:
        return newest_version(tx.session)


def _desired(server: FleetServer, cabinet: SpeakingCabinet) -> int:
    with server.transactions.read() as tx:
        row = tx.session.get_one(CabinetDesired, cabinet.cabinet_id)
        assert row.state["version"] == row.version
        return row.version
