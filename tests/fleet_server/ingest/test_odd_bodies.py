"""P-6: what was stored is shown, however odd: as JSON where it can be, else as its text."""

import pytest
from sqlalchemy import update

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from fleet_server.ingest.models import JournalEvent
from tests.registry import speaking_cabinet
from tests.web_client import WebClient

UNANSWERABLE = {
    "an integer of 5,000 digits": '{"n":' + "9" * 5_000 + "}",
    "a number past a float": '{"n":1e999}',
    "NaN": '{"n":NaN}',
    "half a UTF-16 pair": '{"text":"\\ud800"}',
    "300 levels": "[" * 300 + "]" * 300,
    "no JSON at all": "{hello",
}


@pytest.mark.parametrize("text", UNANSWERABLE.values(), ids=UNANSWERABLE)
def test_a_body_that_cannot_be_answered_as_json_is_shown_as_its_text(
    server: FleetServer, api: WebClient, text: str
) -> None:
    """Rows may come from an older server or a restored database: the row is written as it is."""
    cabinet = speaking_cabinet(server)
    cabinet.tell("cabinet.danced", {"steps": 1})
    with server.transactions.write("system:test") as tx:
        tx.session.execute(update(JournalEvent).values(body=text))
    (entry,) = api.as_(Role.VIEWER).get("/cabinets/C1/timeline")["items"]
    assert entry["body"] == text
