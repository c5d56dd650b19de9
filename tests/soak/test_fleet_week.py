"""A day of a small town: what must hold in a week holds in a day, with the server killed often."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fleet_server.settings import Settings
from tests.soak.fleet_week.town import Order
from tests.soak.fleet_week.week import Week

MORNING = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)


@pytest.mark.timeout(280)
def test_a_day_in_which_the_server_dies_often_loses_no_offer_and_no_owner(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, session_lifetime=timedelta(days=9), dispatch_processes=0)
    week = Week(settings, Order(technicians=3, cabinets=40, days=1), 2, MORNING, kills_a_day=12)
    outcome = week.play(until=timedelta(hours=10))
    assert not outcome.problems, outcome.problems
    assert outcome.kills >= 2
    assert outcome.figures["visits_done"] >= 1
