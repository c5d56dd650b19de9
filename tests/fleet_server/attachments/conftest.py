"""The service desk for the tests of this folder."""

from tests.desk import desk, settings  # noqa: F401  # fixtures are found by name
