"""Twenty kills of real agents under load; `make soak-edge` plays the thousand."""

import pytest
from rich.console import Console

from tests.edge_agent.soak import GOALS, soak

KILLS = 20
SEED = 7


@pytest.mark.real_parts
@pytest.mark.timeout(180)
def test_agents_killed_under_load_lose_double_and_wrongly_sell_nothing() -> None:
    figures = soak(KILLS, SEED, agents=2, minutes=1.5, console=Console())
    print(f"seed {SEED}: {figures}")
    assert figures["kills"] >= KILLS
    assert figures["sales"] > 0
    assert {name: figures[name] for name in GOALS} == dict.fromkeys(GOALS, 0)
