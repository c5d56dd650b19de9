"""Fixtures of the recall tests."""

from datetime import timedelta
from pathlib import Path

import pytest

from fleet_server.app import FleetServer
from fleet_server.clock import ManualClock
from fleet_server.settings import Settings
from tests.recall_room import RecallRoom
from tests.web_client import WebClient


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """People stay signed in: recalls take days."""
    return Settings(
        data_dir=tmp_path / "data",
        database_url=database_url,
        session_lifetime=timedelta(days=365),
    )


@pytest.fixture
def room(server: FleetServer, api: WebClient, clock: ManualClock) -> RecallRoom:
    return RecallRoom(server, api, clock)
