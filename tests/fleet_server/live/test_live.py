"""The live socket: a change arrives, each once, only what was asked for, only to whom may see."""

import json
import queue
import threading
from typing import Any

import pytest
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from fleet_server.clock import ManualClock
from fleet_server.live.models import LiveChange
from fleet_server.live.service import KEPT_FOR, changed, forget_old_changes
from tests.registry import add_a_site, speaking_cabinet
from tests.web_client import Session, WebClient

WAIT_SECONDS = 10.0
"""Bound of a wait; the socket looks twice a second."""
PATH = "/api/v1/live"


def hear(socket: WebSocketTestSession) -> list[dict[str, str]]:
    """Changes of the next message, within a bound."""
    heard: queue.Queue[Any] = queue.Queue()
    threading.Thread(target=lambda: heard.put(socket.receive_json()), daemon=True).start()
    changes: list[dict[str, str]] = heard.get(timeout=WAIT_SECONDS)["changes"]
    return changes


def watch(person: Session) -> WebSocketTestSession:
    return person._client.websocket_connect(PATH)


def tell(
    server: FleetServer, topic: str, key: str, site: str | None = None, times: int = 1
) -> None:
    with server.transactions.write("system:test") as tx:
        for _ in range(times):
            changed(tx, [topic], "thing", key, site)


def begin(server: FleetServer, socket: WebSocketTestSession, *topics: str) -> None:
    """Ask for topics and wait until the socket listens."""
    socket.send_text(json.dumps({"topics": [*topics, "ready"]}))
    while True:
        tell(server, "ready", "ready")
        if hear(socket):
            return


def test_a_change_arrives_on_its_topic(server: FleetServer, api: WebClient) -> None:
    with watch(api.as_(Role.VIEWER)) as socket:
        begin(server, socket, "fleet", "cabinet/C1")
        tell(server, "cabinet/C2", "other")
        speaking_cabinet(server)
        changes = hear(socket)
    assert {"topic": "cabinet/C1", "kind": "cabinet", "id": "C1"} in changes
    assert {"topic": "fleet", "kind": "cabinet", "id": "C1"} in changes
    assert {one["topic"] for one in changes} == {"fleet", "cabinet/C1"}


def test_many_changes_of_one_thing_are_told_once(server: FleetServer, api: WebClient) -> None:
    with watch(api.as_(Role.VIEWER)) as socket:
        begin(server, socket, "fleet")
        tell(server, "fleet", "T1", times=20)
        assert hear(socket) == [{"topic": "fleet", "kind": "thing", "id": "T1"}]
        tell(server, "fleet", "T2")
        assert hear(socket) == [{"topic": "fleet", "kind": "thing", "id": "T2"}]


def test_another_choice_of_topics_replaces_the_first(server: FleetServer, api: WebClient) -> None:
    with watch(api.as_(Role.VIEWER)) as socket:
        begin(server, socket, "fleet")
        begin(server, socket, "dispatch")
        tell(server, "fleet", "T1")
        tell(server, "dispatch", "T2")
        assert hear(socket) == [{"topic": "dispatch", "kind": "thing", "id": "T2"}]


def test_a_person_of_one_site_is_not_told_of_another(server: FleetServer, api: WebClient) -> None:
    here, there = add_a_site(server, "Here"), add_a_site(server, "There")
    with watch(api.as_(Role.VIEWER, site=here.id)) as socket:
        begin(server, socket, "fleet")
        tell(server, "fleet", "there", there.id)
        tell(server, "fleet", "here", here.id)
        assert hear(socket) == [{"topic": "fleet", "kind": "thing", "id": "here"}]


def test_what_was_rolled_back_is_not_told(server: FleetServer, api: WebClient) -> None:
    def fail() -> None:
        with server.transactions.write("system:test") as tx:
            changed(tx, ["fleet"], "thing", "never")
            raise ArithmeticError

    with watch(api.as_(Role.VIEWER)) as socket:
        begin(server, socket, "fleet")
        with pytest.raises(ArithmeticError):
            fail()
        tell(server, "fleet", "T1")
        assert [one["id"] for one in hear(socket)] == ["T1"]


def test_nobody_in_particular_is_refused(api: WebClient) -> None:
    with pytest.raises(WebSocketDisconnect) as caught, api.anonymous.websocket_connect(PATH):
        pass
    assert caught.value.code == 1008


@pytest.mark.parametrize("text", ["hello", "{}", '{"topics": "fleet"}', '{"topics": [], "x": 1}'])
def test_what_is_no_choice_of_topics_closes_the_socket(api: WebClient, text: str) -> None:
    with watch(api.as_(Role.VIEWER)) as socket:
        socket.send_text(text)
        with pytest.raises(WebSocketDisconnect) as caught:
            socket.receive_json()
    assert caught.value.code == 1008


def test_old_changes_are_forgotten(server: FleetServer, clock: ManualClock) -> None:
    tell(server, "fleet", "old")
    clock.advance(KEPT_FOR.total_seconds() + 1)
    tell(server, "fleet", "fresh")
    with server.transactions.write("system:test") as tx:
        forget_old_changes(tx)
    with server.transactions.read() as tx:
        assert [row.object_id for row in tx.session.query(LiveChange)] == ["fresh"]
