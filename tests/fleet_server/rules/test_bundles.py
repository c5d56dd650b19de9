"""P-16: one set of rules, one rising version, signed; the same bytes for all and for one."""

import hashlib
import threading

import pytest
from sqlalchemy import select

from fleet_server.app import FleetServer
from fleet_server.outbox.models import OutboundMessage
from fleet_server.rules.models import RuleSet
from fleet_server.rules.queries import blocking, newest_version
from fleet_server.rules.service import ensure_first_bundle, lift_rules, put_rules, resend_rules
from protocol.errors import MalformedMessageError
from protocol.matching import Goods, Match, Place
from protocol.rules import BlockKind, Lots, Notice, Rule, RuleBundle, Terms, read_rule_bundle
from protocol.signatures import Keyring, SignedKind, read_envelope
from protocol.topics import AllKind, DownKind, broadcast, down
from protocol.wire import DOWN_LIMIT_BYTES, unpack
from tests.registry import speaking_cabinet

GTIN = "06901234567892"
NOTICE = Notice("停", "stop")


def rule(recall: str, lot: str) -> Rule:
    return Rule(recall, 1, BlockKind.HOLD, Terms(gtins=[GTIN], lots=Lots(exact=[lot])), NOTICE)


def put(server: FleetServer, recall: str, *rules: Rule) -> int:
    with server.transactions.write("user:1") as tx:
        return put_rules(tx, server.signing, recall, 1, list(rules)).version


def version(server: FleetServer) -> int:
    with server.transactions.read() as tx:
        return newest_version(tx.session)


def sent(server: FleetServer, topic: str) -> list[bytes]:
    with server.transactions.read() as tx:
        found = select(OutboundMessage.payload).where(OutboundMessage.topic == topic)
        return list(tx.session.scalars(found.order_by(OutboundMessage.seq)))


def opened(server: FleetServer, data: bytes) -> RuleBundle:
    keys = Keyring(server.signing.public_keys)
    envelope = read_envelope(unpack(data, DOWN_LIMIT_BYTES))
    return read_rule_bundle(keys.open(envelope, SignedKind.RULES, "fleet", "C1"))


def test_p16_the_first_bundle_is_empty_and_made_once(server: FleetServer) -> None:
    with server.transactions.write("system:test") as tx:
        ensure_first_bundle(tx, server.signing)
    bundles = [opened(server, one) for one in sent(server, broadcast("fleet", AllKind.RULES))]
    assert [(one.version, one.rules) for one in bundles] == [(1, [])]


def test_p16_each_change_is_the_next_version_of_the_full_set(server: FleetServer) -> None:
    assert put(server, "r1", rule("r1", "L1")) == 2
    assert put(server, "r2", rule("r2", "L2")) == 3
    assert put(server, "r1", rule("r1", "L3"), rule("r1", "L4")) == 4
    with server.transactions.write("user:1") as tx:
        assert lift_rules(tx, server.signing, "r2").version == 5
    bundles = [opened(server, one) for one in sent(server, broadcast("fleet", AllKind.RULES))]
    lots = [sorted(r.terms.lots.exact[0] for r in one.rules if r.terms.lots) for one in bundles]
    assert [one.version for one in bundles] == [1, 2, 3, 4, 5]
    assert lots == [[], ["L1"], ["L1", "L2"], ["L2", "L3", "L4"], ["L3", "L4"]]


def test_p16_the_same_bytes_go_to_all_and_to_one(server: FleetServer) -> None:
    speaking_cabinet(server, born=False)
    put(server, "r1", rule("r1", "L1"))
    with server.transactions.write("system:test") as tx:
        resend_rules(tx, server.signing, ["C1"])
    to_all = sent(server, broadcast("fleet", AllKind.RULES))[-1]
    assert sent(server, down("fleet", "C1", DownKind.RULES)) == [to_all]


def test_p16_the_digest_is_that_of_the_signed_text(server: FleetServer) -> None:
    put(server, "r1", rule("r1", "L1"))
    with server.transactions.read() as tx:
        kept = tx.session.get_one(RuleSet, 2)
    payload = read_envelope(kept.envelope.encode()).payload
    assert kept.digest == hashlib.sha256(payload.encode()).hexdigest()


def test_p16_a_rule_that_would_block_all_changes_nothing(server: FleetServer) -> None:
    put(server, "r1", rule("r1", "L1"))
    with pytest.raises(MalformedMessageError):
        put(server, "r1", Rule("r1", 2, BlockKind.RECALL, Terms(), NOTICE))
    assert version(server) == 2
    with server.transactions.read() as tx:
        found = blocking(tx.session, Goods(GTIN, "L1"), Place("C1"))
    assert [(one.recall, how) for one, how in found] == [("r1", Match.YES)]


def test_p16_an_unknown_lot_is_blocked_and_another_lot_is_not(server: FleetServer) -> None:
    put(server, "r1", rule("r1", "L1"))
    with server.transactions.read() as tx:
        unknown = blocking(tx.session, Goods(GTIN), Place("C1"))
        assert [how for _, how in unknown] == [Match.POSSIBLE]
        assert blocking(tx.session, Goods(GTIN, "L2"), Place("C1")) == []


def test_p16_writers_at_the_same_time_make_versions_without_gap_or_fork(
    server: FleetServer,
) -> None:
    writers = 6

    def write(number: int) -> None:
        put(server, f"r{number}", rule(f"r{number}", f"L{number}"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    with server.transactions.read() as tx:
        versions = list(tx.session.scalars(select(RuleSet.version).order_by(RuleSet.version)))
    assert versions == list(range(1, writers + 2))
    newest = opened(server, sent(server, broadcast("fleet", AllKind.RULES))[-1])
    assert len(newest.rules) == writers
