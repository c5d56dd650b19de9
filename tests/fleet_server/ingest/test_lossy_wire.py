"""P-3 with a real database: a wire that loses, doubles and delays loses and doubles no event."""

import random  # noqa: TID251  # the chance of this test is drawn from a printed seed

import pytest
from sqlalchemy import select

from fleet_server.app import FleetServer
from fleet_server.ingest.models import JournalEvent
from fleet_server.mqtt_inbox import Inbound
from protocol.topics import UpKind
from tests.registry import add_a_site, speaking_cabinet
from tests.speaking_cabinet import SpeakingCabinet

STEPS = 60
STEPS_MAX = 400
"""Bound of the honest tail: stop and wait needs one step for each batch."""


class LossyWire:
    """Messages up may be lost, doubled or held back; receipts down may be lost."""

    def __init__(self, server: FleetServer, chance: random.Random) -> None:
        self._server = server
        self._chance = chance
        self._held: list[Inbound] = []
        self.honest = False

    def carry(self, cabinet: SpeakingCabinet) -> None:
        """One batch of what the cabinet believes is missing."""
        last = min(len(cabinet.events), cabinet.committed + 10)
        if cabinet.committed >= last:
            return
        batch = cabinet.batch(cabinet.committed + 1, last)
        copies = 1 if self.honest else self._chance.choice([0, 1, 1, 2])
        self._held += [cabinet.inbound(UpKind.JOURNAL, batch)] * copies
        if not self.honest and self._chance.random() < 0.3:
            return
        if not self.honest:
            self._chance.shuffle(self._held)
        receipts = self._server.ingest.accept(self._held)
        self._held.clear()
        if self.honest or self._chance.random() < 0.7:
            cabinet.obey(receipts)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_p03_a_lossy_wire_loses_and_doubles_nothing(server: FleetServer, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    site = add_a_site(server)
    cabinets = [speaking_cabinet(server, name, site) for name in ("C1", "C2")]
    wire = LossyWire(server, chance)
    for _ in range(STEPS):
        cabinet = chance.choice(cabinets)
        for _ in range(chance.randrange(4)):
            cabinet.record("door.opened", {"door": str(len(cabinet.events)), "cause": "sale"})
        if chance.random() < 0.1:
            cabinet.birth()
        wire.carry(cabinet)
    wire.honest = True
    for _ in range(STEPS_MAX):
        for cabinet in cabinets:
            wire.carry(cabinet)
    with server.transactions.read() as tx:
        for cabinet in cabinets:
            rows = tx.session.execute(
                select(JournalEvent.seq, JournalEvent.type, JournalEvent.body)
                .where(JournalEvent.cabinet_id == cabinet.cabinet_id)
                .order_by(JournalEvent.seq)
            )
            sent = [(one.seq, one.type, bytes(one.body).decode()) for one in cabinet.events]
            assert [tuple(row) for row in rows] == sent
            assert cabinet.committed == len(cabinet.events)
