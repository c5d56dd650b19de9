"""The server's fixtures; the tests of whole loads start one of their own."""

from tests.server_fixtures import (  # noqa: F401  # fixtures are found by name
    clock,
    database_url,
    postgres,
    server,
    settings,
    sqlite_template,
)
