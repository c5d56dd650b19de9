"""What was proven: both journals event by event, receipts, shoppers' units."""

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass

from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from fleet_server.ingest.models import JournalEvent
from fleet_server.sales.models import Sale
from simulators.story.proofs import Row, cabinets_rows
from simulators.waiting import wait_until
from tests.soak.restoring import Restoring
from tests.soak.world import World

REST_SECONDS_MAX = 400.0
"""Longest wait of an agent before it tries again: a time-out of 2 s doubled to 5 min."""


@dataclass
class Verdict:
    """Zeros, if all is well."""

    events: int = 0
    sales: int = 0
    lost: int = 0
    doubled: int = 0
    receipts_ahead: int = 0
    """Receipts the database did not keep."""
    sold_twice: int = 0
    taken_not_sold: int = 0
    problems: int = 0

    @property
    def wrong(self) -> int:
        """All that should be zero, added up."""
        return (
            self.lost
            + self.doubled
            + self.receipts_ahead
            + self.sold_twice
            + self.taken_not_sold
            + self.problems
        )


def judge(world: World, restoring: Restoring) -> Verdict:
    """Wait until everything is committed, then compare.

    What a cabinet had deleted before the restore stands against the journal of the database that
    was lost: it may be there once, or inside a gap (`Restoring.judge`).
    """
    wait_until(
        "every agent has its receipt for everything",
        lambda: all(_is_committed(world, number) for number in range(len(world.cabinets))),
        REST_SECONDS_MAX,
    )
    verdict = Verdict(problems=len(world.problems))
    theirs, digests, heads, paid = _server(world)
    ours = cabinets_rows(world.cabinets)
    verdict.events = ours.total() + sum(heads.values())
    known = ours | restoring.lost_rows
    verdict.lost, verdict.doubled = (ours - theirs).total(), (theirs - known).total()
    report = world.report
    for cabinet, (_, head, digest) in (report.heads if report else {}).items():
        verdict.lost += max(0, head - heads.get(cabinet, 0))
        verdict.doubled += max(0, heads.get(cabinet, 0) - head)
        if digests.get(cabinet) != digest and head == heads.get(cabinet, 0):
            verdict.doubled += 1  # altered
    verdict.receipts_ahead = world.receipts_ahead if report else 1
    verdict.sales = len(paid)
    verdict.sold_twice = sum(count - 1 for count in paid.values())
    taken = {one.payment_reference for shopper in world.shoppers for one in shopper.taken}
    verdict.taken_not_sold = len(taken - set(paid) - restoring.judge())
    return verdict


def _server(world: World) -> tuple[Counter[Row], dict[str, str], dict[str, int], Counter[str]]:
    """Rows of the real cabinets; digest and count of the simulated; payments of the real."""
    real = {one.cabinet_id for one in world.cabinets}
    rows: Counter[Row] = Counter()
    digests = defaultdict(hashlib.sha256)
    heads: Counter[str] = Counter()
    engine = create_engine(world.postgres.url)
    with Session(engine) as session:
        found = select(JournalEvent).order_by(
            JournalEvent.cabinet_id, JournalEvent.received_at, JournalEvent.seq
        )
        for row in session.scalars(found.execution_options(yield_per=1_000)):
            if row.cabinet_id in real:
                digest = hashlib.sha256(row.body.encode()).hexdigest()
                rows[row.cabinet_id, row.epoch, row.seq, digest] += 1
            else:
                digests[row.cabinet_id].update(f"{row.seq}:{row.body}\n".encode())
                heads[row.cabinet_id] += 1
        sold = select(Sale.payment_reference).where(Sale.cabinet_id.in_(sorted(real)))
        paid = Counter(session.scalars(sold))
    engine.dispose()
    return rows, {one: made.hexdigest() for one, made in digests.items()}, dict(heads), paid


def _is_committed(world: World, number: int) -> bool:
    state = world.cabinets[number].state()
    return bool(state["committed"] == state["journal"]["head"])
