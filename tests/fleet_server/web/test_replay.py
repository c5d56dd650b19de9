"""A request that lost a deadlock is played again; the audit chain is locked last, so few are lost.

Both on PostgreSQL: SQLite has one writer, so nobody waits in a ring there.
"""

import threading
import time

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from fleet_server.app import FleetServer
from fleet_server.audit.service import record
from fleet_server.auth.rules import Role
from tests.registry import speaking_cabinet
from tests.web_client import WebClient

WAIT_SECONDS_MAX = 20
LOCK_HEAD = text("SELECT seq FROM audit_head FOR UPDATE")
LOCK_DESIRED = text("SELECT version FROM cabinet_desired FOR UPDATE")
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def test_a_request_that_lost_a_deadlock_is_played_again_and_changes_once(
    server: FleetServer, api: WebClient
) -> None:
    cabinet = speaking_cabinet(server).cabinet_id
    admin = api.as_(Role.ADMIN)
    path = f"/cabinets/{cabinet}/desired"
    before = admin.get(path)["version"]
    answers = []
    with Session(server.engine) as other:
        other.execute(LOCK_HEAD)
        put = threading.Thread(
            target=lambda: answers.append(admin.try_put(path, {"planogram": []}))
        )
        put.start()
        wait_until_somebody_waits(server)
        other.execute(LOCK_DESIRED)  # the ring; the request began to wait first and is ended
        other.commit()
    put.join(WAIT_SECONDS_MAX)
    assert [answer.status_code for answer in answers] == [200]
    assert admin.get(path)["version"] == before + 1


def test_who_recorded_a_change_does_not_yet_hold_the_end_of_the_chain(server: FleetServer) -> None:
    with server.transactions.write("system:test") as tx:
        record(tx, "thing.made", "thing", "1")
        tx.session.flush()
        with Session(server.engine) as other:
            other.execute(text("SELECT seq FROM audit_head FOR UPDATE NOWAIT"))


def wait_until_somebody_waits(server: FleetServer) -> None:
    for _ in range(WAIT_SECONDS_MAX * 20):
        with Session(server.engine) as look:
            if look.scalar(WAITING):
                return
        time.sleep(0.05)
    pytest.fail("nobody waits for a lock")
