"""The days that are played: together they pass every durable step of the agent."""

from edge_agent.settings import BusSettings, DeviceSettings
from protocol.commands import CommandName
from tests.edge_agent.model_server import GTIN_A, GTIN_B
from tests.edge_agent.survival.actions import (
    GRAMS,
    SHELVES,
    count,
    desired,
    few_samples,
    jam,
    link,
    load,
    order,
    pay,
    pay_and_rules,
    release,
    remove,
    replay,
    restart,
    rules,
    service,
    shop,
    shop_and_rules,
    wait,
    weather,
)
from tests.edge_agent.survival.day import Action, Scenario
from tests.edge_agent.workbench import planned

BEGIN: tuple[Action, ...] = (
    wait(1.0, 3),
    rules(1),
    desired(1, [planned("A1"), planned("A2")]),
    load("first", "A1", 5),
    load("second", "A2", 2),
)

SLOT = Scenario(
    (
        *BEGIN,
        pay("pay-1"),
        pay("pay-2", "A2"),
        jam(stuck=True),
        pay("pay-3"),
        wait(4.0, 4),
        jam(stuck=False),
        pay("pay-4"),
        pay("pay-2", "A2"),
        pay("pay-5", "A2"),
        pay("pay-6", "A2"),  # sold out
    )
)
MOTOR = Scenario(
    (
        *BEGIN,
        pay("pay-1"),
        pay("pay-2", "A2"),
        pay("pay-1"),
        pay("pay-3", "A2"),
        pay("pay-4", "A2"),
    ),
    motors=("A1", "A2"),
    settings={
        "buses": [
            BusSettings("nowhere", [DeviceSettings("vmc", "fa-fb", slots={"A1": 11, "A2": 12})])
        ]
    },
)
DOOR = Scenario(
    (
        wait(1.0, 3),
        rules(1),
        desired(
            1,
            [
                planned("S1", GTIN_A, price_minor=250, unit_grams=GRAMS["S1"]),
                planned("S2", GTIN_B, price_minor=1_280, unit_grams=GRAMS["S2"]),
            ],
        ),
        load("first", "S1", 8),
        load("second", "S2", 5),
        wait(1.0, 4),
        shop("pay-1", S1=2, S2=1),
        shop("pay-2"),
        jam(stuck=True),
        shop("pay-3"),
        wait(4.0, 4),
        jam(stuck=False),
        shop_and_rules("pay-4", "S2", rules(2, "L9")),
        rules(3, "L1"),
        shop("pay-5", S1=1),
        rules(4),
        shop("pay-6", S1=1),
    ),
    doors=("front",),
    grams={"top": 8 * GRAMS["S1"], "bottom": 5 * GRAMS["S2"]},
    settings={
        "buses": [
            BusSettings("nowhere", [DeviceSettings("locks", "cu16", 0, {"front": 1})]),
            BusSettings(
                "scales", [DeviceSettings("scales", "eagle-ei", 1, shelves={"top": 1, "bottom": 2})]
            ),
        ],
        "slot_shelves": SHELVES,
    },
)
STOCK = Scenario(
    (
        *BEGIN,
        load("more", "A1", 3, "L2"),
        load("unlotted", "A1", 2, None),
        pay("pay-1"),
        count("count", "A1", 7),
        count("less", "A1", 1),
        pay("pay-2"),
        pay("pay-3"),
        remove("out", "A1", 2, "L2"),
        remove("rest", "A1", 2, None),
        pay("pay-4"),
        pay("pay-5"),
    )
)
DOCUMENTS = Scenario(
    (
        wait(1.0, 3),
        rules(1),
        desired(1, [planned("A1"), planned("A2")]),
        load("first", "A1", 5),
        load("second", "A2", 5, "L2"),
        pay("pay-1"),
        rules(2, "L1", block=["A1"]),
        pay("pay-2"),
        replay(1),
        pay("pay-3", "A2"),
        pay_and_rules("pay-6", "A2", rules(3, "L1", "L9")),
        desired(2, [planned("A1", price_minor=990), planned("A2")], settings={"new": 1}),
        rules(4, free=["A1"]),
        pay("pay-4"),
        link(up=False),
        wait(30.0, 3),
        pay("pay-5"),
        link(up=True),
        wait(1.0, 5),
    ),
    settings={"clock_trusted": False},
)
COMMANDS = Scenario(
    (
        *BEGIN,
        order(CommandName.UNLOCK, "unlock", door="A1"),
        order(CommandName.TEST_VEND, "test", door="A2"),
        order(CommandName.IDENTIFY, "identify", seconds=5),
        order(CommandName.SELF_TEST, "self"),
        order(CommandName.UNLOCK, "nowhere", door="Z9"),
        jam(stuck=True),
        order(CommandName.UNLOCK, "stuck", 4.0, door="A1"),
        jam(stuck=False),
        order(CommandName.SYNC, "sync"),
        pay("pay-1"),
    )
)
HOLDS = Scenario(
    (
        *BEGIN,
        service(on=True),
        wait(5.0, 2),
        service(on=False),
        weather(12.0, count=90),
        pay("pay-1"),
        weather(3.0, count=10),
        pay("pay-2"),
        restart,
        release,
        pay("pay-3"),
    )
)
LIVES = Scenario(
    (
        *BEGIN,
        few_samples,
        *(weather(celsius, 6.0, 2) for celsius in (3.0, 4.0, 5.0, 3.5, 4.5, 3.0)),
        pay("pay-1"),
        link(up=False),
        pay("pay-2"),
        few_samples,
        *(weather(celsius, 6.0, 3) for celsius in (5.0, 3.0, 4.5, 3.0, 4.0)),
        restart,
        pay("pay-3"),
        link(up=True),
        wait(2 * 86_400.0, 5),  # tidy: acknowledged events are deleted after a week
        wait(60.0, 4),
    )
)
SCENARIOS = {
    "slot": SLOT,
    "motor": MOTOR,
    "door": DOOR,
    "stock": STOCK,
    "documents": DOCUMENTS,
    "commands": COMMANDS,
    "holds": HOLDS,
    "lives": LIVES,
}
