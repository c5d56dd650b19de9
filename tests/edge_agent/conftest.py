"""Benches that are ended after each test, so that nothing stays open."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.edge_agent.workbench import Bench, ready


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(directory: Path = tmp_path / "cabinet", **settings: Any) -> Bench:
        made.append(Bench(directory, **settings))
        return made[-1]

    yield make
    for bench in made:
        bench.crash()


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    """A cabinet that sells."""
    return ready(make_bench())
