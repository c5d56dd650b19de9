"""P-0, P-20 over the real embedded broker: what counts is what is delivered.

Each test sends what is forbidden first and something allowed after it: when the allowed message
arrives alone, the forbidden one was dropped and did not merely come late.
"""

import pytest

from fleet_server.broker.service import broker_secret
from fleet_server.cabinets.service import move_state
from protocol.identity import SERVER_USER
from protocol.topics import AllKind, DownKind, UpKind, broadcast, cabinet_subscriptions, down, up
from tests.fleet_server.broker.conftest import Fleet
from tests.fleet_server.broker.real_broker import WAIT_SECONDS, Client

ALL_UP = "fleet/v1/+/up/+/+"
OWN = up("fleet", "C1", UpKind.JOURNAL)
OTHERS = up("fleet", "C2", UpKind.JOURNAL)


def cabinet(fleet: Fleet, name: str, will: tuple[str, bytes] | None = None) -> Client:
    return Client(fleet.broker, name, fleet.credentials[name], will=will)


def listening_server(fleet: Fleet, name: str = "listener") -> Client:
    secret = broker_secret(fleet.broker.settings.data_dir)
    client = Client(fleet.broker, SERVER_USER, secret, f"{SERVER_USER}:{name}").must_connect()
    assert client.subscribes(ALL_UP)
    return client


def test_p20_what_a_cabinet_publishes_as_itself_is_delivered_to_the_server(fleet: Fleet) -> None:
    with listening_server(fleet) as server, cabinet(fleet, "C1").must_connect() as c1:
        c1.publish(OWN, b"mine")
        assert server.hears() == (OWN, b"mine")


def test_p20_what_a_cabinet_publishes_as_another_is_not_delivered(fleet: Fleet) -> None:
    with listening_server(fleet) as server, cabinet(fleet, "C1").must_connect() as c1:
        c1.publish(OTHERS, b"forged")
        with cabinet(fleet, "C1").must_connect() as again:
            again.publish(OWN, b"mine")
            assert server.hears() == (OWN, b"mine")
        assert server.received.empty()


def test_p20_a_cabinet_gives_no_orders(fleet: Fleet) -> None:
    with cabinet(fleet, "C2").must_connect() as c2, cabinet(fleet, "C1").must_connect() as c1:
        for one in cabinet_subscriptions("fleet", "C2"):
            assert c2.subscribes(one)
        c1.publish(down("fleet", "C2", DownKind.COMMAND), b"forged")
        c1.publish(broadcast("fleet", AllKind.RULES), b"forged")
        with listening_server(fleet) as server:
            server.publish(down("fleet", "C2", DownKind.RECEIPT), b"true")
            assert c2.hears() == (down("fleet", "C2", DownKind.RECEIPT), b"true")
        assert c2.received.empty()


@pytest.mark.parametrize(
    "topic", ["#", "fleet/#", "+/+/+/+/+/+", "fleet/v1/+/down/+/+", "fleet/v1/all/#", "$SYS/#"]
)
def test_p20_a_wildcard_past_its_own_topics_delivers_nothing(fleet: Fleet, topic: str) -> None:
    with listening_server(fleet) as server, cabinet(fleet, "C1").must_connect() as c1:
        assert not c1.subscribes(topic)
        assert c1.subscribes(cabinet_subscriptions("fleet", "C1")[0])
        server.publish(down("fleet", "C2", DownKind.COMMAND), b"not for C1")
        server.publish(down("fleet", "C1", DownKind.RECEIPT), b"for C1")
        assert c1.hears() == (down("fleet", "C1", DownKind.RECEIPT), b"for C1")
        assert c1.received.empty()


@pytest.mark.parametrize(
    "topic", [down("fleet", "C2", DownKind.COMMAND), cabinet_subscriptions("fleet", "C2")[0], OWN]
)
def test_p20_a_cabinet_hears_nothing_meant_for_another(fleet: Fleet, topic: str) -> None:
    with listening_server(fleet) as server, cabinet(fleet, "C1").must_connect() as c1:
        c1.subscribes(topic)
        assert c1.subscribes(cabinet_subscriptions("fleet", "C1")[1])
        server.publish(down("fleet", "C2", DownKind.COMMAND), b"for C2")
        server.publish(broadcast("fleet", AllKind.RULES), b"for all")
        assert c1.hears() == (broadcast("fleet", AllKind.RULES), b"for all")
        assert c1.received.empty()


def test_p00_a_cabinet_hears_its_own_topics_and_the_broadcasts(fleet: Fleet) -> None:
    with listening_server(fleet) as server, cabinet(fleet, "C1").must_connect() as c1:
        for one in cabinet_subscriptions("fleet", "C1"):
            assert c1.subscribes(one)
        topics = [down("fleet", "C1", kind) for kind in DownKind]
        topics += [broadcast("fleet", kind) for kind in AllKind]
        for topic in topics:
            server.publish(topic, b"x")
        assert sorted(c1.hears()[0] for _ in topics) == sorted(topics)


@pytest.mark.parametrize(
    ("user", "password", "client_id"),
    [
        (None, None, "C1"),
        ("C1", "wrong", "C1"),
        ("C1", None, "C1"),
        ("C9", "any", "C9"),
        (SERVER_USER, "wrong", "server"),
        ("", "", "C1"),
    ],
    ids=["anonymous", "wrong password", "no password", "unknown", "false server", "empty"],
)
def test_p20_nobody_enters_without_its_credential(
    fleet: Fleet, user: str | None, password: str | None, client_id: str
) -> None:
    with Client(fleet.broker, user, password, client_id) as client:
        assert not client.connects()


def test_p20_a_cabinet_enters_only_under_its_own_client_id(fleet: Fleet) -> None:
    with Client(fleet.broker, "C1", fleet.credentials["C1"], "C2") as client:
        assert not client.connects()


def test_p20_a_will_as_another_is_refused(fleet: Fleet) -> None:
    for topic in (up("fleet", "C2", UpKind.PRESENCE), broadcast("fleet", AllKind.RULES), "x"):
        with cabinet(fleet, "C1", will=(topic, b"forged")) as c1:
            assert not c1.connects()


def test_p09_the_will_of_a_cabinet_that_breaks_off_is_delivered(fleet: Fleet) -> None:
    topic = up("fleet", "C1", UpKind.PRESENCE)
    with listening_server(fleet) as server:
        cabinet(fleet, "C1", will=(topic, b"gone")).must_connect().break_off()
        assert server.hears() == (topic, b"gone")


def test_p00_nothing_is_retained_for_a_late_subscriber(fleet: Fleet) -> None:
    topic = broadcast("fleet", AllKind.RULES)
    with listening_server(fleet) as server, cabinet(fleet, "C3").must_connect() as c3:
        c3.publish(up("fleet", "C3", UpKind.PRESENCE), b"retained", retain=True)
        assert server.hears()[1] == b"retained"
        with cabinet(fleet, "C2").must_connect() as witness:
            assert witness.subscribes(cabinet_subscriptions("fleet", "C2")[1])
            server.publish(topic, b"retained", retain=True)
            assert witness.hears() == (topic, b"retained")
        with listening_server(fleet, "late") as late, cabinet(fleet, "C1").must_connect() as c1:
            assert c1.subscribes(cabinet_subscriptions("fleet", "C1")[1])
            server.publish(topic, b"fresh")
            assert c1.hears() == (topic, b"fresh")
            c3.publish(up("fleet", "C3", UpKind.PRESENCE), b"fresh")
            assert late.hears()[1] == b"fresh"
            assert c1.received.empty()
            assert late.received.empty()


def test_p00_a_session_that_ended_leaves_nothing_behind(fleet: Fleet) -> None:
    receipt = down("fleet", "C1", DownKind.RECEIPT)
    with cabinet(fleet, "C1").must_connect() as c1:
        assert c1.subscribes(cabinet_subscriptions("fleet", "C1")[0])
    with listening_server(fleet) as server:
        server.publish(receipt, b"while away")
        with cabinet(fleet, "C1").must_connect() as c1:
            assert c1.subscribes(cabinet_subscriptions("fleet", "C1")[0])
            server.publish(receipt, b"fresh")
            assert c1.hears() == (receipt, b"fresh")
            assert c1.received.empty()


def test_p20_a_stranger_with_its_client_id_does_not_disturb_a_cabinet(fleet: Fleet) -> None:
    receipt = down("fleet", "C2", DownKind.RECEIPT)
    with listening_server(fleet) as server, cabinet(fleet, "C2").must_connect() as c2:
        assert c2.subscribes(cabinet_subscriptions("fleet", "C2")[0])
        for password in ("wrong", None):
            with Client(fleet.broker, "C2", password) as stranger:
                assert not stranger.connects()
        with Client(fleet.broker, "C1", fleet.credentials["C1"], "C2") as neighbour:
            assert not neighbour.connects()
        server.publish(receipt, b"still there")
        assert c2.hears() == (receipt, b"still there")
        c2.publish(up("fleet", "C2", UpKind.JOURNAL), b"still there")
        assert server.hears()[1] == b"still there"
        assert not c2.gone.is_set()


def test_p09_a_cabinet_that_comes_again_takes_over_from_its_old_connection(fleet: Fleet) -> None:
    with cabinet(fleet, "C3").must_connect() as old, cabinet(fleet, "C3").must_connect() as new:
        assert old.gone.wait(WAIT_SECONDS)
        with listening_server(fleet) as server:
            new.publish(up("fleet", "C3", UpKind.JOURNAL), b"new")
            assert server.hears()[1] == b"new"


def test_p19_an_old_credential_enters_no_more(fleet: Fleet) -> None:
    fleet.add("C4")
    with fleet.server.transactions.write("system:test") as tx:
        move_state(tx, "C4", "retired", "sold")
    with cabinet(fleet, "C4") as c4:
        assert not c4.connects()
