"""P-19: joining with a one-time claim code; joining again only with an operator's word."""

import base64
from typing import Any

import pytest
from sqlalchemy import func, select

from fleet_server.app import FleetServer
from fleet_server.auth.queries import secret_hash
from fleet_server.auth.rules import Role
from fleet_server.broker.queries import credential_of
from fleet_server.cabinets.models import Cabinet, Claim
from fleet_server.clock import ManualClock
from protocol.enrolment import EnrolmentAnswer
from protocol.identity import shard_of
from protocol.wire import decode_json
from tests.registry import add_a_cabinet, add_a_site
from tests.speaking_cabinet import SpeakingCabinet
from tests.web_client import WebClient


@pytest.fixture
def registered(server: FleetServer) -> FleetServer:
    add_a_cabinet(server, add_a_site(server))
    return server


def claim(api: WebClient, hours: int = 1) -> str:
    made = api.as_(Role.ADMIN).post("/cabinets/C1/claims", {"lifetime_hours": hours})
    code: str = made["claim_code"]
    return code


def enrol(api: WebClient, code: str, serial: str = "SN-C1") -> Any:
    order = {"claim_code": code, "serial_number": serial}
    return api.anonymous.post("/api/v1/enrolments", json=order)


def approve(api: WebClient) -> None:
    answer = api.as_(Role.ADMIN)._client.patch(
        "/api/v1/cabinets/C1", json={"approve_reenrolment": True, "reason": "board swapped"}
    )
    assert answer.is_success


def credential(server: FleetServer) -> str | None:
    return credential_of(server.engine, "C1")


def state(server: FleetServer) -> str:
    with server.transactions.read() as tx:
        return tx.session.get_one(Cabinet, "C1").state


def test_p19_the_answer_holds_all_a_cabinet_needs_to_speak(
    registered: FleetServer, api: WebClient
) -> None:
    answer = enrol(api, claim(api))
    assert answer.status_code == 201
    told = decode_json(answer.content, EnrolmentAnswer)
    assert (told.cabinet, told.fleet, told.shard) == ("C1", "fleet", shard_of("C1"))
    assert told.brokers == registered.settings.brokers_for_cabinet(shard_of("C1"))
    assert told.downlink_qos == registered.settings.downlink_qos
    keys = [base64.b64decode(key) for key in told.signing_keys]
    assert keys == registered.signing.public_keys
    assert base64.b64decode(told.sealing_key) == registered.signing.sealing_public_key
    assert state(registered) == "enrolled"
    assert credential(registered) is not None


def test_p19_a_code_can_be_typed_on_a_command_line(registered: FleetServer, api: WebClient) -> None:
    """One in 64 began with a dash, and `edge-agent enrol --claim` took it for an option."""
    assert registered is not None
    assert all(set(claim(api)) <= set("0123456789abcdef") for _ in range(8))


def test_p19_neither_credential_nor_claim_code_is_kept_in_clear(
    registered: FleetServer, api: WebClient
) -> None:
    code = claim(api)
    told = enrol(api, code).json()["credential"]
    with registered.transactions.read() as tx:
        kept = tx.session.get_one(Cabinet, "C1").credential_hash
        claims = list(tx.session.scalars(select(Claim.code_hash)))
    assert told not in (kept or "")
    assert code not in claims


def refused(answer: Any) -> None:
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:cabinet-fleet:problem:claim-refused"
    assert "credential" not in answer.json()


def test_p19_a_wrong_code_a_wrong_serial_or_an_old_code_lets_nobody_in(
    registered: FleetServer, api: WebClient, clock: ManualClock
) -> None:
    code = claim(api)
    answers = [enrol(api, "guessed"), enrol(api, code, "SN-C2"), enrol(api, code.swapcase())]
    clock.advance(3600)
    answers.append(enrol(api, code))
    for answer in answers:
        refused(answer)
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert state(registered) == "registered"
    assert credential(registered) is None


def test_p19_a_code_is_good_until_its_last_second_and_dead_after_the_first_birth(
    registered: FleetServer, api: WebClient, clock: ManualClock
) -> None:
    code = claim(api)
    clock.advance(3599)
    assert enrol(api, code).status_code == 201
    first = credential(registered)
    SpeakingCabinet(registered, "C1").birth()
    refused(enrol(api, code))
    assert credential(registered) == first


def test_p19_an_answer_that_was_lost_is_asked_for_again_with_the_same_code(
    registered: FleetServer, api: WebClient, clock: ManualClock
) -> None:
    """A power cut between the server's commit and the cabinet's must not burn the code."""
    code = claim(api)
    told = [enrol(api, code).json()["credential"] for _ in range(3)]
    assert len(set(told)) == 3
    assert credential(registered) == secret_hash(told[-1])
    refused(enrol(api, code, "SN-C2"))
    clock.advance(3600)
    refused(enrol(api, code))
    assert credential(registered) == secret_hash(told[-1])
    assert state(registered) == "enrolled"


def test_p19_a_code_that_was_followed_by_another_is_dead(
    registered: FleetServer, api: WebClient
) -> None:
    older = claim(api)
    enrol(api, older)
    approve(api)
    newer = claim(api)
    assert enrol(api, newer).status_code == 201
    before = credential(registered)
    refused(enrol(api, older))
    assert credential(registered) == before
    assert enrol(api, newer).status_code == 201


def test_p19_a_live_cabinet_enrols_again_only_after_approval_and_its_old_credential_ends(
    registered: FleetServer, api: WebClient
) -> None:
    enrol(api, claim(api))
    first = credential(registered)
    code = claim(api)
    refused(enrol(api, code))
    assert credential(registered) == first
    approve(api)
    assert credential(registered) == first
    assert enrol(api, code).status_code == 201
    assert credential(registered) not in {first, None}


@pytest.mark.usefixtures("registered")
def test_p19_one_approval_is_for_one_enrolment(api: WebClient) -> None:
    enrol(api, claim(api))
    approve(api)
    assert enrol(api, claim(api)).status_code == 201
    refused(enrol(api, claim(api)))


def test_p19_only_who_registers_may_approve_or_make_claims(
    registered: FleetServer, api: WebClient
) -> None:
    for role in (Role.OPERATOR, Role.TECHNICIAN):
        person = api.as_(role)
        assert person.try_post("/cabinets/C1/claims").status_code == 403
        change = {"approve_reenrolment": True, "reason": "please"}
        answer = person._client.patch("/api/v1/cabinets/C1", json=change)
        assert answer.status_code == 403
    with registered.transactions.read() as tx:
        assert tx.session.scalar(select(func.count()).select_from(Claim)) == 0
        assert not tx.session.get_one(Cabinet, "C1").reenrolment_approved


def test_p19_a_retired_cabinet_has_no_credential_and_gets_no_claim(
    registered: FleetServer, api: WebClient
) -> None:
    code = claim(api)
    enrol(api, code)
    approve(api)
    waiting = claim(api)
    admin = api.as_(Role.ADMIN)
    admin.post("/cabinets/C1/transitions", {"to": "retired", "reason": "sold"})
    assert credential(registered) is None
    refused(enrol(api, waiting))
    assert admin.try_post("/cabinets/C1/claims").status_code == 409


def test_p19_an_order_with_fields_nobody_knows_is_422(
    registered: FleetServer, api: WebClient
) -> None:
    order = {"claim_code": claim(api), "serial_number": "SN-C1", "role": "admin"}
    assert api.anonymous.post("/api/v1/enrolments", json=order).status_code == 422
    assert state(registered) == "registered"
