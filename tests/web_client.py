"""A browser-like client of the real application, with one sign-in per role."""

from typing import Any

import httpx2
from pwdlib.hashers.argon2 import Argon2Hasher
from starlette.testclient import TestClient

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Grant, Role
from fleet_server.auth.service import PasswordHashed, add_user

PASSWORD = "correct horse battery"
HASHED = PasswordHashed(Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD))
"""As weak as argon2 allows: a hash carries its costs, and thousands of tests sign in."""


class WebClient:
    """Keeps one signed-in session for each person."""

    def __init__(self, server: FleetServer) -> None:
        self._server = server
        self._sessions: dict[str, TestClient] = {}
        self.anonymous = self._client()

    def as_(self, *roles: Role, site: str | None = None, name: str = "") -> "Session":
        """Session of a person with these roles; the same name is the same person."""
        username = name or f"{'-'.join(roles)}{'-' + site[-6:] if site else ''}"
        if username not in self._sessions:
            grants = [Grant(role, site_id=site) for role in roles]
            with self._server.transactions.write("system:test") as tx:
                add_user(tx, username, HASHED, grants)
            client = self._client()
            answer = client.post(
                "/api/v1/session", json={"username": username, "password": PASSWORD}
            )
            assert answer.status_code == 201, answer.text
            client.headers["X-Fleet-Request"] = "1"
            self._sessions[username] = client
        return Session(self._sessions[username])

    def clients(self) -> list[TestClient]:
        """Return every client that is signed in."""
        return list(self._sessions.values())

    def close(self) -> None:
        """End all sessions."""
        for client in (self.anonymous, *self._sessions.values()):
            client.close()

    def _client(self) -> TestClient:
        return TestClient(self._server.web, raise_server_exceptions=False)


class Session:
    """Requests of one person; paths are below /api/v1."""

    def __init__(self, client: TestClient) -> None:
        self._client = client

    def get(self, path: str, **params: Any) -> Any:
        """JSON of a GET that has to succeed."""
        return self._json(self._client.get(f"/api/v1{path}", params=params))

    def post(self, path: str, body: object = None, key: str | None = None) -> Any:
        """JSON of a POST that has to succeed."""
        return self._json(self.try_post(path, body, key))

    def put(self, path: str, body: object) -> Any:
        """JSON of a PUT that has to succeed."""
        return self._json(self._client.put(f"/api/v1{path}", json=body))

    def patch(self, path: str, body: object) -> Any:
        """JSON of a PATCH that has to succeed."""
        return self._json(self.try_patch(path, body))

    def try_patch(self, path: str, body: object) -> httpx2.Response:
        """Answer of a PATCH, whatever it is."""
        return self._client.patch(f"/api/v1{path}", json=body)

    def try_delete(self, path: str) -> httpx2.Response:
        """Answer of a DELETE, whatever it is."""
        return self._client.delete(f"/api/v1{path}")

    def try_upload(
        self, file: tuple[str, bytes, str], key: str | None = None, **fields: str
    ) -> httpx2.Response:
        """Answer of an upload of (name, bytes, stated type) with form fields, whatever it is."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._client.post(
            "/api/v1/attachments", files={"file": file}, data=fields, headers=headers
        )

    def try_get(self, path: str, **params: Any) -> httpx2.Response:
        """Answer of a GET, whatever it is."""
        return self._client.get(f"/api/v1{path}", params=params)

    def try_post(self, path: str, body: object = None, key: str | None = None) -> httpx2.Response:
        """Answer of a POST, whatever it is."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._client.post(f"/api/v1{path}", json=body or {}, headers=headers)

    def try_put(self, path: str, body: object) -> httpx2.Response:
        """Answer of a PUT, whatever it is."""
        return self._client.put(f"/api/v1{path}", json=body)

    def _json(self, answer: httpx2.Response) -> Any:
        assert answer.is_success, f"{answer.status_code}: {answer.text}"
        return answer.json()
