"""SIGKILL and power cuts at every durable step: nothing lost, nothing doubled, no move twice.

Each scenario is played once; at every one of its points (before BEGIN, after each statement,
before and after each COMMIT, after each pulse and message) the cabinet dies on a copy, starts
anew, plays the rest of the day and is checked by what the server accepted. `python -m
tests.edge_agent.survival` plays all of them both ways and as many real deaths as one likes.
"""

import random  # noqa: TID251  # a seeded choice of points, the same in every run
from pathlib import Path

import pytest

from edge_agent.store import Moment
from protocol.events import BODIES
from tests.edge_agent.survival.points import contents, killed, live_on, photographed
from tests.edge_agent.survival.scenarios import SCENARIOS

SEED = 1
REAL_DEATHS = 6
"""Of each scenario; some 0.2 s each."""
AGAIN = 12
"""Deaths of a second life: its recovery and what it takes up again."""
NEVER_PLAYED = {"audit.read", "sale.adjusted"}
"""The one comes from another machine's driver, the other from nowhere yet."""


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_death_at_any_point_of_the_day_is_lived_on_from(name: str, tmp_path: Path) -> None:
    camera = photographed(SCENARIOS[name], tmp_path, SEED)
    assert camera.passed > 2 * len(camera.points) > 60
    for point in camera.points:
        try:
            live_on(SCENARIOS[name], point, SEED, shut=point.number % 2 == 0)
        except Exception as error:
            raise AssertionError(f"{name}, seed {SEED}, {point}: {error}") from error


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_process_that_kills_itself_leaves_what_the_copies_show(name: str, tmp_path: Path) -> None:
    points = photographed(SCENARIOS[name], tmp_path / "copies", SEED).points
    for point in random.Random(SEED).sample(points, REAL_DEATHS):
        dead = killed(SCENARIOS[name], tmp_path / str(point.number), point.number, SEED)
        assert (dead.kind, dead.action) == (point.kind, point.action)
        assert contents(dead.folder) == contents(point.folder)
        live_on(SCENARIOS[name], dead, SEED)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_life_after_a_death_may_die_too(name: str, tmp_path: Path) -> None:
    """One death of each day, and every one of the life after it until its action is over."""
    points = photographed(SCENARIOS[name], tmp_path / "first", SEED).points
    first = random.Random(SEED).choice(points[len(points) // 3 :])
    again = photographed(SCENARIOS[name], tmp_path / "again", SEED, since=first)
    for point in again.points[:AGAIN]:
        live_on(SCENARIOS[name], point, SEED)


def test_the_days_pass_every_kind_of_point_and_write_every_kind_of_event(tmp_path: Path) -> None:
    kinds: set[str] = set()
    events: set[str] = set()
    for name, scenario in SCENARIOS.items():
        camera = photographed(scenario, tmp_path / name, SEED)
        assert camera.day is not None
        kinds |= camera.kinds
        events |= {event.type for event in camera.day.world.server.events()}
    assert kinds == {*map(str, Moment), "pulse", "publish"}
    assert events == set(BODIES) - NEVER_PLAYED
