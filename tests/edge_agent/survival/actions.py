"""What people, servers and the weather do to a cabinet; each can be done once more."""

from collections.abc import Iterable

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.selling.session_book import SessionOrder
from edge_agent.selling.vend_book import VendOrder
from protocol.commands import CommandName
from protocol.desired import PlannedSlot
from protocol.events import ClearedBy
from protocol.rules import BlockKind, Lots, Notice, Rule, Terms
from tests.edge_agent.model_server import GTIN_A
from tests.edge_agent.survival.day import Action, Day

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
