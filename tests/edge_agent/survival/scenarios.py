"""The days that are played: together they pass every durable step of the agent."""

from collections.abc import Iterable

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.selling.session_book import SessionOrder
from edge_agent.selling.vend_book import VendOrder
from edge_agent.settings import BusSettings, DeviceSettings
from protocol.commands import CommandName
from protocol.desired import PlannedSlot
from protocol.events import ClearedBy
from protocol.rules import BlockKind, Lots, Notice, Rule, Terms
from tests.edge_agent.model_server import GTIN_A, GTIN_B
from tests.edge_agent.survival.day import Action, Day, Scenario
from tests.edge_agent.workbench import planned

HOLD = "TEMP_SAFETY_HOLD"
GRAMS = {"S1": 520.0, "S2": 180.0}
SHELVES = {"S1": "top", "S2": "bottom"}


def rules(version: int, *lots: str, free: Iterable[str] = (), block: Iterable[str] = ()) -> Action:
    """The server activates a bundle that recalls these lots of GTIN A."""

    def act(day: Day) -> None:
        world = day.world
        found = [
            Rule(
                f"R-{lot}", 1, BlockKind.RECALL, Terms([GTIN_A], Lots([lot])), Notice("停", "Stop")
            )
            for lot in lots
        ]
        world.server.rules_version = version
        world.rules = world.server.rules(version, found)
        for slot in free:
            world.blocked.pop(slot, None)
        for slot in block:
            world.blocked.setdefault(slot, version)
        day.bench.link.send_rules(world.rules)
        day.step(count=3)

    return act


def desired(version: int, rows: Iterable[PlannedSlot], **changes: object) -> Action:
    """The server wants this planogram."""
    planogram = list(rows)

    def act(day: Day) -> None:
        world = day.world
        world.server.desired_version = version
        world.desired = world.server.desired(version, planogram, **changes)
        day.bench.link.send_desired(world.desired)
        day.step(count=3)

    return act


def load(name: str, slot: str, quantity: int, lot: str | None = "L1") -> Action:
    """A technician loads."""
    return lambda day: day.move(name, day.goods(slot, quantity, lot), day.bench.agent.cabinet.load)


def remove(name: str, slot: str, quantity: int, lot: str | None = "L1") -> Action:
    """A technician takes out."""
    return lambda day: day.move(
        name, day.goods(slot, quantity, lot), day.bench.agent.cabinet.remove
    )


def count(name: str, slot: str, found: int, lot: str | None = "L1") -> Action:
    """A technician counts."""
    return lambda day: day.move(name, day.goods(slot, found, lot), day.bench.agent.cabinet.count)


def pay(reference: str, slot: str = "A1") -> Action:
    """A buyer pays for a slot, takes the unit and closes the door."""

    def act(day: Day) -> None:
        answer = day.bench.agent.cabinet.vend(VendOrder(reference, slot, buyer_reference="buyer"))
        day.world.told[reference] = answer.outcome
        day.step(count=2)
        vend = day.bench.agent.cabinet.parts.vends.find(reference)
        if vend is not None:
            day.world.told[reference] = vend.answer.outcome
        day.world.shut()
        day.step(count=2)

    return act


def shop(reference: str, **taken: int) -> Action:
    """A buyer opens the one door, takes pieces off the scales and closes it."""

    def act(day: Day) -> None:
        world = day.world
        cabinet = day.bench.agent.cabinet
        answer = cabinet.open_session(SessionOrder(reference, buyer_reference="buyer"))
        world.told[reference] = answer.outcome
        day.step(count=2)
        if DoorState.OPEN in world.doors.state.values():
            for slot, pieces in taken.items():
                world.grams[SHELVES[slot]] -= pieces * GRAMS[slot]
            day.step()
            world.shut()
        day.step(count=6)
        session = cabinet.parts.sessions.find(reference)
        if session is not None:
            world.told[reference] = session.answer.outcome

    return act


def pay_and_rules(reference: str, slot: str, then: Action) -> Action:
    """A bundle comes while the vend waits for its door, which opens late."""

    def act(day: Day) -> None:
        world = day.world
        world.doors.stuck = True
        answer = day.bench.agent.cabinet.vend(VendOrder(reference, slot, buyer_reference="buyer"))
        world.told[reference] = answer.outcome
        then(day)
        world.doors.stuck = False
        if answer.outcome == "pulsed":
            world.doors.state[slot] = DoorState.OPEN
        day.step(count=2)
        world.shut()
        day.step(count=3)

    return act


def shop_and_rules(reference: str, slot: str, then: Action) -> Action:
    """A bundle comes while the door is open."""

    def act(day: Day) -> None:
        cabinet = day.bench.agent.cabinet
        answer = cabinet.open_session(SessionOrder(reference, buyer_reference="buyer"))
        day.world.told[reference] = answer.outcome
        day.step(count=2)
        if DoorState.OPEN in day.world.doors.state.values():
            day.world.grams[SHELVES[slot]] -= GRAMS[slot]
        then(day)
        day.world.shut()
        day.step(count=6)

    return act


def order(name: CommandName, key: str, seconds: float = 1.0, **args: object) -> Action:
    """The server orders; unanswered, the same signed bytes come again (P-14)."""

    def act(day: Day) -> None:
        world = day.world
        day.step(count=2)
        if key not in world.orders:
            world.orders[key] = world.server.command(name, world.clock.wall(), args=args)
        day.bench.link.send_command(world.orders[key])
        day.step(seconds, count=3)
        world.shut()
        day.step(count=2)

    return act


def replay(version: int) -> Action:
    """Somebody sends an older bundle again, with a true signature."""

    def act(day: Day) -> None:
        day.bench.link.send_rules(day.world.server.rules(version, []))
        day.step(count=2)

    return act


def jam(*, stuck: bool) -> Action:
    """The locks do not open any more, or do again."""

    def act(day: Day) -> None:
        day.world.doors.stuck = stuck

    return act


def wait(seconds: float, count: int = 1) -> Action:
    return lambda day: day.step(seconds, count)


def weather(celsius: float, seconds: float = 30.0, count: int = 50) -> Action:
    def act(day: Day) -> None:
        day.world.celsius = celsius
        day.step(seconds, count)

    return act


def release(day: Day) -> None:
    """A technician releases the hold on site."""
    faults = day.bench.agent.cabinet.parts.faults
    day.world.hold_latched = False
    for episode in faults.open_episodes():
        if episode.code == HOLD:
            faults.release(HOLD, episode.part, by="tech", ground="pin", cleared_by=ClearedBy.ONSITE)
    day.step()


def service(*, on: bool) -> Action:
    def act(day: Day) -> None:
        day.bench.agent.cabinet.parts.faults.service(on=on)
        day.step(count=2)

    return act


def link(*, up: bool) -> Action:
    def act(day: Day) -> None:
        day.bench.link.reachable = up
        if not up:
            day.bench.link.cut()
        day.step(count=3)

    return act


def few_samples(day: Day) -> None:
    """The lane holds little, so that it thins."""
    day.bench.agent._telemetry._samples_max = 3


def restart(day: Day) -> None:
    day.restart()
    day.step(count=3)


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
