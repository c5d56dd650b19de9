"""`Idempotency-Key`: a repeated request creates nothing and gets the first one's answer."""

import threading
from datetime import timedelta

from sqlalchemy import func, select

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from fleet_server.cabinets.models import Site
from fleet_server.clock import ManualClock
from fleet_server.web.idempotency import KEPT_FOR, forget_old_answers
from fleet_server.web.models import KeptAnswer
from tests.web_client import WebClient

SITE = {
    "name": "Office tower",
    "address": "1 Century Avenue",
    "region": "east",
    "latitude": 31.23,
    "longitude": 121.47,
}


def sites(server: FleetServer) -> int:
    with server.transactions.read() as tx:
        return tx.session.scalar(select(func.count()).select_from(Site)) or 0


def test_a_repeat_gets_the_first_answer_and_creates_nothing(
    server: FleetServer, api: WebClient
) -> None:
    admin = api.as_(Role.ADMIN)
    first = admin.post("/sites", SITE, key="k1")
    assert admin.post("/sites", SITE, key="k1") == first
    assert sites(server) == 1


def test_a_key_used_for_another_body_or_another_thing_is_refused(
    server: FleetServer, api: WebClient
) -> None:
    admin = api.as_(Role.ADMIN)
    site = admin.post("/sites", SITE, key="k1")
    other = admin.try_post("/sites", {**SITE, "name": "Other"}, key="k1")
    cabinet = {"id": "C1", "serial_number": "SN-1", "site_id": site["id"]}
    elsewhere = admin.try_post("/cabinets", cabinet, key="k1")
    for answer in (other, elsewhere):
        assert answer.status_code == 409
        assert answer.json()["type"].endswith(":idempotency-key-reused")
    assert sites(server) == 1


def test_without_a_key_nothing_is_remembered(server: FleetServer, api: WebClient) -> None:
    admin = api.as_(Role.ADMIN)
    assert admin.post("/sites", SITE)["id"] != admin.post("/sites", SITE)["id"]
    assert sites(server) == 2


def test_the_key_of_one_person_is_not_that_of_another(server: FleetServer, api: WebClient) -> None:
    one, two = api.as_(Role.ADMIN, name="one"), api.as_(Role.ADMIN, name="two")
    assert one.post("/sites", SITE, key="k")["id"] != two.post("/sites", SITE, key="k")["id"]
    assert sites(server) == 2


def test_a_request_that_failed_is_not_remembered(server: FleetServer, api: WebClient) -> None:
    admin = api.as_(Role.ADMIN)
    site = admin.post("/sites", SITE)
    cabinet = {"id": "C1", "serial_number": "SN-1", "site_id": site["id"]}
    admin.post("/cabinets", cabinet)
    assert admin.try_post("/cabinets", {**cabinet, "id": "C2"}, key="k").status_code == 409
    again = {**cabinet, "id": "C2", "serial_number": "SN-2"}
    assert admin.post("/cabinets", again, key="k")["id"] == "C2"
    assert sites(server) == 1


def test_a_repeat_at_the_same_moment_creates_nothing(server: FleetServer, api: WebClient) -> None:
    admin = api.as_(Role.ADMIN)
    statuses: list[int] = []

    def ask() -> None:
        statuses.append(admin.try_post("/sites", SITE, key="k").status_code)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sites(server) == 1
    assert statuses == [201] * 4


def test_old_answers_are_forgotten_and_fresh_ones_kept(
    server: FleetServer, api: WebClient, clock: ManualClock
) -> None:
    admin = api.as_(Role.ADMIN)
    admin.post("/sites", SITE, key="old")
    clock.advance((KEPT_FOR - timedelta(hours=1)).total_seconds())
    api.as_(Role.ADMIN, name="later").post("/sites", SITE, key="fresh")
    clock.advance(timedelta(hours=2).total_seconds())
    with server.transactions.write("system:test") as tx:
        forget_old_answers(tx)
    with server.transactions.read() as tx:
        assert list(tx.session.scalars(select(KeptAnswer.key))) == ["fresh"]


def test_an_empty_or_endless_key_is_422(server: FleetServer, api: WebClient) -> None:
    admin = api.as_(Role.ADMIN)
    assert admin.try_post("/sites", SITE, key="k" * 101).status_code == 422
    assert sites(server) == 0
