"""Order of the suite: journeys with real processes first, so none is left for the end."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow ones first; the rest keeps its order."""
    items.sort(key=lambda item: item.get_closest_marker("real_parts") is None)
