"""What each broker does that another does not: every row of docs/brokers.md, shown on the broker.

A test here that fails is news, good or bad: the broker changed. Mend the row, then what we do
about it.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from fleet_server.cabinets.models import CabinetPresence
from protocol import mqtt_packets as mqtt
from protocol.identity import SERVER_USER
from protocol.presence import PresenceCause, PresenceState
from protocol.topics import AllKind, UpKind, broadcast, cabinet_subscriptions, up
from protocol.wire import encode
from simulators.hosts.mosquitto_host import EXECUTABLE as MOSQUITTO
from simulators.hosts.mosquitto_host import MosquittoHost
from simulators.hosts.nats_host import executable as nats
from simulators.waiting import wait_until
from tests.brokers.place import Place
from tests.brokers.plain_amqtt import PlainAmqttHost
from tests.brokers.wire import RETAIN_WILL, WAIT_SECONDS

NOT_WITHIN_SECONDS = 0.5
"""How long something is given that must not come; what comes, comes within milliseconds."""
SHIPPED = {"max_inflight_messages": "20", "max_queued_messages": "1000", "max_queued_bytes": "0"}
MESSAGES = 3_000
HEARTBEAT = (Path(__file__).parents[1] / "golden/up.heartbeat.json").read_bytes()

on_amqtt = pytest.mark.parametrize("place", ["amqtt"], indirect=True)
on_mosquitto = pytest.mark.parametrize("place", ["mosquitto"], indirect=True)
on_nats = pytest.mark.parametrize("place", ["nats"], indirect=True)


def journal(name: str) -> str:
    return up("fleet", name, UpKind.JOURNAL)


def will(name: str, payload: bytes = b"gone") -> mqtt.Will:
    return mqtt.Will(up("fleet", name, UpKind.PRESENCE), payload)


def fill(place: Place) -> None:
    """Three cabinets that say a thousand things each; the last acknowledgement came."""
    for name in place.new_names(3):
        with place.cabinet(name) as wire:
            for _ in range(MESSAGES // 3):
                wire.publish(up("fleet", name, UpKind.HEARTBEAT), HEARTBEAT, 1)
            assert wire.is_acknowledged()


def delivered_after_a_pause(place: Place) -> int:
    """How much a server hears that subscribed, paused, and reads on."""
    with place.listener("fleet/v1/+/up/+/heartbeat") as server:
        fill(place)
        heard = 0
        while server.hears_within("heartbeat", NOT_WITHIN_SECONDS):
            heard += 1
    return heard


# All three.


def test_a_forbidden_message_of_qos_1_is_acknowledged_and_dropped(place: Place) -> None:
    """So an acknowledgement says nothing: only a receipt does (P-4)."""
    thief, owner = place.new_names(2)
    with place.listener() as server, place.cabinet(thief) as wire:
        wire.publish(journal(owner), b"forged", 1)
        assert wire.is_acknowledged()
        assert not server.hears_within("journal", NOT_WITHIN_SECONDS)


def test_p02_a_server_that_paused_misses_nothing_with_our_limits(place: Place) -> None:
    assert delivered_after_a_pause(place) == MESSAGES


# amqtt 0.12


@on_amqtt
def test_amqtt_publishes_no_will_after_a_broken_packet(place: Place) -> None:
    name = place.new_name()
    with place.listener() as server:
        wire = place.cabinet(name, will(name))
        wire.send_bytes(b"\xff" * 6)
        assert not server.hears_within("presence", NOT_WITHIN_SECONDS)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Plain amqtt with our access rules and without what `broker/service.py` mends."""
    made = Place(PlainAmqttHost, tmp_path_factory.mktemp("plain"), cabinets=6)
    made.open()
    yield made
    made.close()


def test_amqtt_alone_gives_a_session_up_to_a_stranger_who_knows_its_id(plain: Place) -> None:
    """`FleetBroker` asks who is there first (ADR 0005)."""
    name = plain.new_name()
    own = cabinet_subscriptions("fleet", name)[0]
    with plain.listener() as server, plain.cabinet(name) as owner:
        assert owner.subscribes(own)
        with plain.wire() as stranger:
            assert not stranger.connects(name, "wrong")
        server.publish(f"{own[:-1]}receipt", b"for the owner", 1)
        assert not owner.hears_within("receipt", NOT_WITHIN_SECONDS)


def test_amqtt_alone_forgets_what_was_said_just_before_the_end(plain: Place) -> None:
    """Acknowledged, and dropped with the session; `FleetBroker._handle_disconnect` hands it on."""
    assert delivered_after_a_pause(plain) < MESSAGES


def test_amqtt_alone_retains(plain: Place) -> None:
    """`FleetBroker.retain_message` does nothing."""
    name = plain.new_name()
    topic = broadcast("fleet", AllKind.RULES)
    with plain.listener() as server, plain.cabinet(name) as late:
        server.publish(topic, b"kept", 1, retain=True)
        assert server.is_acknowledged()
        assert late.subscribes(cabinet_subscriptions("fleet", name)[1])
        assert late.hears_on("rules").payload == b"kept"


def test_amqtt_alone_takes_any_length(plain: Place) -> None:
    """`_BoundedReader` ends the connection past the longest of ours."""
    name = plain.new_name()
    with plain.cabinet(name) as wire:
        wire.publish(journal(name), bytes(2 * 1024 * 1024), 1)
        assert wire.is_acknowledged()


# Mosquitto 2.0


@on_mosquitto
@pytest.mark.parametrize("topic", ["#", "$SYS/#", "$share/g/fleet/v1/+/up/+/+"])
def test_mosquitto_says_yes_to_every_subscription(place: Place, topic: str) -> None:
    """Access is asked at delivery; what was subscribed tells nothing."""
    owner, other = place.new_names(2)
    with place.cabinet(owner) as wire, place.cabinet(other) as speaker:
        assert wire.subscribes(topic)
        speaker.publish(journal(other), b"x", 1)
        assert speaker.is_acknowledged()
        assert not wire.hears_within("journal", NOT_WITHIN_SECONDS)


@on_mosquitto
def test_mosquitto_ends_the_connection_of_who_asks_to_retain(place: Place) -> None:
    """MQTT 3.1.1 has no way to say no; no agent of ours asks."""
    asking, willing = place.new_names(2)
    with place.cabinet(asking) as wire:
        wire.publish(journal(asking), b"x", 1, retain=True)
        assert wire.ends()
    with place.wire() as wire:
        credential = place.credentials[willing]
        assert not wire.connects(willing, credential, will=will(willing), flags=RETAIN_WILL)


@on_mosquitto
def test_mosquitto_lets_a_foreign_will_in_and_drops_it(place: Place) -> None:
    thief, owner = place.new_names(2)
    with place.listener() as server:
        place.cabinet(thief, will(owner)).break_off()
        assert not server.hears_within("presence", NOT_WITHIN_SECONDS)


@on_mosquitto
def test_mosquitto_takes_the_user_for_the_client_id_where_cabinets_connect(place: Place) -> None:
    """So a thief of an id disturbs nobody, and several server processes need another listener."""
    owner, thief = place.new_names(2)
    with place.cabinet(owner) as standing, place.cabinet(thief) as itself:
        with place.wire() as wire:
            assert wire.connects(thief, place.credentials[thief], client_id=owner)
            assert itself.ends()
        assert standing.is_alive()
    with place.listener() as one, place.listener() as another:
        assert one.is_alive()
        assert another.is_alive()


class ShippedMosquitto(MosquittoHost):
    """Mosquitto with our access and the limits it ships."""

    def launch(self) -> None:
        self._writer.write()
        path = self.folder / "mosquitto.conf"
        text = path.read_text()
        for name, value in SHIPPED.items():
            text = re.sub(rf"(?m)^{name} .*$", f"{name} {value}", text)
        path.write_text(text)
        self.process.start()


def test_mosquitto_with_the_limits_it_ships_loses_without_a_word(tmp_path: Path) -> None:
    """20 in flight and 1,000 queued: the rest was acknowledged to its sender and is gone."""
    made = Place(ShippedMosquitto, tmp_path, cabinets=3)
    made.open()
    try:
        assert delivered_after_a_pause(made) < MESSAGES
    finally:
        made.hang_up()
        made.close()


def test_mosquitto_ends_a_user_name_at_its_colon(tmp_path: Path) -> None:
    """So the server's user has none."""
    password_file = tmp_path / "users"
    password_file.touch()
    done = subprocess.run(
        ["mosquitto_passwd", "-b", str(password_file), "fleet:server", "x"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert ":" not in SERVER_USER


# NATS 2.15


@on_nats
def test_nats_ends_the_connection_of_whose_client_id_is_stolen(place: Place) -> None:
    """The thief needs a credential of the fleet and gets nothing but the quarrel."""
    owner, thief = place.new_names(2)
    with place.cabinet(owner) as standing, place.wire() as wire:
        assert wire.connects(thief, place.credentials[thief], client_id=owner)
        assert standing.ends()
        with place.listener() as server:
            wire.publish(journal(owner), b"forged", 1)
            assert not server.hears_within("journal", NOT_WITHIN_SECONDS)


@on_nats
def test_nats_keeps_quarrelling_sessions_out_for_a_moment(place: Place) -> None:
    """A cabinet tries again, as it does after any loss."""
    name = place.new_name()
    place.cabinet(name)
    place.cabinet(name)
    with place.wire() as third:
        assert not third.connects(name, place.credentials[name])
    assert place.cabinet(name).is_alive()


@on_nats
def test_nats_publishes_no_will_of_a_session_that_was_taken_over(place: Place) -> None:
    """The birth of the newer session says it all (P-9)."""
    name = place.new_name()
    with place.listener() as server:
        place.cabinet(name, will(name))
        place.cabinet(name)
        assert not server.hears_within("presence", NOT_WITHIN_SECONDS)


@on_nats
def test_p00_what_nats_retains_is_flagged_and_the_server_lets_it_lie(place: Place) -> None:
    cabinet = place.speaking()
    cabinet.birth()
    topic = up("fleet", cabinet.cabinet_id, UpKind.PRESENCE)
    death = encode(cabinet.presence(PresenceState.OFFLINE, PresenceCause.WILL))
    cabinet.wire.publish(topic, death, 1, retain=True)

    def is_online() -> bool:
        with place.server.transactions.read() as tx:
            found = select(CabinetPresence.online)
            one = found.where(CabinetPresence.cabinet_id == cabinet.cabinet_id)
            return bool(tx.session.scalar(one))

    wait_until("the death arrived once", lambda: not is_online(), WAIT_SECONDS)
    cabinet.session -= 1
    cabinet.birth()
    assert is_online()
    with place.listener(indifferent=False) as late:
        assert late.hears_on("presence").retain
    place.server_wire(f"{SERVER_USER}:{place.server.epoch[-12:]}").leave()
    cabinet.wire.hears_on("server")
    cabinet.tell("door.opened", {"door": "1", "cause": "sale"})
    assert is_online()


@on_nats
def test_nats_bounds_the_messages_in_flight_over_all_subscriptions_of_a_session(
    place: Place,
) -> None:
    """65,535: a server that owns 64 shards one by one has room for 1,000 on each."""
    with place.server_wire(f"{SERVER_USER}:shards") as server:
        assert all(server.subscribes(f"fleet/v1/{shard:02d}/up/+/+") for shard in range(64))
        assert server.subscribes("fleet/v1/64/up/+/+")
        assert not server.subscribes("fleet/v1/65/up/+/+")


@on_nats
def test_nats_takes_no_dot_in_a_client_id(place: Place) -> None:
    name = place.new_name()
    with place.wire() as wire:
        assert not wire.connects(name, place.credentials[name], client_id="a.b")
    assert "." not in SERVER_USER


def test_the_document_names_the_versions_these_rows_were_seen_on() -> None:
    """Another version may do otherwise: look at the rows, then write it there."""
    document = (Path(__file__).parents[2] / "docs/brokers.md").read_text()
    for command in ([MOSQUITTO, "-h"], [nats(), "--version"]):
        shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        version = re.search(r"\d+\.\d+", shown)
        assert version is not None
        assert version[0] in document
