"""The overview page: a form for strangers, the fleet for those who may see it, escaped."""

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from tests.registry import add_a_site, speaking_cabinet
from tests.web_client import PASSWORD, WebClient

FORM = 'action="/sign-in"'


def test_a_stranger_sees_the_sign_in_form_and_nothing_else(
    server: FleetServer, api: WebClient
) -> None:
    speaking_cabinet(server, "CABINET-7")
    page = api.anonymous.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert FORM in page.text
    assert "CABINET-7" not in page.text


def test_a_viewer_sees_cabinets_and_whether_they_are_online(
    server: FleetServer, api: WebClient
) -> None:
    site = add_a_site(server)
    speaking_cabinet(server, "C-online", site)
    speaking_cabinet(server, "C-offline", site).die()
    page = api.as_(Role.VIEWER)._client.get("/")
    assert FORM not in page.text
    cabinets, _, _ = page.text.partition("<h2>故障")
    rows = {
        name: next(row for row in cabinets.split("<tr>") if f"<td>{name}</td>" in row)
        for name in ("C-online", "C-offline")
    }
    assert "在线 · online" in rows["C-online"]
    assert "离线 · offline" in rows["C-offline"]


def test_html_in_a_name_is_text(server: FleetServer, api: WebClient) -> None:
    evil = "<script>alert(1)</script>"
    speaking_cabinet(server, "C1", add_a_site(server, evil))
    page = api.as_(Role.VIEWER)._client.get("/").text
    assert evil not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_person_of_one_site_sees_only_that_site(server: FleetServer, api: WebClient) -> None:
    here, there = add_a_site(server, "Here"), add_a_site(server, "There")
    speaking_cabinet(server, "C1", here)
    speaking_cabinet(server, "C2", there)
    page = api.as_(Role.VIEWER, site=here.id)._client.get("/").text
    assert "<td>C1</td>" in page
    assert "<td>C2</td>" not in page


def test_the_form_signs_in_or_says_why_not(api: WebClient) -> None:
    api.as_(Role.VIEWER, name="ada")
    form = {"username": "ada", "password": "<b>wrong</b>"}
    refused = api.anonymous.post("/sign-in", data=form)
    assert refused.status_code == 401
    assert FORM in refused.text
    assert 'role="alert"' in refused.text
    assert "<b>wrong" not in refused.text
    taken = api.anonymous.post("/sign-in", data={**form, "password": PASSWORD})
    assert taken.status_code == 200
    assert FORM not in taken.text


def test_the_page_asks_no_foreign_host_for_anything(api: WebClient) -> None:
    page = api.as_(Role.VIEWER)._client.get("/").text
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page
