"""Fixtures of the recall tests."""

import pytest

from fleet_server.app import FleetServer
from fleet_server.clock import ManualClock
from tests.desk import desk, settings  # noqa: F401  # fixtures are found by name
from tests.recall_room import RecallRoom
from tests.web_client import WebClient


@pytest.fixture
def room(server: FleetServer, api: WebClient, clock: ManualClock) -> RecallRoom:
    return RecallRoom(server, api, clock)
