"""Who may ask over HTTP: programs on the board, and our own page; no page of anybody else.

A browser on the cabinet that shows a foreign page must not reach the API through it. Such a page
has two ways: a name of its own that it lets point to 127.0.0.1 (DNS rebinding), seen by `Host`,
and a request across origins, seen by `Origin` and `Sec-Fetch-Site` (Fetch Standard, 3.1 and
Fetch Metadata, 2.4), which scripts cannot forge. Programs send neither of the last two.
"""

from urllib.parse import urlsplit

from edge_agent.local_api.calls import Answer
from edge_agent.local_api.problems import problem_answer

_OURS = frozenset({"127.0.0.1", "localhost"})
_SAME_SITE = frozenset({"", "same-origin", "none"})
"""`none`: a person typed the address."""


class Guard:
    """Knows under which names this agent is asked."""

    def __init__(self, host: str) -> None:
        self._hosts = _OURS | {host.lower()}

    def refusal(self, path: str, hosts: list[str], origins: list[str], site: str) -> Answer | None:
        """Say why a request with these headers is refused; None when it may pass.

        `hosts` and `origins`: every `Host` and `Origin` line; `site`: `Sec-Fetch-Site`.
        """
        if len(hosts) > 1 or not all(self._is_ours(host) for host in hosts):
            return problem_answer(403, "foreign-host", f"ask for one of {sorted(self._hosts)}")
        if not all(self._is_same(origin, hosts) for origin in origins):
            return problem_answer(403, "foreign-origin", "only the cabinet's own page may ask")
        if path.startswith("/v1/") and site not in _SAME_SITE:
            return problem_answer(403, "foreign-origin", "only the cabinet's own page may ask")
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            return urlsplit(f"//{host}").hostname in self._hosts
        except ValueError:
            return False

    def _is_same(self, origin: str, hosts: list[str]) -> bool:
        """An origin is ours when it is the very host that is asked (RFC 6454, 4)."""
        return origin.lower() in {f"http://{host.lower()}" for host in hosts}
