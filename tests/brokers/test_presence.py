"""P-5, P-9, P-10, P-17 over every broker: who is there, who is gone, who only seems to be."""

from sqlalchemy import select

from fleet_server.cabinets.models import CabinetPresence
from fleet_server.faults.models import Fault
from protocol import mqtt_packets as mqtt
from protocol.identity import SERVER_USER
from protocol.intervals import DEAF_AFTER_RECONNECT_SECONDS, PRESENCE, Uplink
from protocol.presence import ServerState
from protocol.topics import UpKind, cabinet_subscriptions, up
from protocol.wire import decode
from simulators.waiting import wait_until
from tests.brokers.place import SKIP_SECONDS, Place, WireCabinet
from tests.brokers.wire import WAIT_SECONDS

DOOR = {"door": "1", "cause": "sale"}
SILENT_SECONDS = PRESENCE[Uplink.WIRED].silent_after_seconds
SKIPS_MAX = 12
"""Skips until silence is found: deaf time and silence need 4; a link that broke starts again."""


def presence(cabinet: WireCabinet) -> CabinetPresence:
    with cabinet.server.transactions.read() as tx:
        return tx.session.get_one(CabinetPresence, cabinet.cabinet_id)


def wait_offline(cabinet: WireCabinet) -> None:
    wait_until("the cabinet is offline", lambda: not presence(cabinet).online, WAIT_SECONDS)


def test_p17_a_birth_is_answered_by_a_receipt_that_names_the_newest_rules(place: Place) -> None:
    cabinet = place.speaking()
    receipt = cabinet.birth()
    assert receipt is not None
    assert receipt.server_epoch == place.server.epoch
    assert receipt.rules_version >= 1
    assert presence(cabinet).online


def test_p09_a_will_makes_a_lost_cabinet_offline_at_once(place: Place) -> None:
    cabinet = place.speaking()
    cabinet.birth()
    cabinet.wire.break_off()
    wait_offline(cabinet)


def test_p09_a_clean_end_publishes_no_will(place: Place) -> None:
    name, other = place.new_names(2)
    topic = up("fleet", name, UpKind.PRESENCE)
    with place.listener() as server:
        place.cabinet(name, mqtt.Will(topic, b"gone")).leave()
        place.cabinet(other, mqtt.Will(up("fleet", other, UpKind.PRESENCE), b"lost")).break_off()
        assert server.hears().payload == b"lost"
        assert server.heard() == []


def test_p09_the_death_of_an_older_session_is_ignored(place: Place) -> None:
    """Two sessions of one id: the newer one takes over, and the will of the older comes late."""
    cabinet = place.speaking()
    cabinet.birth()
    older = cabinet.wire
    cabinet.connect()
    assert older.ends()
    cabinet.birth()
    cabinet.die(session=1)
    cabinet.tell("door.opened", DOOR)
    now = presence(cabinet)
    assert (now.online, now.session) == (True, 2)


def test_p09_of_two_sessions_the_newer_hears_and_the_older_is_gone(place: Place) -> None:
    name = place.new_name()
    own = cabinet_subscriptions("fleet", name)[0]
    older = place.cabinet(name)
    assert older.subscribes(own)
    newer = place.cabinet(name)
    assert newer.subscribes(own)
    assert older.ends()
    with place.listener() as server:
        server.publish(f"{own[:-1]}receipt", b"once", 1)
        assert newer.hears().payload == b"once"
        assert newer.is_alive()
        assert newer.heard() == []


def test_p05_two_twins_with_one_credential_are_told(place: Place) -> None:
    twin = place.speaking()
    for boot in ("boot-1", "boot-2", "boot-1", "boot-2"):
        twin.boot = boot
        twin.connect()
        twin.birth()
    with place.server.transactions.read() as tx:
        found = select(Fault.code).where(Fault.cabinet_id == twin.cabinet_id)
        assert "CABINET_CLONED" in set(tx.session.scalars(found))


def test_p10_silence_is_found_without_a_will_and_who_speaks_stays_online(place: Place) -> None:
    """Its connection stands and its broker knows no will: only our own timer finds it."""
    silent = WireCabinet(place.server, place.new_name(), place=place)
    silent.connect(wills=False)
    silent.birth()
    speaking = place.speaking()
    speaking.birth()
    for _ in range(SKIPS_MAX):
        place.skip(SKIP_SECONDS)
        speaking.beat()
        # Answered: the heartbeat before it was heard.
        speaking.tell("door.opened", DOOR)
        if not presence(silent).online:
            break
    assert not presence(silent).online
    assert presence(speaking).online
    assert silent.wire.is_alive()


def test_p10_while_the_broker_is_away_nobody_is_silent_and_its_wills_die_with_it(
    place: Place,
) -> None:
    """So silence is for our own timer to find."""
    other = place.new_name()
    place.cabinet(other, mqtt.Will(up("fleet", other, UpKind.PRESENCE), b"gone"))
    cabinet = WireCabinet(place.server, place.new_name(), place=place)
    cabinet.connect(wills=False)
    cabinet.birth()
    place.host.kill()
    link = place.server.link
    wait_until("the server noticed", lambda: not link.ready.is_set(), WAIT_SECONDS)
    place.clock.ahead_seconds += SILENT_SECONDS + DEAF_AFTER_RECONNECT_SECONDS
    place.host.start()
    listener = place.listener()
    place.wait_connected_again()
    place.server.sweep()
    assert presence(cabinet).online
    cabinet.connect()
    cabinet.birth()
    assert presence(cabinet).online
    assert b"gone" not in [one.payload for one in listener.heard()]


def test_p10_a_server_that_was_cut_off_asks_for_births_once_it_is_back(place: Place) -> None:
    name = place.new_name()
    with place.cabinet(name) as ear:
        assert ear.subscribes(cabinet_subscriptions("fleet", name)[1])
        # Its own client id, taken by another connection: the broker ends the server's.
        place.server_wire(f"{SERVER_USER}:{place.server.epoch[-12:]}").leave()
        greeting = decode(ear.hears_on("server").payload, ServerState)
        assert greeting.server_epoch == place.server.epoch
    place.wait_connected_again()
