"""A small fleet in the database: one site, cabinets that joined."""

from datetime import timedelta

from fleet_server.app import FleetServer
from fleet_server.cabinets.models import Cabinet, Site
from fleet_server.cabinets.service import Registration, add_site, enrol, make_claim, register
from protocol.intervals import Uplink
from tests.speaking_cabinet import SpeakingCabinet


def add_a_site(server: FleetServer, name: str = "Office tower", region: str = "east") -> Site:
    """A site in the middle of Shanghai."""
    with server.transactions.write("system:test") as tx:
        return add_site(
            tx,
            name=name,
            address="1 Century Avenue",
            region=region,
            latitude=31.2304,
            longitude=121.4737,
            time_zone="Asia/Shanghai",
        )


def add_a_cabinet(
    server: FleetServer, site: Site, cabinet_id: str = "C1", *, perishable: bool = False
) -> Cabinet:
    """A registered cabinet with serial number `SN-<id>`."""
    draft = Registration(f"SN-{cabinet_id}", site.id, "slot", Uplink.WIRED, perishable, cabinet_id)
    with server.transactions.write("system:test") as tx:
        return register(tx, server.signing, draft, "cn")


def enrol_a_cabinet(server: FleetServer, cabinet_id: str) -> str:
    """Credential of a cabinet that joins with a claim code."""
    with server.transactions.write("system:test") as tx:
        code, _ = make_claim(tx, cabinet_id, timedelta(hours=1))
    with server.transactions.write("system:test") as tx:
        return enrol(tx, server.signing, code, f"SN-{cabinet_id}").credential


def speaking_cabinet(
    server: FleetServer, cabinet_id: str = "C1", site: Site | None = None, *, born: bool = True
) -> SpeakingCabinet:
    """A cabinet that joined and, unless told otherwise, is online."""
    add_a_cabinet(server, site or add_a_site(server), cabinet_id)
    enrol_a_cabinet(server, cabinet_id)
    cabinet = SpeakingCabinet(server, cabinet_id)
    if born:
        cabinet.birth()
    return cabinet
