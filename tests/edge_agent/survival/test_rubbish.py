"""A server, a broker or a neighbour that says anything: the agent lives, loses nothing, sells on.

Random bytes, true messages with bits, fields and numbers changed, wrong types, huge numbers, epochs
of nobody, receipts that are ahead, on every topic; and the same over the local API. When the true
server speaks again, everything is as if the rubbish had never come.
"""

import gzip
import json
import random  # noqa: TID251  # rubbish repeats from its seed
from collections.abc import Callable

import pytest

from edge_agent.mqtt_link import LinkMessage
from protocol.commands import CommandName
from protocol.presence import TimeRequest
from protocol.topics import AllKind, DownKind, broadcast, down
from protocol.wire import encode
from tests.edge_agent.model_server import CABINET, FLEET
from tests.edge_agent.workbench import Bench, ready

Made = Callable[..., Bench]
SEEDS = 12
MESSAGES = 150
NUMBERS = (0, -1, 1, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, 10**40, -(2**70), 1e308, 0.5)
WORDS = ("", "x", "\u0000", "停", "x" * 3_000, "\ud800", "2026-13-45", "null")
TOPICS = (
    *(down(FLEET, CABINET, kind) for kind in DownKind),
    *(broadcast(FLEET, kind) for kind in AllKind),
    down(FLEET, CABINET, DownKind.RECEIPT).replace("receipt", "nonsense"),
    "no/topic/of/ours",
    "",
)


def spoiled(value: object, chance: random.Random) -> object:
    """The same with something in it changed."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        changed = dict(value)
        if chance.random() < 0.15:
            del changed[key]
        else:
            changed[key] = spoiled(value[key], chance)
        return changed
    if isinstance(value, list) and value and chance.random() < 0.8:
        changed_list = list(value)
        changed_list[chance.randrange(len(value))] = spoiled(value[0], chance)
        return changed_list
    return chance.choice([*NUMBERS, *WORDS, None, True, [], {}, [value], {"v": value}])


def rubbish(true: bytes, chance: random.Random) -> bytes:
    """Bytes that are not what they should be."""
    kind = chance.choice(["random", "bits", "cut", "fields", "fields", "fields", "bomb"])
    if kind == "random":
        return chance.randbytes(chance.randrange(300))
    if kind == "cut":
        return true[: chance.randrange(len(true))]
    if kind == "bits":
        data = bytearray(true)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        return bytes(data)
    if kind == "bomb":
        return gzip.compress(b" " * 6_000_000, mtime=0)[: chance.choice([50, 10**9])]
    plain = gzip.decompress(true) if true[:2] == b"\x1f\x8b" else true
    return json.dumps(spoiled(json.loads(plain), chance)).encode()


def true_message(bench: Bench, chance: random.Random) -> LinkMessage:
    """What a true server says, half of it receipts."""
    server = bench.server
    order = encode(server.command(CommandName.IDENTIFY, bench.clock.wall(), args={"seconds": 1}))
    server.counter -= 1
    others = [
        server.online(),
        LinkMessage(broadcast(FLEET, AllKind.RULES), server.rules(9, [])),
        LinkMessage(down(FLEET, CABINET, DownKind.DESIRED), server.desired(9, [])),
        LinkMessage(down(FLEET, CABINET, DownKind.COMMAND), order),
        server.reply(TimeRequest(1, "time", "00" * 16)),
    ]
    return chance.choice([server.receipt(), chance.choice(others)])


@pytest.mark.parametrize("seed", range(SEEDS))
def test_rubbish_of_the_server_changes_nothing_for_good(make_bench: Made, seed: int) -> None:
    """`make_bench` fails for any exception that leaves the core."""
    chance = random.Random(seed)
    bench = ready(make_bench(reconnect_spread_seconds=3.0, clock_trusted=seed % 2 == 0))
    for number in range(MESSAGES):
        true = true_message(bench, chance)
        topic = chance.choice(TOPICS) if chance.random() < 0.2 else true.topic
        bench.link.send(LinkMessage(topic, rubbish(true.payload, chance)))
        bench.step(0.2)
        if number % 30 == 0:
            bench.agent.cabinet.parts.faults.service(on=False)
    for _ in range(3):
        bench.link.send(bench.server.receipt())
        bench.steps(5)
    bench.steps(40)
    parts = bench.agent.cabinet.parts
    assert (parts.rules.version, parts.desired.version) == (1, 1)
    assert not parts.contact.rules_pending(1)
    heard = bench.server.journal
    assert heard.epoch == bench.agent.uplink.standing().journal.epoch
    assert heard.committed == bench.agent.uplink.standing().journal.head
    told = {event.seq: bytes(event.body) for event in bench.agent.outbox.events(0, 10_000)}
    kept = {
        event.seq: bytes(event.body)
        for (epoch, _), event in zip(heard.entries, bench.server.events(), strict=True)
        if epoch == heard.epoch
    }
    assert told.items() <= kept.items() or len(told) == len(kept)
    if not parts.faults.safety_hold:
        assert bench.vend("pay-1").outcome == "dispensed"


def test_a_receipt_that_names_an_impossible_version_stops_sale_only_until_the_next(
    bench: Bench,
) -> None:
    """It was remembered as wanted for ever, through restarts: the cabinet never sold again."""
    bench.server.rules_version = 2**62
    bench.link.send(bench.server.receipt())
    bench.steps(2)
    assert bench.vend("pay-1").reason == "rules_pending"
    bench.server.rules_version = 1
    bench.link.send(bench.server.receipt())
    bench.steps(2)
    assert bench.vend("pay-2").outcome == "dispensed"
