"""What must be true after any death: asked of the store, the server and the world, not the agent.

Stock, sales and endings are computed anew from the events the server accepted; the agent's own
tables only have to agree with them.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from edge_agent.selling.states import SESSION_TRANSITIONS, TRANSITIONS
from protocol.events import BODIES
from protocol.journal import Event, Lane
from tests.edge_agent.survival.day import Day

FINAL = {
    str(state) for state, after in (*TRANSITIONS.items(), *SESSION_TRANSITIONS.items()) if not after
}
ENDINGS = {"sale.completed", "vend.failed"}
OUTCOMES = {
    "not_dispensed": "failed",
    "unknown": "unknown",
    "nothing_taken": "nothing_taken",
}


def check(day: Day) -> None:
    """Raise AssertionError for whatever is not as it must be."""
    assert not day.world.wrongs, day.world.wrongs
    heard = _journals_agree(day)
    _telemetry_agrees(day)
    bodies = [(event.type, body_of(event)) for event in heard]
    _stock_adds_up(day, bodies)
    _payments_end_once(day, bodies)
    _moves_are_sales_or_orders(day)
    _blocked_slots_kept_still(day, heard)
    _orders_end_once(day, bodies)
    _versions_rise(bodies)


def body_of(event: Event) -> Any:
    """Body by the type of its event."""
    return msgspec.json.decode(event.body, type=BODIES[event.type])


def _journals_agree(day: Day) -> list[Event]:
    lane = day.bench.agent.uplink.standing().journal
    server = day.world.server.journal
    assert server.doubled == []
    assert {epoch for epoch, _ in server.entries} == {lane.epoch}, "an epoch too many"
    heard = {event.seq: event for event in day.world.server.events()}
    held = {event.seq: event for event in day.bench.agent.outbox.events(0, 100_000)}
    assert sorted(heard) == list(range(1, lane.head + 1)), "a hole in the journal"
    assert sorted(held) == list(range(lane.floor, lane.head + 1)), "a hole in the store"
    for seq, event in held.items():
        assert bytes(event.body) == bytes(heard[seq].body)
        assert (event.at, event.boot) == (heard[seq].at, heard[seq].boot)
    return [heard[seq] for seq in sorted(heard)]


def _telemetry_agrees(day: Day) -> None:
    server = day.world.server.telemetry
    assert server.doubled == []
    epoch, head, floor, _ = _lane(day, Lane.TELEMETRY)
    held = [sample.seq for sample in day.bench.agent._telemetry.samples(0, 100_000)]
    assert held == list(range(floor, head + 1))
    if server.epoch:
        assert server.epoch == epoch


def _lane(day: Day, lane: Lane) -> tuple[Any, ...]:
    row = day.bench.agent.cabinet.parts.store.row(
        "SELECT epoch, head, floor, committed FROM lane WHERE name = ?", str(lane)
    )
    assert row is not None
    return row


def _stock_adds_up(day: Day, bodies: list[tuple[str, Any]]) -> None:
    book: Counter[tuple[str, str, str | None]] = Counter()
    for kind, body in bodies:
        for key, units in _moves(kind, body, book):
            book[key] += units
    assert all(units >= 0 for units in book.values()), book
    rows = day.bench.agent.cabinet.parts.store.rows(
        "SELECT slot, gtin, lot, sum(quantity) FROM stock GROUP BY slot, gtin, lot"
    )
    assert {(row[0], row[1], row[2]): row[3] for row in rows} == dict(+book)


def _moves(kind: str, body: Any, book: Counter[Any]) -> Iterator[tuple[tuple[Any, ...], int]]:
    if kind == "sale.completed":
        for line in body.lines:
            yield (line.slot, line.gtin, line.lot), -line.quantity
    elif kind in ("stock.loaded", "stock.removed"):
        sign = 1 if kind == "stock.loaded" else -1
        yield (body.slot, body.gtin, body.lot), sign * body.quantity
    elif kind == "stock.counted":
        key = (body.slot, body.gtin, body.lot)
        assert body.booked == book[key], "a count saw another book"
        yield key, body.counted - body.booked


def _states(day: Day) -> dict[str, tuple[str, str]]:
    """Payment reference -> sale id and state, of vends and sessions."""
    rows = day.bench.agent.cabinet.parts.store.rows(
        "SELECT payment_reference, sale, state FROM vend"
        " UNION ALL SELECT payment_reference, sale, state FROM session"
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def _payments_end_once(day: Day, bodies: list[tuple[str, Any]]) -> None:
    endings: dict[str, list[str]] = {}
    for kind, body in bodies:
        if kind in ENDINGS:
            end = "sold" if kind == "sale.completed" else OUTCOMES[body.outcome]
            endings.setdefault(body.payment_reference, []).append(end)
    states = _states(day)
    refused = sum(state == "refused" for _, state in states.values())
    assert refused == sum(kind == "sale.refused" for kind, _ in bodies)
    for reference, (_, state) in states.items():
        assert state in FINAL, f"{reference} is left in {state}"
        wanted = {"refused": [], "dispensed": ["sold"], "settled": ["sold"]}.get(state, [state])
        assert endings.pop(reference, []) == wanted, f"{reference} in {state}"
    assert endings == {}, "endings of payments nobody knows"
    for reference, outcome in day.world.told.items():
        if outcome in FINAL:
            assert states[reference][1] == outcome, f"{reference} was told {outcome}"


def _moves_are_sales_or_orders(day: Day) -> None:
    pulses = Counter(order for _, order in day.world.doors.pulses)
    assert all(times == 1 for times in pulses.values()), f"moved twice: {pulses}"
    known = {sale: (reference, state) for reference, (sale, state) in _states(day).items()}
    commands = {envelope_id(day, key) for key in day.world.orders}
    for order in pulses:
        assert order in known or order in commands, f"a move nobody ordered: {order}"
    for sale, (reference, state) in known.items():
        if state in ("dispensed", "settled"):
            assert pulses[sale] == 1, f"{reference} was sold and nothing moved"
        if state == "refused":
            assert pulses[sale] == 0
        if state == "failed":
            assert sale not in day.world.doors.opened, f"{reference} failed with the door open"


def envelope_id(day: Day, key: str) -> str:
    """Id of an order the server gave."""
    named: str = msgspec.json.decode(day.world.orders[key].payload)["id"]
    return named


def _blocked_slots_kept_still(day: Day, heard: list[Event]) -> None:
    """From the acknowledgement of the version on, nothing of a blocked slot was sold."""
    for slot, version in day.world.blocked.items():
        blocked = False
        for event in heard:
            body = body_of(event)
            if event.type == "rules.applied" and body.version >= version:
                blocked = True
            if event.type == "sale.completed" and blocked:
                assert slot not in {line.slot for line in body.lines}


def _orders_end_once(day: Day, bodies: list[tuple[str, Any]]) -> None:
    ends: dict[str, set[str]] = {}
    for kind, body in bodies:
        if kind == "command.finished":
            ends.setdefault(body.command, set()).add(body.outcome)
    for key in day.world.orders:
        assert len(ends.get(envelope_id(day, key), ())) == 1, f"{key}: {ends}"


def _versions_rise(bodies: list[tuple[str, Any]]) -> None:
    for kind in ("rules.applied", "desired.applied"):
        versions = [body.version for found, body in bodies if found == kind]
        assert versions == sorted(set(versions)), f"{kind}: {versions}"
    latched = sum(kind == "hold.latched" for kind, _ in bodies)
    released = sum(kind == "hold.released" for kind, _ in bodies)
    assert 0 <= latched - released <= 1
