"""Signed state: forged, older, other, by hand, after a restart (P-12, P-15, P-16)."""

from collections.abc import Callable

import pytest

from edge_agent.detection.errors import ThresholdError
from edge_agent.rules.documents import VersionRefusedError
from edge_agent.selling.gate import Refused
from edge_agent.selling.rejections import CLEAR_AFTER_SECONDS
from protocol.errors import MalformedMessageError, SignatureRejectedError
from protocol.events import RefusalReason
from protocol.matching import Match
from protocol.rules import BlockKind, Lots, Notice, Rule, Terms, Where
from protocol.signatures import Signer
from protocol.wire import DOWN_LIMIT_BYTES, unpack
from tests.edge_agent.model_server import GTIN_A, START, ModelServer
from tests.edge_agent.workbench import Bench, planned, ready

NOTICE = Notice("召回", "recalled")
FORGER = Signer(b"f" * 32)


def recall(lot: str = "L1", **where: list[str]) -> Rule:
    terms = Terms(gtins=[GTIN_A], lots=Lots(exact=[lot]))
    return Rule("R-1", 1, BlockKind.RECALL, terms, NOTICE, where=Where(**where))


def reason(bench: Bench) -> RefusalReason | None:
    decision = bench.agent.cabinet.decide("A1")
    return decision.reason if isinstance(decision, Refused) else None


def test_p12_a_forged_bundle_changes_nothing_and_raises_one_fault(bench: Bench) -> None:
    for _ in range(50):
        bench.link.send_rules(bench.server.rules(9, [recall()], signer=FORGER))
        bench.step()
    assert bench.agent.cabinet.parts.rules.version == 1
    assert bench.vend("pay-1").outcome == "dispensed"
    raised = [(body["code"], body["part"]) for body in bench.bodies("fault.raised")]
    assert raised == [("SIGNATURE_REJECTED", "rules")]
    assert bench.bodies("fault.repeated") == []
    bench.clock.advance(CLEAR_AFTER_SECONDS)
    bench.steps(2)
    cleared = {body["code"] for body in bench.bodies("fault.cleared")}
    assert "SIGNATURE_REJECTED" in cleared


def test_p12_a_true_signature_on_another_kind_is_refused(bench: Bench) -> None:
    with pytest.raises(SignatureRejectedError):
        bench.agent.cabinet.take_rules(bench.server.desired(5, []))
    assert bench.agent.cabinet.parts.rules.version == 1


def test_p16_a_new_bundle_blocks_at_once_and_is_acknowledged_with_what_it_blocks(
    bench: Bench,
) -> None:
    bench.link.send_rules(bench.server.rules(2, [recall()]))
    bench.steps(1)
    assert reason(bench) is RefusalReason.RECALL
    applied = bench.bodies("rules.applied")[-1]
    assert applied["version"] == 2
    assert applied["blocked"] == [{"slot": "A1", "recall": "R-1", "match": "yes"}]
    assert len(str(applied["digest"])) == 64


def test_p16_an_unknown_lot_is_blocked_as_possible(bench: Bench) -> None:
    bench.load(slot="A2", lot=None)
    bench.link.send_rules(bench.server.rules(2, [recall("L7")]))
    bench.steps(1)
    blocked = bench.bodies("rules.applied")[-1]["blocked"]
    assert blocked == [{"slot": "A2", "recall": "R-1", "match": Match.POSSIBLE}]
    assert reason(bench) is None


def test_p16_a_rule_for_another_place_does_not_block_here(bench: Bench) -> None:
    bench.link.send_rules(bench.server.rules(2, [recall(sites=["elsewhere"])]))
    bench.steps(1)
    assert reason(bench) is None
    bench.link.send_rules(bench.server.rules(3, [recall(sites=["site-1"])]))
    bench.steps(1)
    assert reason(bench) is RefusalReason.RECALL


def test_p16_no_acknowledgement_is_sent_while_a_vend_is_open(bench: Bench) -> None:
    bench.doors.stuck = True
    bench.vend("pay-1")
    bench.link.send_rules(bench.server.rules(2, [recall()]))
    bench.steps(3)
    assert bench.agent.cabinet.parts.rules.version == 2
    assert bench.bodies("rules.applied")[-1]["version"] == 1
    bench.steps(10)
    assert bench.bodies("rules.applied")[-1]["version"] == 2


def test_p16_an_acknowledgement_that_a_power_cut_prevented_is_made_up_for(
    make_bench: Callable[..., Bench],
) -> None:
    bench = ready(make_bench())
    bench.doors.stuck = True
    bench.vend("pay-1")
    bench.link.send_rules(bench.server.rules(2, [recall()]))
    bench.steps(1)
    bench.crash()
    again = make_bench(server=bench.server)
    again.steps(40)
    assert [body["version"] for body in again.bodies("rules.applied")] == [1, 2]
    assert reason(again) is not None


def test_p16_a_block_is_in_force_at_boot_without_any_network(
    make_bench: Callable[..., Bench],
) -> None:
    bench = ready(make_bench())
    bench.link.send_rules(bench.server.rules(2, [recall()]))
    bench.steps(1)
    bench.crash()
    again = make_bench()
    again.link.reachable = False
    again.steps(1)
    assert reason(again) is RefusalReason.RECALL


def test_p16_a_kept_bundle_that_was_tampered_with_counts_as_none(
    make_bench: Callable[..., Bench],
) -> None:
    bench = ready(make_bench())
    store = bench.agent.cabinet.parts.store
    with store.transaction():
        store.write(
            "UPDATE signed_document SET envelope ="
            " CAST(replace(CAST(envelope AS TEXT), 'fleet', 'fleeT') AS BLOB) WHERE kind = 'rules'"
        )
    bench.crash()
    again = make_bench()
    again.steps(3)
    assert again.agent.cabinet.parts.rules.version == 0
    assert reason(again) is RefusalReason.RULES_PENDING
    again.link.send_rules(again.server.rules(1, []))
    again.steps(3)
    assert again.agent.cabinet.parts.rules.version == 1


def test_a_lower_version_is_refused_and_told_once(bench: Bench) -> None:
    bench.link.send_rules(bench.server.rules(3, []))
    bench.steps(1)
    for _ in range(5):
        bench.link.send_rules(bench.server.rules(2, [recall()]))
        bench.steps(1)
    assert bench.agent.cabinet.parts.rules.version == 3
    (rejected,) = bench.bodies("rules.rejected")
    assert (rejected["version"], rejected["held_version"]) == (2, 3)


def test_the_same_bundle_again_is_silently_fine(bench: Bench) -> None:
    before = len(bench.journal())
    bench.link.send_rules(bench.server.rules(1, []))
    bench.steps(2)
    assert len(bench.journal()) == before


def test_other_content_under_the_held_version_is_refused(bench: Bench) -> None:
    with pytest.raises(VersionRefusedError):
        bench.agent.cabinet.take_rules(bench.server.rules(1, [recall()]))
    assert reason(bench) is None


def test_a_bundle_that_is_signed_but_makes_no_sense_is_refused(bench: Bench) -> None:
    everything = Rule("R", 1, BlockKind.RECALL, Terms(), NOTICE)
    with pytest.raises(MalformedMessageError):
        bench.agent.cabinet.take_rules(bench.server.rules(2, [everything]))
    assert bench.agent.cabinet.parts.rules.version == 1


def test_p15_desired_state_is_followed_and_reported(bench: Bench) -> None:
    dearer = [planned("A1", price_minor=990), planned("A2")]
    bench.link.send_desired(bench.server.desired(2, dearer, settings={"wings": 2}))
    bench.steps(2)
    assert bench.bodies("desired.applied")[-1] == {"version": 2}
    (unknown,) = bench.bodies("desired.rejected")
    assert unknown["key"] == "settings.wings"
    bench.vend("pay-1")
    assert bench.bodies("sale.completed")[0]["total_minor"] == 990


def test_p15_a_threshold_that_cannot_be_refuses_the_document_with_its_key(bench: Bench) -> None:
    data = bench.server.desired(2, [], thresholds={"hold_limit_celsius": 40.0})
    with pytest.raises(ThresholdError):
        bench.agent.cabinet.take_desired(data)
    assert bench.agent.cabinet.parts.desired.version == 1
    (rejected,) = bench.bodies("desired.rejected")
    assert (rejected["version"], rejected["key"]) == (2, "thresholds.hold_limit_celsius")


def test_p15_a_pin_hash_that_is_none_refuses_the_document(bench: Bench) -> None:
    with pytest.raises(MalformedMessageError):
        bench.agent.cabinet.take_desired(bench.server.desired(2, [], service_pin_hash="4711"))
    assert bench.agent.cabinet.parts.desired.version == 1
    assert bench.bodies("desired.rejected")[-1]["key"] == "service_pin_hash"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "Asia", "../etc/passwd", "Asia/\0"])
def test_p15_an_unknown_time_zone_refuses_the_document_and_the_last_good_one_counts(
    bench: Bench, zone: str
) -> None:
    pacific = bench.server.desired(2, [planned("A1")], time_zone="America/Los_Angeles")
    bench.link.send_desired(pacific)
    bench.steps(2)
    with pytest.raises(MalformedMessageError):
        bench.agent.cabinet.take_desired(
            bench.server.desired(3, [planned("A1")], time_zone=zone, site="elsewhere")
        )
    assert bench.agent.cabinet.parts.desired.version == 2
    assert bench.bodies("desired.rejected")[-1]["key"] == "time_zone"
    # 16:00 UTC on the 21st is morning in Los Angeles; in Shanghai and at UTC+14 it is the 22nd.
    bench.clock.advance(8 * 3600.0)
    assert bench.agent.cabinet.look.facts("A1").today == START.date()


def test_p15_a_kept_document_of_an_unknown_time_zone_is_not_followed_and_told(
    make_bench: Callable[..., Bench],
) -> None:
    """As after an update of the machine that took its time zones away."""
    bench = ready(make_bench())
    document = bench.server.desired(1, [planned("A1")], time_zone="Mars/Olympus")
    store = bench.agent.cabinet.parts.store
    with store.transaction():
        kept = unpack(document, DOWN_LIMIT_BYTES)
        store.write("UPDATE signed_document SET envelope = ? WHERE kind = 'desired'", kept)
    bench.crash()
    again = make_bench(server=bench.server, clock=bench.clock)
    again.steps(2)
    again.link.send_desired(document)
    again.steps(2)
    assert again.agent.uplink.standing().versions.desired == 0
    assert again.bodies("desired.rejected")[-1]["key"] == "time_zone"
    assert reason(again) is RefusalReason.FAULT


def test_p15_a_lower_version_of_desired_state_is_refused(bench: Bench) -> None:
    bench.link.send_desired(bench.server.desired(5, [planned("A1")]))
    bench.steps(1)
    bench.link.send_desired(bench.server.desired(4, []))
    bench.steps(1)
    assert bench.agent.cabinet.parts.desired.version == 5
    assert bench.bodies("desired.rejected")[-1]["key"] == "version"


def test_no_stored_bundle_no_sale(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench()
    server: ModelServer = bench.server
    bench.steps(2)
    bench.link.send_desired(server.desired(1, [planned("A1")]))
    bench.steps(2)
    bench.load()
    assert reason(bench) is RefusalReason.RULES_PENDING
