"""Change the active rules: each change is the next version, signed, stored and queued at once."""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import delete

from fleet_server.audit.service import record
from fleet_server.live.service import FLEET, changed
from fleet_server.outbox.service import send_to_all, send_to_each
from fleet_server.rules.events import RulesOvertaken
from fleet_server.rules.foreign_versions import VersionKind, follow, highest_named
from fleet_server.rules.models import ActiveRule, RuleSet
from fleet_server.rules.queries import active_rules, lock_versions, newest_set, newest_version
from fleet_server.signing import SigningService
from fleet_server.transactions import Transaction
from protocol.rules import Rule, RuleBundle, check_rule, read_rule_bundle
from protocol.signatures import WHOLE_FLEET, Envelope, SignedKind
from protocol.topics import AllKind, DownKind


def ensure_first_bundle(tx: Transaction, signing: SigningService) -> None:
    """Make version 1, empty, where there is none: without a bundle no cabinet sells (P-16)."""
    if newest_set(tx.session) is None:
        _issue(tx, signing, "first")


def put_rules(
    tx: Transaction, signing: SigningService, recall_id: str, revision: int, rules: list[Rule]
) -> RuleSet:
    """Put the rules of one recall or hold in force, instead of those it had.

    Raises MalformedMessageError for a rule that makes no sense; nothing is changed then.
    """
    for rule in rules:
        check_rule(rule)
    lock_versions(tx.session)  # one change at a time: versions have no fork
    tx.session.execute(delete(ActiveRule).where(ActiveRule.recall_id == recall_id))
    for rule in rules:
        tx.session.add(
            ActiveRule(
                id=tx.new_id(),
                recall_id=recall_id,
                revision=revision,
                rule=msgspec.to_builtins(rule),
                since=tx.now,
            )
        )
    tx.session.flush()
    return _issue(tx, signing, recall_id)


def lift_rules(tx: Transaction, signing: SigningService, recall_id: str) -> RuleSet:
    """Take the rules of one recall or hold out of force; those of others stay."""
    return put_rules(tx, signing, recall_id, 0, [])


def resend_rules(tx: Transaction, signing: SigningService, cabinet_ids: Sequence[str]) -> None:
    """Send the bundle in force to cabinets that are behind."""
    newest = newest_set(tx.session) if cabinet_ids else None
    if newest is not None:
        send_to_each(tx, signing.fleet, cabinet_ids, DownKind.RULES, newest.envelope.encode())


def overtake(tx: Transaction, signing: SigningService, named: Mapping[str, int]) -> None:
    """Issue the rules in force once more, above what cabinets hold and this server did not issue.

    `named`: cabinet -> a version above ours, or ours with other content. A cabinet never goes
    below its version (P-15): where this database was restored from a backup, what is issued from
    here on would be refused. At what pace these are followed says ADR 0021.
    """
    lock_versions(tx.session)
    if follow(tx, VersionKind.RULES, named, newest_version(tx.session)):
        issued = _issue(tx, signing, "overtaken")
        tx.announce(RulesOvertaken(issued.version, tuple(sorted(named))))


def _issue(tx: Transaction, signing: SigningService, why: str) -> RuleSet:
    # Above every foreign version that is believed, also one whose turn has not come: what a person
    # decided must be obeyed at once.
    version = highest_named(tx.session, VersionKind.RULES, newest_version(tx.session)) + 1
    bundle = RuleBundle(
        kind=SignedKind.RULES,
        fleet=signing.fleet,
        cabinet=WHOLE_FLEET,
        version=version,
        issued_at=tx.now,
        rules=active_rules(tx.session),
    )
    body = signing.signed(bundle)
    payload = msgspec.json.decode(body, type=Envelope).payload
    read_rule_bundle(payload)  # what a cabinet would refuse must not leave
    issued = RuleSet(
        version=bundle.version,
        issued_at=tx.now,
        digest=hashlib.sha256(payload.encode()).hexdigest(),
        envelope=body.decode(),
    )
    tx.session.add(issued)
    send_to_all(tx, signing.fleet, AllKind.RULES, body)
    facts = {"version": issued.version, "digest": issued.digest, "why": why}
    record(tx, "rules.issued", "rules", str(issued.version), facts)
    changed(tx, [FLEET], "rules", str(issued.version))
    return issued
