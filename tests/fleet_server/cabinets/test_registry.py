"""Sites and cabinets over HTTP: registering, scopes, life, history; bad input changes nothing."""

from typing import Any

from sqlalchemy import func, select

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from fleet_server.cabinets.models import Cabinet, CabinetHistory, Site
from protocol.identity import shard_of
from tests.registry import add_a_cabinet, add_a_site, speaking_cabinet
from tests.web_client import WebClient

SITE = {
    "name": "Office tower",
    "address": "1 Century Avenue",
    "region": "east",
    "latitude": 31.23,
    "longitude": 121.47,
}


def count(server: FleetServer, table: type[Any]) -> int:
    with server.transactions.read() as tx:
        return tx.session.scalar(select(func.count()).select_from(table)) or 0


def test_an_admin_registers_a_site_and_a_cabinet(api: WebClient) -> None:
    admin = api.as_(Role.ADMIN)
    site = admin.post("/sites", SITE)
    order = {"id": "C-7_a", "serial_number": "SN-7", "site_id": site["id"], "uplink": "metered"}
    cabinet = admin.post("/cabinets", order)
    assert (cabinet["state"], cabinet["shard"]) == ("registered", shard_of("C-7_a"))
    assert cabinet["site"] == site
    assert set(cabinet["actions"]) == {"enrolled", "retired", "command", "desired"}
    assert admin.get("/cabinets/C-7_a") == cabinet


def test_a_cabinet_without_an_id_gets_one_that_fits_a_topic(
    server: FleetServer, api: WebClient
) -> None:
    order = {"serial_number": "SN-8", "site_id": add_a_site(server).id}
    cabinet = api.as_(Role.ADMIN).post("/cabinets", order)
    assert 1 <= len(cabinet["id"]) <= 32


def test_bad_orders_are_refused_and_nothing_is_kept(server: FleetServer, api: WebClient) -> None:
    site = add_a_site(server)
    add_a_cabinet(server, site)
    admin = api.as_(Role.ADMIN)
    good = {"id": "C2", "serial_number": "SN-2", "site_id": site.id}
    wrong: list[tuple[int, str, dict[str, Any]]] = [
        (422, "/sites", {**SITE, "latitude": 91}),
        (422, "/sites", {**SITE, "owner": "me"}),
        (422, "/sites", {**SITE, "time_zone": "Mars/Olympus"}),
        (422, "/sites", {key: SITE[key] for key in SITE if key != "region"}),
        (422, "/cabinets", {**good, "id": "a.b"}),
        (422, "/cabinets", {**good, "id": "柜"}),
        (422, "/cabinets", {**good, "kind": "fridge"}),
        (422, "/cabinets", {**good, "state": "in_service"}),
        (404, "/cabinets", {**good, "site_id": "nowhere"}),
        (409, "/cabinets", {**good, "id": "C1"}),
        (409, "/cabinets", {**good, "serial_number": "SN-C1"}),
    ]
    for status, path, body in wrong:
        answer = admin.try_post(path, body)
        assert answer.status_code == status, body
        assert answer.headers["content-type"] == "application/problem+json"
    assert (count(server, Site), count(server, Cabinet)) == (1, 1)


def test_only_an_admin_registers(server: FleetServer, api: WebClient) -> None:
    site = add_a_site(server)
    for role in (Role.SUPERVISOR, Role.DISPATCHER):
        person = api.as_(role)
        assert person.try_post("/sites", SITE).status_code == 403
        order = {"serial_number": "SN-1", "site_id": site.id}
        assert person.try_post("/cabinets", order).status_code == 403
    assert (count(server, Site), count(server, Cabinet)) == (1, 0)


def test_a_person_limited_to_a_site_sees_and_commands_only_that_site(
    server: FleetServer, api: WebClient
) -> None:
    here, there = add_a_site(server, "Here"), add_a_site(server, "There")
    speaking_cabinet(server, "C1", here)
    speaking_cabinet(server, "C2", there)
    person = api.as_(Role.OPERATOR, site=here.id)
    assert [one["id"] for one in person.get("/sites")["items"]] == [here.id]
    assert [one["id"] for one in person.get("/cabinets")["items"]] == ["C1"]
    for path in ("", "/timeline", "/telemetry", "/commands", "/desired"):
        assert person.try_get(f"/cabinets/C2{path}").status_code == 403
        assert person.try_get(f"/cabinets/C1{path}").status_code == 200
    assert person.try_post("/cabinets/C2/commands", {"name": "sync"}).status_code == 403
    assert person.try_put("/cabinets/C2/desired", {}).status_code == 403


def test_an_admin_of_one_site_moves_no_cabinet_to_another(
    server: FleetServer, api: WebClient
) -> None:
    here, there = add_a_site(server, "Here"), add_a_site(server, "There")
    add_a_cabinet(server, here)
    admin = api.as_(Role.ADMIN, site=here.id)
    move = {"site_id": there.id, "reason": "mine now"}
    assert admin._client.patch("/api/v1/cabinets/C1", json=move).status_code == 403
    assert api.as_(Role.VIEWER).get("/cabinets/C1")["site"]["id"] == here.id


def test_lists_filter_by_state_and_site(server: FleetServer, api: WebClient) -> None:
    here, there = add_a_site(server, "Here"), add_a_site(server, "There")
    speaking_cabinet(server, "C1", here)
    add_a_cabinet(server, there, "C2")
    viewer = api.as_(Role.VIEWER)
    assert [one["id"] for one in viewer.get("/cabinets", state="in_service")["items"]] == ["C1"]
    assert [one["id"] for one in viewer.get("/cabinets", site=there.id)["items"]] == ["C2"]
    assert viewer.try_get("/cabinets", state="broken").status_code == 422


def test_an_illegal_step_of_its_life_names_the_legal_ones(
    server: FleetServer, api: WebClient
) -> None:
    speaking_cabinet(server)
    admin = api.as_(Role.ADMIN)
    answer = admin.try_post("/cabinets/C1/transitions", {"to": "registered"})
    assert answer.status_code == 409
    problem = answer.json()
    assert (problem["state"], problem["wanted"], problem["legal"]) == (
        "in_service",
        "registered",
        ["retired"],
    )
    assert admin.try_post("/cabinets/C1/transitions", {"to": "asleep"}).status_code == 422
    assert admin.try_post("/cabinets/C9/transitions", {"to": "retired"}).status_code == 404
    assert admin.get("/cabinets/C1")["state"] == "in_service"


def test_no_person_enrols_a_cabinet(server: FleetServer, api: WebClient) -> None:
    add_a_cabinet(server, add_a_site(server))
    answer = api.as_(Role.ADMIN).try_post("/cabinets/C1/transitions", {"to": "enrolled"})
    assert answer.status_code == 409
    assert count(server, CabinetHistory) == 1


def test_moves_muting_and_approvals_are_history_rows(server: FleetServer, api: WebClient) -> None:
    add_a_cabinet(server, add_a_site(server))
    other = add_a_site(server, "There")
    client = api.as_(Role.ADMIN)._client
    changes: list[dict[str, Any]] = [
        {"site_id": other.id, "reason": "moved"},
        {"muted_until": "2026-03-03T08:00:00Z", "reason": "works"},
        {"approve_reenrolment": True, "reason": "swapped"},
    ]
    for change in changes:
        assert client.patch("/api/v1/cabinets/C1", json=change).is_success
    assert client.patch("/api/v1/cabinets/C1", json={"site_id": other.id}).status_code == 422
    with server.transactions.read() as tx:
        what = list(tx.session.scalars(select(CabinetHistory.what).order_by(CabinetHistory.id)))
    assert what == ["registered", "moved", "muted", "reenrolment.approved"]


def test_a_muting_time_without_offset_is_422(server: FleetServer, api: WebClient) -> None:
    add_a_cabinet(server, add_a_site(server))
    change = {"muted_until": "2026-03-03T08:00:00", "reason": "works"}
    answer = api.as_(Role.ADMIN)._client.patch("/api/v1/cabinets/C1", json=change)
    assert answer.status_code == 422
