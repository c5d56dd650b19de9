"""The service desk for the tests of this folder."""

from tests.desk import desk  # noqa: F401  # fixtures are found by name
