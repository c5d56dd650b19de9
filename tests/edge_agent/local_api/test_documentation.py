"""docs/local-api.md against the code: every path and every kind of problem stands there."""

import re
from pathlib import Path

import pytest

from edge_agent.local_api import problems
from edge_agent.local_api.desk import ROUTES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "local-api.md").read_text()
SOURCES = (ROOT / "edge_agent" / "local_api").glob("*.py")
_SLUG = re.compile(r'(?:ApiError|problem_answer)\(\s*[0-9]{3},\s*"([a-z-]+)"')


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_every_path_is_explained(route: tuple[str, str]) -> None:
    method, path = route
    folder, _, last = path.rpartition("/")
    together = folder == "/v1/stock" and f"`{last}`" in PAGE  # three of one kind share a row
    assert together or f"`{method} {path}" in PAGE


def test_every_path_of_the_page_is_answered() -> None:
    told = set(re.findall(r"`(GET|POST) (/v1/[a-z/-]+)", PAGE))
    assert told <= set(ROUTES)


def test_every_kind_of_problem_is_named() -> None:
    slugs = {slug for path in SOURCES for slug in _SLUG.findall(path.read_text())}
    slugs |= {slug for _, slug in problems._KINDS.values()}
    assert len(slugs) > 25
    assert [slug for slug in sorted(slugs) if f"`{slug}`" not in PAGE] == []
