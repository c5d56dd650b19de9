"""Cursor pages: every row once, also while rows are added."""

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from fleet_server.web.pages import LIMIT_MAX
from tests.registry import add_a_site
from tests.web_client import WebClient


def test_pages_hold_every_row_once_newest_first_while_rows_are_added(
    server: FleetServer, api: WebClient
) -> None:
    made = [add_a_site(server, f"Site {number}").id for number in range(7)]
    viewer = api.as_(Role.VIEWER)
    page = viewer.get("/sites", limit=3)
    seen = [one["id"] for one in page["items"]]
    add_a_site(server, "A newer one")
    while page["next"] is not None:
        page = viewer.get("/sites", limit=3, after=page["next"])
        seen += [one["id"] for one in page["items"]]
    assert seen == made[::-1]


def test_a_page_of_exactly_the_last_rows_has_no_next(server: FleetServer, api: WebClient) -> None:
    for number in range(3):
        add_a_site(server, f"Site {number}")
    assert api.as_(Role.VIEWER).get("/sites", limit=3)["next"] is None


def test_a_limit_out_of_bounds_is_422(api: WebClient) -> None:
    viewer = api.as_(Role.VIEWER)
    for limit in (0, -1, LIMIT_MAX + 1, "all"):
        assert viewer.try_get("/sites", limit=limit).status_code == 422
