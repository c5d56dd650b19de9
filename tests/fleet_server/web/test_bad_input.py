"""Bad input over HTTP: problem+json with the right status each time, and nothing is changed."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from fleet_server.app import FleetServer
from fleet_server.auth.api import REQUEST_HEADER
from fleet_server.auth.rules import Role
from fleet_server.cabinets.models import Site
from fleet_server.web.limits import BODY_LIMIT_BYTES
from tests.registry import speaking_cabinet
from tests.web_client import WebClient

SITE = {
    "name": "Office tower",
    "address": "1 Century Avenue",
    "region": "east",
    "latitude": 31.23,
    "longitude": 121.47,
}
ONE_MEBIBYTE = 1024 * 1024


def is_problem(answer: httpx2.Response, status: int, slug: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"urn:cabinet-fleet:problem:{slug}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


def sites(server: FleetServer) -> int:
    with server.transactions.read() as tx:
        return tx.session.scalar(select(func.count()).select_from(Site)) or 0


def test_an_unknown_path_is_404(api: WebClient) -> None:
    is_problem(api.anonymous.get("/api/v1/nonsense"), 404, "not-found")
    is_problem(api.anonymous.get("/nonsense"), 404, "not-found")


def test_a_method_a_path_does_not_have_is_405(api: WebClient) -> None:
    is_problem(api.anonymous.put("/api/v1/session"), 405, "method-not-allowed")


def test_an_unknown_thing_is_404_and_says_what_was_looked_for(api: WebClient) -> None:
    body = is_problem(api.as_(Role.VIEWER).try_get("/cabinets/C9"), 404, "not-found")
    assert (body["kind"], body["key"]) == ("cabinet", "C9")


def test_an_unknown_field_is_422_and_named(server: FleetServer, api: WebClient) -> None:
    admin = api.as_(Role.ADMIN)
    body = is_problem(admin.try_post("/sites", {**SITE, "colour": "red"}), 422, "invalid")
    assert body["errors"][0]["field"] == "body.colour"
    assert sites(server) == 0


def test_what_is_no_json_is_422(server: FleetServer, api: WebClient) -> None:
    client = api.as_(Role.ADMIN)._client
    for content in (b"", b"{", b"[]", b"\xff", b'"text"', b"[" * 50_000):
        answer = client.post(
            "/api/v1/sites", content=content, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in {400, 422}, content[:10]
        assert answer.headers["content-type"] == "application/problem+json"
    assert sites(server) == 0


def test_a_wrong_role_is_403(server: FleetServer, api: WebClient) -> None:
    is_problem(api.as_(Role.VIEWER).try_post("/sites", SITE), 403, "forbidden")
    assert sites(server) == 0


def test_nobody_in_particular_is_401(server: FleetServer, api: WebClient) -> None:
    for path in ("/cabinets", "/sites", "/session", "/users", "/audit", "/tickets", "/faults"):
        is_problem(api.anonymous.get(f"/api/v1{path}"), 401, "unauthenticated")
    is_problem(api.anonymous.post("/api/v1/sites", json=SITE), 401, "unauthenticated")
    assert sites(server) == 0


def test_an_illegal_transition_is_409_with_the_legal_ones(
    server: FleetServer, api: WebClient
) -> None:
    speaking_cabinet(server)
    answer = api.as_(Role.ADMIN).try_post("/cabinets/C1/transitions", {"to": "registered"})
    body = is_problem(answer, 409, "illegal-transition")
    assert body["legal"] == ["retired"]


def big_site() -> bytes:
    return json.dumps({**SITE, "address": "x" * ONE_MEBIBYTE}).encode()


def chunks(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), 65_536):
        yield data[start : start + 65_536]


def test_a_body_of_one_mebibyte_is_413_whether_or_not_it_tells_its_length(
    server: FleetServer, api: WebClient
) -> None:
    client = api.as_(Role.ADMIN)._client
    headers = {"Content-Type": "application/json"}
    told = client.post("/api/v1/sites", content=big_site(), headers=headers)
    untold = client.post("/api/v1/sites", content=chunks(big_site()), headers=headers)
    assert "content-length" not in untold.request.headers
    for answer in (told, untold):
        is_problem(answer, 413, "too-large")
    assert sites(server) == 0


def test_a_form_of_one_mebibyte_is_413_too(api: WebClient) -> None:
    form = b"username=" + b"x" * ONE_MEBIBYTE + b"&password=x"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for content in (form, chunks(form)):
        answer = api.anonymous.post("/sign-in", content=content, headers=headers)
        assert answer.status_code == 413


def test_the_largest_honest_body_is_read(api: WebClient) -> None:
    body = json.dumps({**SITE, "address": ""}).encode()
    padded = body + b" " * (BODY_LIMIT_BYTES - len(body))
    answer = api.as_(Role.ADMIN)._client.post(
        "/api/v1/sites", content=padded, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422  # for its empty address, not for its size


def test_a_text_no_database_holds_is_a_problem_and_no_500(
    server: FleetServer, api: WebClient
) -> None:
    """PostgreSQL knows no NUL; both databases have to answer in the range of "you are wrong"."""
    admin = api.as_(Role.ADMIN)
    assert admin.try_get("/cabinets/a%00b").status_code in {404, 422}
    answer = admin.try_post("/sites", {**SITE, "name": "a\0b"})
    is_problem(answer, 422, "invalid")
    assert sites(server) == 0
    answer = api.anonymous.post("/api/v1/session", json={"username": "a\0b", "password": "x"})
    assert answer.status_code in {401, 422}


def test_a_change_under_a_cookie_needs_the_header_no_foreign_form_can_set(
    server: FleetServer, api: WebClient
) -> None:
    client = api.as_(Role.ADMIN)._client
    del client.headers[REQUEST_HEADER]
    is_problem(client.post("/api/v1/sites", json=SITE), 403, "forbidden")
    basic = {"Authorization": "Basic dXNlcjpwYXNz"}
    is_problem(client.post("/api/v1/sites", json=SITE, headers=basic), 403, "forbidden")
    assert client.get("/api/v1/session").status_code == 200
    assert sites(server) == 0


def test_a_fault_of_ours_is_a_problem_without_our_insides(
    server: FleetServer, api: WebClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = api.as_(Role.VIEWER)

    def fail(*_: object) -> None:
        raise ArithmeticError("the insides")

    monkeypatch.setattr("fleet_server.cabinets.api.page_of", fail)
    with capture_logs() as logs:
        body = is_problem(viewer.try_get("/sites"), 500, "internal")
    assert "insides" not in str(body)
    assert [line["log_level"] for line in logs] == ["error"]
    assert sites(server) == 0


def test_health_says_what_is_missing(server: FleetServer, api: WebClient) -> None:
    assert isinstance(api.anonymous, TestClient)
    assert api.anonymous.get("/health/live").status_code == 200
    ready = api.anonymous.get("/health/ready")
    assert (ready.status_code, ready.json()) == (503, {"database": True, "broker": False})
    server.link.ready.set()
    assert api.anonymous.get("/health/ready").status_code == 200
    assert "fleet_cabinets_online 0.0" in api.anonymous.get("/metrics").text
