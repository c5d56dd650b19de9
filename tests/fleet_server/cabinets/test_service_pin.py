"""The hash of the on-site PIN goes in and never comes out: a short PIN is soon found from it."""

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from fleet_server.cabinets.models import CabinetDesired
from protocol.service_pin import hash_pin
from tests.registry import add_a_cabinet, add_a_site
from tests.web_client import WebClient

HASH = hash_pin("482913", b"0123456789abcdef")


def kept(server: FleetServer) -> str:
    with server.transactions.read() as tx:
        return str(tx.session.get_one(CabinetDesired, "C1").state.get("service_pin_hash", ""))


def test_nobody_reads_the_hash_and_everybody_sees_that_a_pin_is_set(
    server: FleetServer, api: WebClient
) -> None:
    add_a_cabinet(server, add_a_site(server))
    answer = api.as_(Role.ADMIN).put("/cabinets/C1/desired", {"service_pin_hash": HASH})
    shown = api.as_(Role.VIEWER).get("/cabinets/C1/desired")
    for one in (answer, shown):
        assert one["service_pin_set"] is True
        assert "scrypt" not in str(one)
    assert kept(server) == HASH


def test_a_change_that_leaves_the_pin_out_keeps_it(server: FleetServer, api: WebClient) -> None:
    add_a_cabinet(server, add_a_site(server))
    admin = api.as_(Role.ADMIN)
    admin.put("/cabinets/C1/desired", {"service_pin_hash": HASH})
    admin.put("/cabinets/C1/desired", {"currency": "USD"})
    assert kept(server) == HASH
    admin.put("/cabinets/C1/desired", {"service_pin_hash": ""})
    assert kept(server) == ""


def test_a_text_that_is_no_hash_is_refused_and_nothing_changes(
    server: FleetServer, api: WebClient
) -> None:
    add_a_cabinet(server, add_a_site(server))
    answer = api.as_(Role.ADMIN).try_put("/cabinets/C1/desired", {"service_pin_hash": "482913"})
    assert answer.status_code == 422
    assert kept(server) == ""
