"""People over HTTP, in the same process: each request is whole before anything else happens.

A person whose session the server does not know (it was restored, or started anew) signs in again.
What a person may not do now (4xx) is no fault; an answer of 5xx, or an exception, is.
"""

from typing import Any

from pwdlib.hashers.argon2 import Argon2Hasher
from starlette.testclient import TestClient

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Grant, Role
from fleet_server.auth.service import PasswordHashed, add_user
from simulators.fleet_simulation.errors import InvariantBrokenError, shortly
from simulators.fleet_simulation.server import SimulatedServer
from simulators.fleet_simulation.trace import Trace

PASSWORD = "a password of the simulation"  # noqa: S105  # nobody can reach it
HASHED = PasswordHashed(Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD))
"""As weak as argon2 allows: each life of the server is signed in to anew."""


class Person:
    """One person with an account."""

    def __init__(self, name: str, roles: tuple[Role, ...], trace: Trace) -> None:
        self.name = name
        self._roles = roles
        self._trace = trace
        self._count = 0
        self._client: TestClient | None = None
        self._signed_in = False

    def join(self, server: SimulatedServer) -> None:
        """Be given an account, once; and find the server again after each of its starts."""
        with server.running.transactions.write("system:simulation") as tx:
            add_user(tx, self.name, HASHED, [Grant(role) for role in self._roles])
        server.on_start.append(self._use)
        self._use(server.running)

    def get(self, path: str, **params: Any) -> Any:
        """JSON of a GET; None where it was refused."""
        return self._json(self._ask("GET", path, params=params))

    def post(self, path: str, body: object = None) -> Any:
        """JSON of a POST with a key of its own; None where it was refused."""
        self._count += 1
        headers = {"Idempotency-Key": f"{self.name}-{self._count}"}
        return self._json(self._ask("POST", path, json=body or {}, headers=headers))

    def put(self, path: str, body: object) -> Any:
        """JSON of a PUT; None where it was refused."""
        return self._json(self._ask("PUT", path, json=body))

    def _use(self, app: FleetServer) -> None:
        self._client = TestClient(app.web)
        self._client.headers["X-Fleet-Request"] = "1"
        self._signed_in = False

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        if not self._signed_in:
            body = {"username": self.name, "password": PASSWORD}
            self._signed_in = self._request("POST", "/session", json=body).is_success
        answer = self._request(method, path, **more)
        if answer.status_code == 401:
            self._signed_in = False
        self._trace.note(self.name, method, _shape(path), answer.status_code)
        return answer

    def _request(self, method: str, path: str, **more: Any) -> Any:
        if self._client is None:
            raise AssertionError(f"{self.name} has not joined")
        try:
            answer = self._client.request(method, f"/api/v1{path}", **more)
        except Exception as error:
            raise InvariantBrokenError("http", f"{method} {path}: {shortly(error)}") from error
        if answer.status_code >= 500:
            raise InvariantBrokenError("http", f"{method} {path}: {answer.text}")
        return answer

    def _json(self, answer: Any) -> Any:
        return answer.json() if answer.is_success and answer.content else None


def _shape(path: str) -> str:
    """Path without ids: what was asked for, short."""
    return "/".join(part if len(part) < 30 else "*" for part in path.split("/"))
