"""No page of anybody else reaches the API through a browser on the cabinet."""

import http.client
from contextlib import closing

import pytest

from edge_agent.local_api.guard import Guard
from tests.edge_agent.local_api.served import Screen


@pytest.mark.parametrize(
    ("hosts", "origins", "site"),
    [
        ([], [], ""),
        (["127.0.0.1:8090"], [], ""),
        (["localhost:8090"], ["http://localhost:8090"], "same-origin"),
        (["LOCALHOST"], ["http://localhost"], "none"),
        (["cabinet.lan:8090"], ["http://cabinet.lan:8090"], "same-origin"),
    ],
)
def test_programs_and_the_own_page_may_ask(hosts: list[str], origins: list[str], site: str) -> None:
    assert Guard("Cabinet.lan").refusal("/v1/vends", hosts, origins, site) is None


@pytest.mark.parametrize(
    ("hosts", "origins", "site", "slug"),
    [
        (["rebound.example:8090"], [], "", "foreign-host"),
        (["127.0.0.1.example"], [], "", "foreign-host"),
        (["192.168.1.5:8090"], [], "", "foreign-host"),
        (["["], [], "", "foreign-host"),
        ([""], [], "", "foreign-host"),
        (["localhost", "rebound.example"], [], "", "foreign-host"),
        (["localhost:8090"], ["http://evil.example"], "", "foreign-origin"),
        (["localhost:8090"], ["http://localhost:3000"], "", "foreign-origin"),
        (["localhost:8090"], ["https://localhost:8090"], "", "foreign-origin"),
        (["localhost:8090"], ["null"], "", "foreign-origin"),
        (["localhost:8090"], [], "cross-site", "foreign-origin"),
        (["localhost:8090"], [], "same-site", "foreign-origin"),
    ],
)
def test_a_foreign_page_may_not(hosts: list[str], origins: list[str], site: str, slug: str) -> None:
    refused = Guard("127.0.0.1").refusal("/v1/vends", hosts, origins, site)
    assert refused is not None
    assert (refused.status, refused.body["type"]) == (403, slug)


def test_a_person_may_follow_a_link_to_the_page_itself() -> None:
    assert Guard("127.0.0.1").refusal("/", ["localhost"], [], "cross-site") is None


@pytest.mark.parametrize(
    "headers",
    [{"Host": "rebound.example"}, {"Origin": "http://evil.example"}],
    ids=["DNS rebinding", "another origin"],
)
@pytest.mark.parametrize("path", ["/v1/vends", "/v1/sessions", "/v1/stock/loads", "/v1/rules"])
def test_a_foreign_request_moves_nothing_and_is_told_why(
    screen: Screen, path: str, headers: dict[str, str]
) -> None:
    body = b'{"payment_reference": "pay-1", "slot": "A1"}'
    status, _, heard = ask(screen, "POST", path, headers, body)
    assert status == 403
    assert b'"foreign-' in heard
    assert screen.bench.doors.pulses == []


def test_the_page_itself_is_not_served_under_a_foreign_name(screen: Screen) -> None:
    assert ask(screen, "GET", "/", {"Host": "rebound.example"})[0] == 403
    assert ask(screen, "GET", "/", {"Host": "localhost"})[0] == 200


def ask(
    screen: Screen, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, http.client.HTTPMessage, bytes]:
    port = screen.bench.agent.local_port
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20.0)) as connection:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
