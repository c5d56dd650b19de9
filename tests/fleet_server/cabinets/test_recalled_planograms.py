"""Invariant 9: goods that are recalled as a whole cannot be put in a planogram."""

from typing import Any

import httpx2
import pytest

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from fleet_server.rules.service import lift_rules, put_rules
from protocol.rules import BlockKind, Lots, Notice, Rule, Terms, Where
from tests.registry import speaking_cabinet
from tests.web_client import WebClient

GTIN, OTHER = "06901234567892", "06901234567908"
SLOT: dict[str, Any] = {
    "slot": "A1",
    "gtin": GTIN,
    "price_minor": 450,
    "name_zh": "牛奶",
    "name_en": "Milk",
}


def block(server: FleetServer, terms: Terms, where: Where | None = None) -> None:
    rule = Rule("r1", 1, BlockKind.RECALL, terms, Notice("停", "stop"), where=where or Where())
    with server.transactions.write("system:test") as tx:
        put_rules(tx, server.signing, "r1", 1, [rule])


def put(api: WebClient, *slots: dict[str, Any]) -> httpx2.Response:
    return api.as_(Role.OPERATOR).try_put("/cabinets/C1/desired", {"planogram": list(slots)})


def test_invariant_09_a_slot_for_recalled_goods_is_refused_and_the_recall_named(
    server: FleetServer, api: WebClient
) -> None:
    speaking_cabinet(server)
    block(server, Terms(gtins=[GTIN]))
    answer = put(api, {**SLOT, "slot": "B1", "gtin": OTHER}, SLOT)
    assert answer.status_code == 409
    told = answer.json()
    assert told["type"].endswith(":recalled-goods")
    assert (told["slots"], told["recalls"]) == (["A1"], ["r1"])
    assert api.as_(Role.VIEWER).get("/cabinets/C1/desired")["version"] == 1
    assert put(api, {**SLOT, "gtin": OTHER}).status_code == 200
    with server.transactions.write("system:test") as tx:
        lift_rules(tx, server.signing, "r1")
    assert put(api, SLOT).status_code == 200


@pytest.mark.parametrize(
    ("terms", "where"),
    [
        (Terms(gtins=[GTIN], lots=Lots(exact=["L1"])), Where()),
        (Terms(gtins=[GTIN], serials=["S1"]), Where()),
        (Terms(gtins=[OTHER]), Where()),
        (Terms(gtins=[GTIN]), Where(cabinets=["C2"])),
        (Terms(), Where(cabinets=["C1"])),
    ],
    ids=["a lot", "a serial number", "other goods", "another cabinet", "a place"],
)
def test_invariant_09_what_blocks_only_some_units_blocks_no_planogram(
    server: FleetServer, api: WebClient, terms: Terms, where: Where
) -> None:
    speaking_cabinet(server)
    block(server, terms, where)
    assert put(api, SLOT).status_code == 200
