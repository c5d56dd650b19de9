"""Sign-in, lock-out, sessions, tokens, closed accounts."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from fleet_server.app import FleetServer
from fleet_server.audit.models import AuditEntry
from fleet_server.auth.api import COOKIE
from fleet_server.auth.models import ApiToken, Login, User
from fleet_server.auth.rules import Grant, Role
from fleet_server.auth.service import FAILURES_MAX, LOCK_OUT, add_user
from fleet_server.clock import ManualClock
from tests.web_client import HASHED, PASSWORD, WebClient


@pytest.fixture
def ada(server: FleetServer) -> str:
    """Id of a person."""
    with server.transactions.write("system:test") as tx:
        return add_user(tx, "ada", HASHED, [Grant(Role.ADMIN)]).id


def sign_in(api: WebClient, password: str, username: str = "ada") -> Any:
    body = {"username": username, "password": password}
    return api.anonymous.post("/api/v1/session", json=body)


def test_a_person_signs_in_and_out(api: WebClient, ada: str) -> None:
    answer = sign_in(api, PASSWORD)
    assert answer.status_code == 201
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert api.anonymous.get("/api/v1/session").json()["user_id"] == ada
    out = api.anonymous.delete("/api/v1/session", headers={"X-Fleet-Request": "1"})
    assert out.status_code == 204
    assert api.anonymous.get("/api/v1/session").status_code == 401


@pytest.mark.usefixtures("ada")
def test_a_wrong_password_and_an_unknown_name_get_the_same_401(api: WebClient) -> None:
    wrong, unknown = sign_in(api, "wrong password"), sign_in(api, PASSWORD, "nobody")
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.json() == unknown.json()
    assert COOKIE not in api.anonymous.cookies


@pytest.mark.usefixtures("ada")
def test_after_five_failures_a_name_waits_and_is_told_how_long(
    api: WebClient, clock: ManualClock
) -> None:
    for _ in range(FAILURES_MAX):
        assert sign_in(api, "wrong password").status_code == 401
    answer = sign_in(api, PASSWORD)
    assert answer.status_code == 429
    wait = int(answer.headers["Retry-After"])
    assert timedelta(0) < timedelta(seconds=wait) <= LOCK_OUT + timedelta(seconds=1)
    assert answer.json()["retry_after_seconds"] == wait
    clock.advance(wait)
    assert sign_in(api, PASSWORD).status_code == 201


@pytest.mark.usefixtures("ada")
def test_a_right_password_forgives_earlier_failures(api: WebClient) -> None:
    for _ in range(2):
        for _ in range(FAILURES_MAX - 1):
            sign_in(api, "wrong password")
        assert sign_in(api, PASSWORD).status_code == 201


@pytest.mark.usefixtures("ada")
def test_a_session_ends_by_itself(api: WebClient, clock: ManualClock, server: FleetServer) -> None:
    sign_in(api, PASSWORD)
    lifetime = server.settings.session_lifetime.total_seconds()
    clock.advance(lifetime - 1)
    assert api.anonymous.get("/api/v1/session").status_code == 200
    clock.advance(1)
    assert api.anonymous.get("/api/v1/session").status_code == 401


@pytest.mark.usefixtures("ada")
def test_no_secret_is_kept_in_clear(server: FleetServer, api: WebClient) -> None:
    cookie = sign_in(api, PASSWORD).cookies[COOKIE]
    sign_in(api, "a wrong password")
    with server.transactions.read() as tx:
        kept = [
            *tx.session.scalars(select(User.password_hash)),
            *tx.session.scalars(select(Login.secret_hash)),
            *tx.session.scalars(select(AuditEntry.text)),
        ]
    for secret in (PASSWORD, cookie, "a wrong password"):
        assert not [one for one in kept if secret in one]
    assert kept[0].startswith("$argon2id$")


def bearer(api: WebClient, secret: str, method: str = "GET", path: str = "/session") -> Any:
    api.anonymous.cookies.clear()
    headers = {"Authorization": f"Bearer {secret}"}
    return api.anonymous.request(method, f"/api/v1{path}", headers=headers, json={})


def test_a_token_may_what_its_maker_may_until_it_is_revoked(
    api: WebClient, server: FleetServer, clock: ManualClock
) -> None:
    admin = api.as_(Role.ADMIN)
    token = admin.post("/tokens", {"name": "report", "lifetime_days": 1})
    assert bearer(api, token["secret"]).status_code == 200
    # A program needs no CSRF header: the request fails for its empty body only.
    assert bearer(api, token["secret"], "POST", "/sites").status_code == 422
    assert bearer(api, token["secret"], "POST", "/tokens").status_code in {403, 422}
    assert bearer(api, "guessed").status_code == 401
    with server.transactions.read() as tx:
        assert token["secret"] not in list(tx.session.scalars(select(ApiToken.secret_hash)))
    second = admin.post("/tokens", {"name": "report", "lifetime_days": 1})
    assert admin._client.delete(f"/api/v1/tokens/{second['id']}").status_code == 204
    assert bearer(api, second["secret"]).status_code == 401
    clock.advance(86_400)
    assert bearer(api, token["secret"]).status_code == 401


def test_a_token_of_somebody_else_is_not_found(api: WebClient) -> None:
    token = api.as_(Role.ADMIN).post("/tokens", {"name": "mine"})
    other = api.as_(Role.VIEWER)._client
    assert other.delete(f"/api/v1/tokens/{token['id']}").status_code == 404
    assert bearer(api, token["secret"]).status_code == 200


def test_a_closed_account_loses_sessions_tokens_and_sign_in(api: WebClient, ada: str) -> None:
    session = api.as_(Role.VIEWER, name="bob")
    token = session.post("/tokens", {"name": "t"})
    bob = session.get("/session")["user_id"]
    assert ada != bob
    admin = api.as_(Role.ADMIN, name="root")
    assert admin._client.delete(f"/api/v1/users/{bob}").status_code == 204
    assert session.try_get("/session").status_code == 401
    assert bearer(api, token["secret"]).status_code == 401
    assert sign_in(api, PASSWORD, "bob").status_code == 401
    assert admin._client.delete("/api/v1/users/nobody").status_code == 404


def test_an_admin_adds_people_and_nobody_else_does(api: WebClient) -> None:
    order = {"username": "eve", "password": "long enough", "grants": [{"role": "viewer"}]}
    assert api.as_(Role.SUPERVISOR).try_post("/users", order).status_code == 403
    admin = api.as_(Role.ADMIN)
    made = admin.post("/users", order)
    assert made["grants"] == [{"role": "viewer", "site_id": None, "region": None}]
    assert "password" not in made
    assert admin.try_post("/users", order).status_code == 409
    wrong: list[dict[str, Any]] = [
        {**order, "username": "eve2", "password": "short"},
        {**order, "username": "eve 2"},
        {**order, "username": "eve2", "grants": []},
        {**order, "username": "eve2", "grants": [{"role": "king"}]},
        {
            **order,
            "username": "eve2",
            "grants": [{"role": "viewer", "site_id": "s", "region": "r"}],
        },
    ]
    for body in wrong:
        assert admin.try_post("/users", body).status_code == 422, body
    names = [one["username"] for one in admin.get("/users")["items"]]
    assert "eve2" not in names


def test_a_name_longer_than_any_fails_the_same_way_each_time(api: WebClient) -> None:
    for _ in range(2):
        form = {"username": "x" * 100, "password": "y"}
        assert api.anonymous.post("/sign-in", data=form).status_code in {401, 422}
