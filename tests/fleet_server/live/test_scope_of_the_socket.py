"""The live socket tells nobody of sites outside its grants, and ends with the rights behind it."""

from collections.abc import Callable

import pytest
from sqlalchemy import delete, select, update
from starlette.websockets import WebSocketDisconnect

from fleet_server.app import FleetServer
from fleet_server.auth.models import Login, User, UserGrant
from fleet_server.auth.rules import Role
from fleet_server.clock import ManualClock
from fleet_server.live.api import RECHECK_SECONDS
from fleet_server.live.models import LiveChange
from fleet_server.transactions import Transaction
from tests.fleet_server.live.test_live import begin, hear, tell, watch
from tests.registry import add_a_site, speaking_cabinet
from tests.web_client import WebClient


def test_a_person_of_one_region_is_not_told_of_another(server: FleetServer, api: WebClient) -> None:
    east, west = add_a_site(server, "Here", "east"), add_a_site(server, "There", "west")
    person = api.as_(Role.VIEWER, name="eastern")
    with server.transactions.write("system:test") as tx:
        tx.session.execute(update(UserGrant).values(region="east"))
    with watch(person) as socket:
        begin(server, socket, "fleet")
        tell(server, "fleet", "there", west.id)
        tell(server, "fleet", "here", east.id)
        assert hear(socket) == [{"topic": "fleet", "kind": "thing", "id": "here"}]


def test_every_change_of_a_cabinet_says_where_it_stands(
    server: FleetServer, api: WebClient
) -> None:
    site = add_a_site(server)
    cabinet = speaking_cabinet(server, "C1", site)
    operator = api.as_(Role.OPERATOR)
    given = operator.post("/cabinets/C1/commands", {"name": "sync"})
    cabinet.tell("command.finished", {"command": given["id"], "outcome": "succeeded"})
    operator.put("/cabinets/C1/desired", {})
    cabinet.tell("desired.rejected", {"version": 2, "key": "x", "reason": "y"})
    cabinet.tell("desired.applied", {"version": 2})
    with server.transactions.read() as tx:
        found = select(LiveChange.kind, LiveChange.site_id)
        found = found.where(LiveChange.topic == "cabinet/C1")
        rows = {(row.kind, row.site_id) for row in tx.session.execute(found)}
    assert {kind for kind, _ in rows} >= {"cabinet", "command", "desired"}
    assert {where for _, where in rows} == {site.id}


def expired(tx: Transaction) -> None:
    tx.session.execute(update(Login).values(expires_at=tx.now))


def signed_out(tx: Transaction) -> None:
    tx.session.execute(delete(Login))


def closed(tx: Transaction) -> None:
    tx.session.execute(update(User).values(active=False))


def without_grants(tx: Transaction) -> None:
    tx.session.execute(delete(UserGrant))


@pytest.mark.parametrize("end", [expired, signed_out, closed, without_grants])
def test_a_socket_closes_soon_after_the_rights_behind_it_ended(
    server: FleetServer, api: WebClient, clock: ManualClock, end: Callable[[Transaction], None]
) -> None:
    with watch(api.as_(Role.VIEWER)) as socket:
        begin(server, socket, "fleet")
        with server.transactions.write("system:test") as tx:
            end(tx)
        clock.advance(RECHECK_SECONDS)
        with pytest.raises(WebSocketDisconnect) as caught:
            socket.receive_json()
    assert caught.value.code == 1008


def test_a_socket_whose_rights_stand_stays_open(
    server: FleetServer, api: WebClient, clock: ManualClock
) -> None:
    with watch(api.as_(Role.VIEWER)) as socket:
        begin(server, socket, "fleet")
        clock.advance(RECHECK_SECONDS)
        tell(server, "fleet", "T1")
        assert hear(socket) == [{"topic": "fleet", "kind": "thing", "id": "T1"}]
