"""Joining in bulk leaves what joining one by one leaves."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from fleet_server.app import FleetServer, build
from fleet_server.audit.models import AuditEntry
from fleet_server.broker.queries import credential_of
from fleet_server.cabinets.models import (
    Cabinet,
    CabinetDesired,
    CabinetHistory,
    CabinetPresence,
    Claim,
)
from fleet_server.cabinets.service import Registration, enrol, join_many, make_claim, register
from fleet_server.errors import ConflictError
from fleet_server.live.models import LiveChange
from fleet_server.outbox.models import OutboundMessage
from fleet_server.settings import Settings
from protocol.intervals import Uplink
from protocol.topics import DownKind, down
from simulators.load.registration import roll_of
from tests.registry import add_a_site


def draft(name: str, site_id: str) -> Registration:
    return Registration(f"SN-{name}", site_id, "slot", Uplink.WIRED, cabinet_id=name)


def join_by_hand(server: FleetServer, name: str, site_id: str) -> None:
    with server.transactions.write("test") as tx:
        register(tx, server.signing, draft(name, site_id), "cn")
        code, _ = make_claim(tx, name, timedelta(hours=1))
        tx.session.flush()
        enrol(tx, server.signing, code, f"SN-{name}")


def traces(server: FleetServer, name: str) -> dict[str, object]:
    """What a cabinet that joined has left in each table."""
    with server.transactions.read() as tx:
        all_of = tx.session.scalars
        cabinet = tx.session.get_one(Cabinet, name)
        told = select(LiveChange).where(LiveChange.object_id == name)
        noted = select(CabinetHistory).where(CabinetHistory.cabinet_id == name)
        said = select(AuditEntry).where(AuditEntry.object_id == name).order_by(AuditEntry.seq)
        sent = select(OutboundMessage).where(
            OutboundMessage.topic == down("fleet", name, DownKind.DESIRED)
        )
        claims = select(Claim).where(Claim.cabinet_id == name)
        return {
            "state": (cabinet.state, cabinet.shard > -1, cabinet.credential_revision),
            "forms": (bool(cabinet.credential_mosquitto), bool(cabinet.credential_nats)),
            "presence": tx.session.get_one(CabinetPresence, name).online,
            "desired": tx.session.get_one(CabinetDesired, name).version,
            "history": sorted(row.what for row in all_of(noted)),
            "audit": [row.action for row in all_of(said)],
            "live": sorted((row.topic.split("/")[0], row.kind) for row in all_of(told)),
            "sent": len(list(all_of(sent))),
            "claims_used": [row.used_at is not None for row in all_of(claims)],
        }


def test_p19_many_that_join_at_once_leave_what_one_leaves(server: FleetServer) -> None:
    site_id = add_a_site(server).id
    join_by_hand(server, "A1", site_id)
    with server.transactions.write("test") as tx:
        joined = join_many(tx, server.signing, [draft("B1", site_id), draft("B2", site_id)], "cn")
        credentials = {one.cabinet.id: one.credential for one in joined}
    assert traces(server, "B1") == traces(server, "B2") == traces(server, "A1")
    assert len(set(credentials.values())) == 2
    assert credential_of(server.engine, "B1") != credential_of(server.engine, "B2")


def test_an_id_or_serial_number_joins_once(server: FleetServer) -> None:
    site_id = add_a_site(server).id
    join_by_hand(server, "A1", site_id)
    same_serial = Registration("SN-A1", site_id, "slot", Uplink.WIRED, cabinet_id="A2")
    for known in (draft("A1", site_id), same_serial):
        with pytest.raises(ConflictError), server.transactions.write("test") as tx:
            join_many(tx, server.signing, [draft("A3", site_id), known], "cn")


def test_a_roll_goes_on_where_it_ended(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    first = roll_of(settings, 60)
    second = roll_of(settings, 70)
    assert second.members[:60] == first.members
    server = build(settings)
    try:
        with server.transactions.read() as tx:
            rows = {row.id: row for row in tx.session.scalars(select(Cabinet))}
    finally:
        server.close()
    assert {one.cabinet for one in second.members} == set(rows)
    assert all(row.state == "enrolled" for row in rows.values())
    assert {one.site for one in second.members} == {row.site_id for row in rows.values()}
