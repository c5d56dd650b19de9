"""Take, keep and give back leases. A process that dies loses them with their time.

A lease keeps two processes from doing the same work, it does not make the work safe: whoever is
late (a process that stood still past its time) meets P-3 in ingest, and row locks in the sweeps.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import select

from fleet_server.bulk import one_of
from fleet_server.leases.models import Lease
from fleet_server.leases.rules import Share, share
from fleet_server.transactions import Transaction

LEASE = timedelta(seconds=8)
"""How long after its death a process is missed: the cabinets' first repeat comes after 10 s."""
LOOK_SECONDS = 2.0
"""How often a lease is prolonged: three looks may fail before it ends."""
MEMBER = "member/"


def make_leases(tx: Transaction, names: Iterable[str]) -> None:
    """Make rows nobody holds; the caller keeps others out, so that no two make the same."""
    wanted = sorted(set(names))
    known = _locked(tx, wanted)
    for name in wanted:
        if name not in known:
            tx.session.add(Lease(name=name, holder="", fence=0, expires_at=tx.now))


def hold(tx: Transaction, name: str, holder: str) -> bool:
    """Take or prolong one lease; False while somebody else has it."""
    row = _locked(tx, [name]).get(name)
    if row is not None and row.holder != holder and _is_held(tx, row):
        return False
    _give(tx, row, name, holder)
    return True


def hold_share(tx: Transaction, names: Sequence[str], holder: str) -> Share:
    """Take, prolong and give back, so that `names` are spread evenly over those who live."""
    rows = _locked(tx, names)
    living = _living(tx)
    held = {name: row.holder for name, row in rows.items() if _is_held(tx, row)}
    decided = share(holder, living, names, held)
    for name in sorted(decided.keeps | decided.takes):
        _give(tx, rows.get(name), name, holder)
    for name in decided.gives_back:
        _end(tx, rows[name])
    member = MEMBER + holder
    _give(tx, tx.session.get(Lease, member), member, holder)
    return decided


def give_back(tx: Transaction, holder: str) -> None:
    """End all leases of a process that stops: others need not wait."""
    found = select(Lease).where(Lease.holder == holder).order_by(Lease.name).with_for_update()
    for row in tx.session.scalars(found):
        if row.name.startswith(MEMBER):
            tx.session.delete(row)
        else:
            _end(tx, row)


def _locked(tx: Transaction, names: Iterable[str]) -> dict[str, Lease]:
    found = select(Lease).where(one_of(tx.session, Lease.name, names))
    rows = tx.session.scalars(found.order_by(Lease.name).with_for_update())
    return {row.name: row for row in rows}


def _living(tx: Transaction) -> set[str]:
    """Processes that looked lately; those that did not are forgotten."""
    found = select(Lease).where(Lease.name.startswith(MEMBER)).order_by(Lease.name)
    rows = list(tx.session.scalars(found.with_for_update()))
    for row in rows:
        if not _is_held(tx, row):
            tx.session.delete(row)
    return {row.holder for row in rows if _is_held(tx, row)}


def _is_held(tx: Transaction, row: Lease) -> bool:
    return row.holder != "" and row.expires_at > tx.now


def _give(tx: Transaction, row: Lease | None, name: str, holder: str) -> None:
    if row is None:
        row = Lease(name=name, holder="", fence=0, expires_at=tx.now)
        tx.session.add(row)
    if row.holder != holder:
        row.holder, row.fence = holder, row.fence + 1
    row.expires_at = tx.now + LEASE


def _end(tx: Transaction, row: Lease) -> None:
    row.holder, row.expires_at = "", tx.now
