"""What is proven, by comparing what two sides kept independently of each other."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from fleet_server.ingest.models import JournalEvent
from simulators.errors import NotProvenError
from simulators.hosts.cabinet_host import CabinetHost
from simulators.people.shopper import Purchase
from simulators.waiting import wait_until

Row = tuple[str, str, int, str]
"""Cabinet, epoch, sequence, SHA-256 of the body."""

CATCH_UP_SECONDS_MAX = 60.0
"""Longest wait of a cabinet before it tries again: receipt time-out doubled a few times."""


@dataclass(frozen=True)
class JournalProof:
    """Result of comparing the cabinets' journals with the database."""

    events: int
    lost: int
    doubled: int


def cabinets_rows(cabinets: Iterable[CabinetHost]) -> Counter[Row]:
    """Every event the cabinets hold."""
    return Counter(
        (cabinet.cabinet_id, line["epoch"], line["seq"], line["sha256"])
        for cabinet in cabinets
        for line in cabinet.journal()
    )


def server_rows(database_url: str) -> Counter[Row]:
    """Every event the server committed, read straight from its database."""
    engine = create_engine(database_url)
    with Session(engine) as session:
        found = session.execute(
            select(JournalEvent.cabinet_id, JournalEvent.epoch, JournalEvent.seq, JournalEvent.body)
        )
        rows = Counter(
            (row.cabinet_id, row.epoch, row.seq, hashlib.sha256(row.body.encode()).hexdigest())
            for row in found
        )
    engine.dispose()
    return rows


def journals_equal(cabinets: Iterable[CabinetHost], database_url: str) -> JournalProof:
    """Compare both ways; raises NotProvenError when anything is lost, doubled or altered."""
    ours, theirs = cabinets_rows(cabinets), server_rows(database_url)
    proof = JournalProof(
        events=ours.total(), lost=(ours - theirs).total(), doubled=(theirs - ours).total()
    )
    if proof.lost or proof.doubled:
        lost, more = sorted(ours - theirs)[:3], sorted(theirs - ours)[:3]
        raise NotProvenError(
            "journals of the cabinets = journal of the server",
            f"{proof.lost} lost {lost}, {proof.doubled} doubled or altered {more}",
        )
    if proof.events == 0:
        raise NotProvenError("journals of the cabinets = journal of the server", "both are empty")
    return proof


def wait_until_committed(cabinets: Iterable[CabinetHost]) -> None:
    """Wait until each cabinet has its receipt for all it wrote."""
    everyone = list(cabinets)
    wait_until(
        "every cabinet has its receipt for everything",
        lambda: all(map(_is_committed, everyone)),
        CATCH_UP_SECONDS_MAX,
    )


def units_and_money(purchases: Iterable[Purchase]) -> tuple[int, int]:
    """Units taken and money paid (minor units) by the shoppers' own word."""
    taken = [one for one in purchases if one.outcome == "dispensed"]
    return len(taken), sum(one.price_minor for one in taken)


def _is_committed(cabinet: CabinetHost) -> bool:
    state = cabinet.state()
    return bool(state["committed"] == state["journal"]["head"])
