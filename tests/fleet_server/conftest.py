"""The server's fixtures, for every test below."""

from tests.server_fixtures import (  # noqa: F401  # fixtures are found by name
    api,
    clock,
    database_url,
    postgres,
    server,
    settings,
    sqlite_template,
    transactions,
)
