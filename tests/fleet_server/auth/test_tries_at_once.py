"""Tries that come at the same moment all count, and hold up nobody else."""

import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from fleet_server.app import FleetServer
from fleet_server.auth import service
from fleet_server.auth.models import LoginAttempt
from fleet_server.auth.rules import Role
from fleet_server.auth.service import FAILURES_MAX
from tests.web_client import WebClient

TRIES = 12


def test_wrong_passwords_at_once_are_not_looked_at_beyond_the_limit(
    server: FleetServer, api: WebClient
) -> None:
    api.as_(Role.VIEWER, name="ada")
    wrong = {"username": "ada", "password": "a wrong password"}
    with ThreadPoolExecutor(TRIES) as pool:
        answers = list(
            pool.map(lambda _: api.anonymous.post("/api/v1/session", json=wrong), range(TRIES))
        )
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [401] * FAILURES_MAX + [429] * (TRIES - FAILURES_MAX)
    with server.transactions.read() as tx:
        assert tx.session.scalars(select(LoginAttempt)).one().failures == FAILURES_MAX


def test_a_right_password_forgets_the_wrong_ones(server: FleetServer, api: WebClient) -> None:
    api.as_(Role.VIEWER, name="ada")
    api.anonymous.post("/api/v1/session", json={"username": "ada", "password": "wrong one"})
    api.as_(Role.OPERATOR, name="bo")
    right = {"username": "ada", "password": "correct horse battery"}
    assert api.anonymous.post("/api/v1/session", json=right).status_code == 201
    with server.transactions.read() as tx:
        assert tx.session.scalars(select(LoginAttempt)).all() == []


def test_a_password_is_compared_outside_of_any_transaction(
    server: FleetServer, api: WebClient
) -> None:
    """While all turns at hashing are taken, others still write."""
    api.as_(Role.VIEWER, name="ada")
    for _ in range(service.HASHES_AT_ONCE):
        service._hashing.acquire()
    try:
        guess = {"username": "ada", "password": "a wrong password"}
        guesser = threading.Thread(target=lambda: api.anonymous.post("/api/v1/session", json=guess))
        guesser.start()
        with server.transactions.write("system:test") as tx:
            assert tx.now is not None
    finally:
        for _ in range(service.HASHES_AT_ONCE):
            service._hashing.release()
    guesser.join()
