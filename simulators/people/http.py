"""A person with a browser or an app: JSON over HTTP, patient while a server restarts."""

import time
from typing import Any

import httpx2

from simulators.errors import UnexpectedAnswerError

TRIES_MAX = 60
TRY_AGAIN_SECONDS = 0.5
"""30 s in all: a killed app is back in 5 s, a killed agent in 3 s."""
ANSWER_SECONDS_MAX = 30.0


class Person:
    """Sends requests below one address; keeps its session cookie."""

    def __init__(self, url: str, prefix: str = "/api/v1") -> None:
        self.address = url + prefix
        self._client = httpx2.Client(
            base_url=self.address,
            timeout=ANSWER_SECONDS_MAX,
            headers={"X-Fleet-Request": "1"},
        )

    def sign_in(self, username: str, password: str) -> None:
        """Sign in; the cookie stays with this person."""
        self.post("/session", {"username": username, "password": password})

    def carry(self, token: str) -> None:
        """Carry a bearer token from now on."""
        self._client.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **params: Any) -> Any:
        """JSON of a GET that has to succeed."""
        return self._checked(self.ask("GET", path, params=params))

    def post(self, path: str, body: object = None, key: str | None = None) -> Any:
        """JSON of a POST that has to succeed."""
        return self._checked(self.ask("POST", path, body=body, key=key))

    def put(self, path: str, body: object) -> Any:
        """JSON of a PUT that has to succeed."""
        return self._checked(self.ask("PUT", path, body=body))

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, Any] | None = None,
        body: object = None,
        key: str | None = None,
    ) -> httpx2.Response:
        """Answer, whatever it says; tried again while nobody answers at all.

        A request that changes something carries a key, or is one whose repeat is harmless.
        """
        headers = {"Idempotency-Key": key} if key else {}
        for _ in range(TRIES_MAX):
            try:
                return self._client.request(method, path, params=params, json=body, headers=headers)
            except httpx2.TransportError:
                time.sleep(TRY_AGAIN_SECONDS)
        raise UnexpectedAnswerError(f"{method} {path}", 0, "nobody answers")

    def close(self) -> None:
        """Put the phone away."""
        self._client.close()

    def _checked(self, answer: httpx2.Response) -> Any:
        if not answer.is_success:
            request = f"{answer.request.method} {answer.request.url.path}"
            raise UnexpectedAnswerError(request, answer.status_code, answer.text)
        return answer.json() if answer.content else None
