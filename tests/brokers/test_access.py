"""P-0, P-19, P-20 over every broker: what counts is what is delivered.

Each test sends what is forbidden first and something allowed after it: when the allowed message
arrives alone, the forbidden one was dropped and did not merely come late. A broker may refuse,
acknowledge and drop, or end the connection; each does something else (docs/brokers.md).
"""

import contextlib

import pytest

from fleet_server.cabinets.service import change, move_state
from protocol import mqtt_packets as mqtt
from protocol.identity import SERVER_USER, shard_of
from protocol.topics import AllKind, DownKind, UpKind, broadcast, cabinet_subscriptions, down, up
from simulators.waiting import wait_until
from tests.brokers.place import Place
from tests.brokers.wire import CLEAN_SESSION, RETAIN_WILL, WAIT_SECONDS, Wire
from tests.registry import enrol_a_cabinet


def says(place: Place, name: str, payload: bytes) -> None:
    """One allowed message of a cabinet, over a connection of its own."""
    with place.cabinet(name) as wire:
        wire.publish(up("fleet", name, UpKind.JOURNAL), payload, 1)
        assert wire.is_acknowledged()


def tries(wire: Wire, topic: str, qos: int, *, retain: bool = False) -> None:
    """Publish something forbidden; a broker may end the connection for it."""
    with contextlib.suppress(OSError):
        wire.publish(topic, b"forged", qos, retain=retain)
        wire.is_alive()


@pytest.mark.parametrize("qos", [0, 1])
def test_p20_what_a_cabinet_publishes_as_another_is_not_delivered(place: Place, qos: int) -> None:
    thief, owner = place.new_name(), place.new_name()
    with place.listener() as server, place.cabinet(thief) as wire:
        tries(wire, up("fleet", owner, UpKind.JOURNAL), qos)
        says(place, owner, b"true")
        assert server.hears().payload == b"true"
        assert server.heard() == []


def test_p20_a_cabinet_gives_no_orders(place: Place) -> None:
    thief, victim = place.new_name(), place.new_name()
    with place.cabinet(victim) as ear, place.listener() as server:
        for one in cabinet_subscriptions("fleet", victim):
            assert ear.subscribes(one)
        forged = (down("fleet", victim, DownKind.COMMAND), broadcast("fleet", AllKind.RULES))
        for topic in (*forged, down("fleet", thief, DownKind.COMMAND)):
            with place.cabinet(thief) as wire:
                tries(wire, topic, 1)
        server.publish(down("fleet", victim, DownKind.RECEIPT), b"true")
        assert ear.hears().payload == b"true"
        assert ear.heard() == []


@pytest.mark.parametrize(
    "topic",
    [
        "#",
        "fleet/#",
        "+/+/+/+/+/+",
        "fleet/v1/+/down/+/+",
        "fleet/v1/all/#",
        "$SYS/#",
        "$MQTT/sub/#",
        "$share/g/fleet/v1/+/up/+/+",
        "fleet/v1/+/up/+/+",
    ],
)
def test_p20_a_filter_past_its_own_topics_delivers_nothing(place: Place, topic: str) -> None:
    owner, other = place.new_names(2)
    ear = place.cabinet(owner)
    with ear, place.listener() as server:
        with contextlib.suppress(OSError):
            ear.subscribes(topic)
        if not ear.is_alive():
            ear.leave()
            ear = place.cabinet(owner)
        assert ear.subscribes(cabinet_subscriptions("fleet", owner)[0])
        server.publish(down("fleet", other, DownKind.COMMAND), b"for another")
        says(place, other, b"up")
        assert server.hears().payload == b"up"
        server.publish(down("fleet", owner, DownKind.RECEIPT), b"mine")
        heard = [ear.hears()]
        assert {(one.topic, one.payload) for one in [*heard, *ear.heard()]} == {
            (down("fleet", owner, DownKind.RECEIPT), b"mine")
        }


def test_p20_a_cabinet_hears_nothing_meant_for_another(place: Place) -> None:
    owner, other = place.new_names(2)
    with place.listener() as server, place.cabinet(owner) as ear:
        for topic in (
            down("fleet", other, DownKind.COMMAND),
            cabinet_subscriptions("fleet", other)[0],
            up("fleet", other, UpKind.JOURNAL),
        ):
            ear.subscribes(topic)
        assert ear.subscribes(cabinet_subscriptions("fleet", owner)[1])
        server.publish(down("fleet", other, DownKind.COMMAND), b"for another")
        server.publish(broadcast("fleet", AllKind.RULES), b"for all")
        assert ear.hears().payload == b"for all"
        assert ear.heard() == []


def test_p00_a_cabinet_hears_every_kind_of_its_own_and_of_the_broadcasts(place: Place) -> None:
    owner = place.new_name()
    with place.listener() as server, place.cabinet(owner) as ear:
        for one in cabinet_subscriptions("fleet", owner):
            assert ear.subscribes(one)
        topics = [down("fleet", owner, kind) for kind in DownKind]
        topics += [broadcast("fleet", kind) for kind in AllKind]
        for topic in topics:
            server.publish(topic, b"x", 1)
        assert sorted(ear.hears().topic for _ in topics) == sorted(topics)


@pytest.mark.parametrize(
    ("user", "password"),
    [("{}", "wrong"), ("{}", ""), ("K999", "any"), (SERVER_USER, "wrong"), ("", "")],
    ids=["wrong", "none", "unknown", "false server", "nobody"],
)
def test_p20_nobody_enters_without_its_credential(place: Place, user: str, password: str) -> None:
    name = place.known_name()
    with place.wire() as wire:
        assert not wire.connects(user.format(name), password, client_id=name)


def test_p20_a_cabinet_does_not_enter_where_the_server_does(place: Place) -> None:
    """Mosquitto's second listener takes client ids as they are: it knows the server alone."""
    name = place.new_name()
    with place.cabinet(name) as owner, place.wire(place.server_port) as wire:
        let_in = wire.connects(name, place.credentials[name], place.new_name())
        assert let_in is False or place.host.url == place.host.server_url
        assert owner.is_alive()


def test_p20_a_will_as_another_is_not_delivered(place: Place) -> None:
    thief, owner = place.new_names(2)
    forged = [
        up("fleet", owner, UpKind.PRESENCE),
        broadcast("fleet", AllKind.RULES),
        down("fleet", owner, DownKind.COMMAND),
    ]
    everything = ("fleet/v1/+/up/+/+",)
    with place.listener(*everything) as server, place.cabinet(owner) as ear:
        for one in cabinet_subscriptions("fleet", owner):
            assert ear.subscribes(one)
        for topic in forged:
            with place.wire() as wire:
                wire.connects(thief, place.credentials[thief], will=mqtt.Will(topic, b"forged"))
                wire.break_off()
        true = mqtt.Will(up("fleet", thief, UpKind.PRESENCE), b"gone")
        place.cabinet(thief, true).break_off()
        assert server.hears().payload == b"gone"
        server.publish(broadcast("fleet", AllKind.SERVER), b"true")
        assert ear.hears().payload == b"true"
        assert server.heard() == []
        assert ear.heard() == []


@pytest.mark.parametrize("way", ["message", "will"])
def test_p00_nothing_a_cabinet_asks_to_retain_reaches_a_late_server(place: Place, way: str) -> None:
    """A broker may deliver it flagged as retained: the server lets such a message lie."""
    name = place.new_name()
    topic = up("fleet", name, UpKind.PRESENCE)
    with place.wire() as wire, contextlib.suppress(OSError):
        will = mqtt.Will(topic, b"kept") if way == "will" else None
        if wire.connects(
            name, place.credentials[name], will=will, flags=RETAIN_WILL if will else 0
        ):
            if way == "message":
                wire.publish(topic, b"kept", 1, retain=True)
                wire.is_alive()
            wire.break_off()
    with place.listener(indifferent=False) as late:
        says(place, name, b"fresh")
        while (heard := late.hears()).payload != b"fresh":
            assert heard.retain


def test_p00_nothing_is_retained_for_a_late_cabinet(place: Place) -> None:
    name = place.new_name()
    topic = broadcast("fleet", AllKind.SERVER)
    with place.listener() as server, place.cabinet(name) as ear:
        server.publish(topic, b"passing", 1)
        assert server.is_acknowledged()
        assert ear.subscribes(cabinet_subscriptions("fleet", name)[1])
        server.publish(topic, b"fresh", 1)
        assert ear.hears().payload == b"fresh"


def test_p00_a_session_that_ended_leaves_nothing_behind(place: Place) -> None:
    name = place.new_name()
    receipt = down("fleet", name, DownKind.RECEIPT)
    with place.cabinet(name) as before:
        assert before.subscribes(cabinet_subscriptions("fleet", name)[0])
    with place.listener() as server:
        server.publish(receipt, b"while away", 1)
        assert server.is_acknowledged()
        with place.cabinet(name) as after:
            assert after.subscribes(cabinet_subscriptions("fleet", name)[0])
            server.publish(receipt, b"fresh", 1)
            assert after.hears().payload == b"fresh"
            assert after.heard() == []


def test_p20_a_stranger_with_its_client_id_does_not_disturb_a_cabinet(place: Place) -> None:
    name = place.new_name()
    with place.listener() as server, place.cabinet(name) as owner:
        assert owner.subscribes(cabinet_subscriptions("fleet", name)[0])
        for password in ("wrong", ""):
            with place.wire() as stranger:
                assert not stranger.connects(name, password)
        server.publish(down("fleet", name, DownKind.RECEIPT), b"still there")
        assert owner.hears().payload == b"still there"


def test_p20_a_neighbour_under_its_client_id_hears_and_says_nothing_in_its_name(
    place: Place,
) -> None:
    owner, neighbour = place.new_names(2)
    with place.listener() as server:
        with place.wire() as thief:
            if thief.connects(neighbour, place.credentials[neighbour], client_id=owner):
                thief.subscribes(cabinet_subscriptions("fleet", owner)[0])
                server.publish(down("fleet", owner, DownKind.COMMAND), b"not for a thief")
                tries(thief, up("fleet", owner, UpKind.JOURNAL), 0)
                if thief.is_alive():
                    assert thief.subscribes(cabinet_subscriptions("fleet", neighbour)[0])
                    server.publish(down("fleet", neighbour, DownKind.RECEIPT), b"its own")
                    assert thief.hears().payload == b"its own"
                assert thief.heard() == []
        says(place, owner, b"true")
        assert server.hears().payload == b"true"


def test_p20_a_message_with_a_wrong_shard_changes_nothing(place: Place) -> None:
    cabinet = place.speaking()
    cabinet.birth()
    cabinet.record("door.opened", {"door": "1", "cause": "sale"})
    batch = cabinet.inbound(UpKind.JOURNAL, cabinet.batch(1, 1))
    wrong = f"{(shard_of(cabinet.cabinet_id) + 1) % 64:02d}"
    parts = batch.topic.split("/")
    with place.cabinet(cabinet.cabinet_id) as wire:
        tries(wire, "/".join([*parts[:2], wrong, *parts[3:]]), 1)
    cabinet.connect()
    receipt = cabinet.birth()
    assert receipt is not None
    assert receipt.journal is None or receipt.journal.committed == 0


def test_p00_a_session_that_is_not_clean_is_refused_or_forgotten(place: Place) -> None:
    name = place.new_name()
    with place.wire() as wire, contextlib.suppress(OSError):
        if wire.connects(name, place.credentials[name], flags=CLEAN_SESSION):
            wire.subscribes(cabinet_subscriptions("fleet", name)[0])
    receipt = down("fleet", name, DownKind.RECEIPT)
    with place.listener() as server:
        server.publish(receipt, b"while away", 1)
        assert server.is_acknowledged()
        with place.cabinet(name) as clean:
            assert clean.subscribes(cabinet_subscriptions("fleet", name)[0])
            server.publish(receipt, b"fresh", 1)
            assert clean.hears().payload == b"fresh"


def test_p19_a_credential_that_ended_enters_no_more_and_its_connection_ends(place: Place) -> None:
    name = place.new_name()
    with place.cabinet(name):
        with place.server.transactions.write("system:test") as tx:
            move_state(tx, name, "retired", "sold")
        place.host.refresh()

        def is_out() -> bool:
            with place.wire() as again:
                return not again.connects(name, place.credentials[name])

        wait_until("the credential ended", is_out, WAIT_SECONDS)


def test_p19_a_cabinet_that_joins_again_enters_with_its_new_credential_alone(place: Place) -> None:
    name = place.new_name()
    former = place.credentials[name]
    with place.server.transactions.write("system:test") as tx:
        change(tx, place.server.signing, name, "board swapped", approve_reenrolment=True)
    place.credentials[name] = enrol_a_cabinet(place.server, name)
    place.host.refresh()

    def enters(credential: str) -> bool:
        with place.wire() as wire:
            return wire.connects(name, credential)

    wait_until("the new credential is known", lambda: enters(place.credentials[name]), WAIT_SECONDS)
    assert not enters(former)
