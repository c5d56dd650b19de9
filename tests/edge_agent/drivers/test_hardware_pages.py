"""The pages in docs/hardware against the code: a technician finds every kind and every option."""

from pathlib import Path

import pytest

from edge_agent.drivers.build import FAMILIES, kind_named, known_kinds

PAGES = Path(__file__).parents[3] / "docs" / "hardware"
KINDS = known_kinds()


def page_of(kind: str) -> str:
    """The page that says how to name the kind in the settings."""
    pages = [page.read_text() for page in sorted(PAGES.glob("*.md"))]
    found = [text for text in pages if f'kind = "{kind}"' in text]
    assert len(found) == 1, f'{len(found)} pages say kind = "{kind}"'
    return found[0]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_one_page_that_names_all_its_options_with_their_defaults(name: str) -> None:
    page, kind = page_of(name), kind_named(name)
    assert kind is not None
    for option, default in kind.options.items():
        shown = str(default).lower() if isinstance(default, bool) else f"{default}"
        assert f"`{option}`" in page, f"{option} is not on the page of {name}"
        assert shown.removesuffix(".0") in page, f"default of {option} is not on the page"
    for option in kind.input_options:
        assert f"`{option}.<name>`" in page, f"{option}.<name> is not on the page of {name}"


def test_every_kind_stands_in_one_family() -> None:
    assert sorted(kind for kinds in FAMILIES.values() for kind in kinds) == sorted(KINDS)
