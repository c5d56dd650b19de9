"""P-15: desired state has versions; what is not applied is drift, with its reason."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from fleet_server.cabinets.desired import find_drift
from fleet_server.clock import ManualClock
from fleet_server.faults.models import Fault
from fleet_server.outbox.models import OutboundMessage
from protocol.desired import Desired, read_desired
from protocol.signatures import Keyring, SignedKind, read_envelope
from protocol.topics import DownKind, down
from protocol.wire import unpack
from tests.registry import add_a_site, speaking_cabinet
from tests.web_client import WebClient

GTIN = "06901234567892"
SLOT = {"slot": "A1", "gtin": GTIN, "price_minor": 450, "name_zh": "牛奶", "name_en": "Milk"}


def sent(server: FleetServer) -> list[Desired]:
    keys = Keyring(server.signing.public_keys)
    topic = down("fleet", "C1", DownKind.DESIRED)
    with server.transactions.read() as tx:
        found = select(OutboundMessage).where(OutboundMessage.topic == topic)
        rows = list(tx.session.scalars(found.order_by(OutboundMessage.seq)))
    envelopes = [read_envelope(unpack(row.payload)) for row in rows]
    return [read_desired(keys.open(one, SignedKind.DESIRED, "fleet", "C1")) for one in envelopes]


def drifts(server: FleetServer) -> list[str]:
    with server.transactions.read() as tx:
        found = select(Fault.state).where(Fault.code == "DESIRED_DRIFT")
        return list(tx.session.scalars(found))


def look(server: FleetServer) -> None:
    with server.transactions.write("system:test") as tx:
        find_drift(tx)


def test_p15_each_change_is_the_next_version_signed_and_sent(
    server: FleetServer, api: WebClient
) -> None:
    speaking_cabinet(server)
    operator = api.as_(Role.OPERATOR)
    for version in (2, 3):
        view = operator.put("/cabinets/C1/desired", {"planogram": [SLOT]})
        assert view["version"] == version
    newest = sent(server)[-1]
    assert (newest.version, newest.planogram[0].gtin, newest.region) == (3, GTIN, "east")


def test_p15_an_older_version_held_is_sent_the_newest_and_no_other(
    server: FleetServer, api: WebClient
) -> None:
    cabinet = speaking_cabinet(server)
    api.as_(Role.OPERATOR).put("/cabinets/C1/desired", {"planogram": [SLOT]})
    before = len(sent(server))
    cabinet.held_desired = 2
    cabinet.beat()
    assert len(sent(server)) == before
    cabinet.held_desired = 1
    receipt = cabinet.birth()
    assert receipt is not None
    assert receipt.desired_version == 2
    assert [one.version for one in sent(server)[before:]] == [2]


def test_p15_what_was_applied_stands_beside_what_is_desired(
    server: FleetServer, api: WebClient
) -> None:
    cabinet = speaking_cabinet(server)
    operator = api.as_(Role.OPERATOR)
    operator.put("/cabinets/C1/desired", {"planogram": [SLOT]})
    cabinet.tell("desired.applied", {"version": 1})
    view = operator.get("/cabinets/C1/desired")
    assert (view["version"], view["applied_version"]) == (2, 1)
    cabinet.tell("desired.applied", {"version": 2})
    cabinet.tell("desired.applied", {"version": 1})
    assert operator.get("/cabinets/C1")["desired_applied_version"] == 2


def test_p15_what_is_not_applied_for_ten_minutes_is_drift_until_it_is(
    server: FleetServer, clock: ManualClock
) -> None:
    cabinet = speaking_cabinet(server)
    clock.advance(600)
    look(server)
    assert drifts(server) == []
    clock.advance(1)
    look(server)
    look(server)
    assert drifts(server) == ["active"]
    cabinet.tell("desired.applied", {"version": 1})
    assert drifts(server) == ["cleared"]


def test_p15_a_refusal_is_drift_at_once_with_key_and_reason(
    server: FleetServer, api: WebClient
) -> None:
    cabinet = speaking_cabinet(server)
    refused = {"version": 1, "key": "thresholds.x", "reason": "unknown"}
    cabinet.tell("desired.rejected", refused)
    cabinet.tell("desired.rejected", refused)
    view = api.as_(Role.VIEWER).get("/cabinets/C1/desired")
    assert (view["drifting"], view["refused_key"], view["refused_reason"]) == (
        True,
        "thresholds.x",
        "unknown",
    )
    assert drifts(server) == ["active"]


def test_p15_the_refusal_of_an_older_version_says_nothing_about_the_newest(
    server: FleetServer, api: WebClient
) -> None:
    cabinet = speaking_cabinet(server)
    api.as_(Role.OPERATOR).put("/cabinets/C1/desired", {"planogram": [SLOT]})
    cabinet.tell("desired.rejected", {"version": 1, "key": "x", "reason": "y"})
    assert drifts(server) == []


def test_p15_a_move_to_another_site_is_a_new_version_with_its_place(
    server: FleetServer, api: WebClient
) -> None:
    speaking_cabinet(server)
    other = add_a_site(server, "Harbour", "west")
    admin = api.as_(Role.ADMIN)
    answer = admin._client.patch(
        "/api/v1/cabinets/C1", json={"site_id": other.id, "reason": "moved"}
    )
    assert answer.json()["desired_version"] == 2
    newest = sent(server)[-1]
    assert (newest.version, newest.site, newest.region) == (2, other.id, "west")


BAD: list[dict[str, Any]] = [
    {"planogram": [SLOT, SLOT]},
    {"planogram": [{**SLOT, "gtin": "06901234567893"}]},
    {"planogram": [{**SLOT, "price_minor": -1}]},
    {"planogram": [{**SLOT, "price_minor": 4.5}]},
    {"planogram": [{**SLOT, "colour": "red"}]},
    {"version": 99},
    {"lease_other_seconds": 0},
    {"currency": "yuan"},
]


def test_p15_what_every_cabinet_would_refuse_never_leaves(
    server: FleetServer, api: WebClient
) -> None:
    speaking_cabinet(server)
    operator = api.as_(Role.OPERATOR)
    before = len(sent(server))
    for body in BAD:
        answer = operator.try_put("/cabinets/C1/desired", body)
        assert answer.status_code == 422, body
        assert answer.headers["content-type"] == "application/problem+json"
    assert len(sent(server)) == before
    assert operator.get("/cabinets/C1/desired")["version"] == 1


def test_p15_a_number_that_is_none_is_422(server: FleetServer, api: WebClient) -> None:
    speaking_cabinet(server)
    client = api.as_(Role.OPERATOR)._client
    for number in ("NaN", "Infinity", "1e999"):
        answer = client.put(
            "/api/v1/cabinets/C1/desired",
            content=f'{{"thresholds": {{"door_open_seconds": {number}}}}}',
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code == 422, number


@pytest.mark.parametrize("hours", [1])
def test_p15_a_retired_cabinet_drifts_no_more(
    server: FleetServer, api: WebClient, clock: ManualClock, hours: int
) -> None:
    speaking_cabinet(server)
    api.as_(Role.ADMIN).post("/cabinets/C1/transitions", {"to": "retired", "reason": "sold"})
    clock.advance(timedelta(hours=hours).total_seconds())
    look(server)
    assert drifts(server) == []
