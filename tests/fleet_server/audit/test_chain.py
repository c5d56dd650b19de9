"""The audit log is a chain: whatever is changed or removed afterwards is found."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from fleet_server.app import FleetServer
from fleet_server.audit.models import AuditEntry, AuditHead
from fleet_server.audit.rules import GENESIS, canonical, chained, first_break
from fleet_server.audit.service import record, verify
from fleet_server.auth.rules import Role
from fleet_server.transactions import Transactions
from tests.registry import add_a_site
from tests.web_client import WebClient

ENTRIES = 6
TAMPERED: dict[str, Any] = {
    "at": None,
    "actor": "user:someone-else",
    "action": "nothing.happened",
    "kind": "other",
    "object_id": "other",
    "site_id": "other",
    "details": {"number": -1},
    "text": "{}",
    "hash": "f" * 64,
}


def broken(transactions: Transactions) -> int | None:
    with transactions.read() as tx:
        return verify(tx)


@pytest.fixture
def chain(server: FleetServer) -> Transactions:
    """Six entries, the first of them the server's own first bundle."""
    for number in range(2, ENTRIES + 1):
        with server.transactions.write("user:1") as tx:
            details = {"number": number, "price": 1.5, "text": "改动", "none": None}
            record(tx, "thing.changed", "thing", str(number), details, "site-1")
    return server.transactions


def test_an_untouched_chain_is_whole(chain: Transactions) -> None:
    assert broken(chain) is None


def test_every_column_an_auditor_reads_is_covered(chain: Transactions) -> None:
    """Each column of each position in turn; then put back, so that only it can be the reason."""
    assert set(TAMPERED) == {column.key for column in AuditEntry.__table__.columns} - {"seq"}
    for seq in range(1, ENTRIES + 1):
        with chain.read() as tx:
            row = tx.session.get_one(AuditEntry, seq)
            before = {column: getattr(row, column) for column in TAMPERED}
        for column, wrong in TAMPERED.items():
            value = before["at"] + timedelta(milliseconds=1) if column == "at" else wrong
            change(chain, seq, {column: value})
            assert broken(chain) == seq, column
            change(chain, seq, {column: before[column]})
    assert broken(chain) is None


def change(chain: Transactions, seq: int, values: dict[str, Any]) -> None:
    with chain.write("user:intruder") as tx:
        tx.session.execute(update(AuditEntry).where(AuditEntry.seq == seq).values(values))


def test_a_row_that_was_removed_is_missed(chain: Transactions) -> None:
    with chain.read() as tx:
        rows = {row.seq: row for row in tx.session.scalars(select(AuditEntry))}
    for seq, row in rows.items():
        with chain.write("user:intruder") as tx:
            tx.session.execute(delete(AuditEntry).where(AuditEntry.seq == seq))
        assert broken(chain) is not None
        with chain.write("system:test") as tx:
            columns = AuditEntry.__table__.columns.keys()
            tx.session.add(AuditEntry(**{column: getattr(row, column) for column in columns}))
    assert broken(chain) is None


def test_a_chain_cut_off_at_its_end_or_whole_is_missed(chain: Transactions) -> None:
    for last in range(ENTRIES, 0, -1):
        with chain.write("user:intruder") as tx:
            tx.session.execute(delete(AuditEntry).where(AuditEntry.seq == last))
        assert broken(chain) is not None


def test_a_chain_whose_head_was_removed_is_broken(chain: Transactions) -> None:
    with chain.write("user:intruder") as tx:
        tx.session.execute(delete(AuditHead))
    assert broken(chain) is not None


def test_a_transaction_that_fails_leaves_no_entry(chain: Transactions) -> None:
    def fail() -> None:
        with chain.write("user:1") as tx:
            record(tx, "thing.changed", "thing", "7")
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        fail()
    with chain.read() as tx:
        assert tx.session.get_one(AuditHead, 1).seq == ENTRIES
    assert broken(chain) is None


def test_writers_at_the_same_time_keep_the_chain_whole(chain: Transactions) -> None:
    writers, each = 4, 5

    def write(name: str) -> None:
        for number in range(each):
            with chain.write(f"user:{name}") as tx:
                record(tx, "thing.changed", "thing", f"{name}-{number}")
                record(tx, "thing.told", "thing", f"{name}-{number}")

    threads = [threading.Thread(target=write, args=(str(one),)) for one in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert broken(chain) is None
    with chain.read() as tx:
        seqs = list(tx.session.scalars(select(AuditEntry.seq).order_by(AuditEntry.seq)))
    assert seqs == list(range(1, ENTRIES + 2 * writers * each + 1))


@given(st.lists(st.dictionaries(st.text(max_size=5), st.integers()), min_size=1), st.data())
def test_a_change_at_any_place_of_any_chain_is_found_there(
    facts: list[dict[str, int]], data: st.DataObject
) -> None:
    entries: list[tuple[int, str, str]] = []
    digest = GENESIS
    for seq, fact in enumerate(facts, start=1):
        text = canonical({"seq": seq, "details": fact})
        digest = chained(digest, text)
        entries.append((seq, text, digest))
    assert first_break(entries) is None
    place = data.draw(st.integers(0, len(entries) - 1))
    seq, text, digest = entries[place]
    entries[place] = (seq, text + " ", digest)
    assert first_break(entries) == seq


def test_changes_over_http_are_audited_with_who_did_them(
    server: FleetServer, api: WebClient
) -> None:
    admin = api.as_(Role.ADMIN)
    who = admin.get("/session")["actor"]
    site = add_a_site(server)
    admin.post("/cabinets", {"id": "C1", "serial_number": "SN-1", "site_id": site.id})
    claimed = admin.post("/cabinets/C1/claims")
    entries = admin.get("/audit", object_id="C1")["items"]
    assert [(one["actor"], one["action"]) for one in entries] == [
        (who, "claim.made"),
        (who, "cabinet.registered"),
    ]
    assert claimed["claim_code"] not in admin._client.get("/api/v1/audit").text
    assert broken(server.transactions) is None


def test_the_audit_log_is_paged_by_its_sequence_and_only_for_auditors(
    chain: Transactions, api: WebClient
) -> None:
    auditor = api.as_(Role.AUDITOR)
    assert broken(chain) is None
    seen: list[int] = []
    after: dict[str, str] = {}
    for _ in range(20):
        page = auditor.get("/audit", limit=3, **after)
        seen += [one["seq"] for one in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == sorted(set(seen), reverse=True)
    assert seen[-1] == 1
    assert api.as_(Role.OPERATOR).try_get("/audit").status_code == 403
    for cursor in ("²", "abc", "-1", "9" * 30):
        assert auditor.try_get("/audit", after=cursor).status_code == 422, cursor
