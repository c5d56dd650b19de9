"""P-10: a region that goes dark is found in one look and few statements, and so is its return."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, func, select

from fleet_server import app
from fleet_server.app import FleetServer
from fleet_server.cabinets.models import CabinetPresence
from fleet_server.clock import ManualClock
from fleet_server.faults.models import Fault
from fleet_server.ingest.presence import SILENT_PER_TRANSACTION
from protocol.intervals import DEAF_AFTER_RECONNECT_SECONDS
from protocol.presence import PresenceCause, PresenceState
from protocol.topics import UpKind
from simulators.load.registration import roll_of
from tests.speaking_cabinet import SpeakingCabinet

CABINETS = SILENT_PER_TRANSACTION + 1
STATEMENTS_MAX = 60
"""For each of both transactions; one for each cabinet would be ten times as many."""


@pytest.fixture
def cabinets(server: FleetServer, clock: ManualClock) -> list[SpeakingCabinet]:
    roll = roll_of(server.settings, CABINETS)
    made = [SpeakingCabinet(server, one.cabinet, session=1) for one in roll.members]
    born(server, made)
    clock.advance(DEAF_AFTER_RECONNECT_SECONDS + 1)
    return made


def born(server: FleetServer, cabinets: list[SpeakingCabinet]) -> None:
    state, cause = PresenceState.ONLINE, PresenceCause.BIRTH
    births = [one.inbound(UpKind.PRESENCE, one.presence(state, cause)) for one in cabinets]
    server.ingest.accept(births)


def online(server: FleetServer) -> int:
    with server.transactions.read() as tx:
        found = select(func.count()).where(CabinetPresence.online)
        return tx.session.scalar(found) or 0


def episodes(server: FleetServer) -> Counter[str]:
    with server.transactions.read() as tx:
        return Counter(tx.session.scalars(select(Fault.state).where(Fault.code == "OFFLINE")))


@contextmanager
def statements(server: FleetServer) -> Iterator[list[str]]:
    """Selects and updates sent meanwhile; SQLite inserts history row by row, inside our process."""
    sent: list[str] = []

    def note(*arguments: object) -> None:
        if not str(arguments[2]).startswith("INSERT"):
            sent.append(str(arguments[2]))

    event.listen(server.engine, "before_cursor_execute", note)
    yield sent
    event.remove(server.engine, "before_cursor_execute", note)


def test_all_are_found_in_one_look_and_end_in_one_batch(
    server: FleetServer, cabinets: list[SpeakingCabinet]
) -> None:
    assert online(server) == CABINETS
    with statements(server) as sent:
        server.find_silent()
    assert (online(server), episodes(server)) == (0, {"active": CABINETS})
    assert len(sent) < 2 * STATEMENTS_MAX, Counter(sent).most_common(3)
    server.find_silent()
    assert episodes(server) == {"active": CABINETS}
    with statements(server) as sent:
        born(server, cabinets)
    assert (online(server), episodes(server)) == (CABINETS, {"cleared": CABINETS})
    assert len(sent) < 2 * STATEMENTS_MAX, Counter(sent).most_common(3)


@pytest.mark.usefixtures("cabinets")
def test_a_broker_that_is_lost_between_two_portions_makes_nobody_silent(
    server: FleetServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare, portions = app.declare_silent, [0]

    def then_comes_back(*arguments: Any) -> list[str]:
        portions[0] += 1
        found = declare(*arguments)
        server.link.became_ready.set()  # as if the connection had ended and stood again
        return found

    monkeypatch.setattr(app, "declare_silent", then_comes_back)
    server.find_silent()
    assert (portions[0], online(server)) == (1, 1)
