"""P-19, P-20: what `broker-config` writes, without a broker; tests/brokers runs real ones on it."""

import hashlib
import json
import re
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import bcrypt
import pytest

from fleet_server.app import FleetServer
from fleet_server.broker.configuration import (
    BrokerKind,
    ConfigurationWriter,
    configuration_writer,
    reload_broker,
    watch_credentials,
)
from fleet_server.broker.nats import NatsNode
from fleet_server.broker.queries import CabinetLogin, cabinet_logins, credential_mark
from fleet_server.cabinets.credentials import mosquitto_form, nats_form
from fleet_server.cabinets.models import Cabinet
from fleet_server.cabinets.service import change, move_state
from protocol.identity import SERVER_USER
from tests.registry import add_a_cabinet, add_a_site, enrol_a_cabinet

SECRET = "s" * 43


@pytest.fixture
def joined(server: FleetServer) -> str:
    """Credential of C1; C2 is registered only."""
    site = add_a_site(server)
    add_a_cabinet(server, site, "C1")
    add_a_cabinet(server, site, "C2")
    return enrol_a_cabinet(server, "C1")


MakeWriter = Callable[..., ConfigurationWriter]


@pytest.fixture
def writer(server: FleetServer) -> Iterator[MakeWriter]:
    """Make writers on the server's database."""
    made: list[ConfigurationWriter] = []

    def make(kind: BrokerKind, out: Path, node: NatsNode | None = None) -> ConfigurationWriter:
        made.append(configuration_writer(server.settings, kind, out, node or NatsNode()))
        return made[-1]

    yield make
    for one in made:
        one.close()


def users(folder: Path) -> dict[str, dict[str, object]]:
    """Entries of the users' file: each line is JSON."""
    lines = (folder / "users.conf").read_text().splitlines()
    found = [json.loads(line) for line in lines if line.strip().startswith("{")]
    return {one["user"]: one for one in found}


def test_p20_the_form_of_mosquitto_is_pbkdf2_over_the_secret() -> None:
    _, seven, iterations, salt, digest = mosquitto_form(SECRET).split("$")
    assert (seven, len(b64decode(salt))) == ("7", 12)
    expected = hashlib.pbkdf2_hmac("sha512", SECRET.encode(), b64decode(salt), int(iterations))
    assert b64decode(digest) == expected


def test_p20_the_form_of_nats_is_bcrypt_over_the_secret() -> None:
    assert bcrypt.checkpw(SECRET.encode(), nats_form(SECRET).encode())
    assert not bcrypt.checkpw(b"other", nats_form(SECRET).encode())


def test_p19_only_cabinets_that_joined_may_connect(server: FleetServer, joined: str) -> None:
    (login,) = cabinet_logins(server.engine)
    assert login.cabinet_id == "C1"
    assert joined not in f"{login}"


def test_p19_retirement_takes_every_form_away(server: FleetServer, joined: str) -> None:
    assert joined
    with server.transactions.write("system:test") as tx:
        move_state(tx, "C1", "retired", "sold")
    assert cabinet_logins(server.engine) == []
    with server.transactions.read() as tx:
        row = tx.session.get_one(Cabinet, "C1")
        forms = (row.credential_hash, row.credential_mosquitto, row.credential_nats)
    assert forms == (None, None, None)


def test_p19_joining_again_replaces_every_form(server: FleetServer, joined: str) -> None:
    (before,) = cabinet_logins(server.engine)
    with server.transactions.write("system:test") as tx:
        change(tx, server.signing, "C1", "board swapped", approve_reenrolment=True)
    enrol_a_cabinet(server, "C1")
    (after,) = cabinet_logins(server.engine)
    assert after.mosquitto != before.mosquitto
    assert not bcrypt.checkpw(joined.encode(), str(after.nats).encode())


def test_the_mark_rises_with_each_change_of_a_credential_and_with_nothing_else(
    server: FleetServer, joined: str
) -> None:
    assert joined
    marks = [credential_mark(server.engine)]
    with server.transactions.write("system:test") as tx:
        change(tx, server.signing, "C1", "quiet", approve_reenrolment=True)
    marks.append(credential_mark(server.engine))
    enrol_a_cabinet(server, "C1")
    marks.append(credential_mark(server.engine))
    with server.transactions.write("system:test") as tx:
        move_state(tx, "C1", "retired", "sold")
    marks.append(credential_mark(server.engine))
    assert marks == [1, 1, 2, 3]


def test_p20_mosquitto_gets_patterns_of_the_user_and_two_password_files(
    writer: MakeWriter, joined: str, tmp_path: Path
) -> None:
    assert joined
    assert writer(BrokerKind.MOSQUITTO, tmp_path).write()
    assert (tmp_path / "cabinets.acl").read_text().splitlines()[1:] == [
        "pattern write fleet/v1/+/up/%u/+",
        "pattern read fleet/v1/+/down/%u/+",
        "pattern read fleet/v1/all/+",
    ]
    assert re.fullmatch(r"C1:\$7\$1\$\S+\n", (tmp_path / "cabinets.passwd").read_text())
    assert (tmp_path / "server.passwd").read_text().startswith(f"{SERVER_USER}:$7$")
    text = (tmp_path / "mosquitto.conf").read_text()
    assert text.count("allow_anonymous false") == text.count("\nlistener ") == 2


def test_p20_nats_gives_each_cabinet_its_own_subjects_and_mqtt_alone(
    writer: MakeWriter, joined: str, tmp_path: Path
) -> None:
    assert joined
    writer(BrokerKind.NATS, tmp_path).write()
    known = users(tmp_path)
    assert set(known) == {SERVER_USER, "C1"}
    assert known["C1"]["allowed_connection_types"] == ["MQTT"]
    assert known["C1"]["permissions"] == {
        "publish": ["fleet.v1.03.up.C1.*"],
        "subscribe": ["fleet.v1.03.down.C1.*", "fleet.v1.all.*", "$MQTT.sub.>"],
    }


def test_nats_keeps_both_subscriptions_of_every_cabinet_that_may_connect(
    server: FleetServer, writer: MakeWriter, tmp_path: Path
) -> None:
    """Shipped with 1,000 consumers a stream, the 500th cabinet would hear nothing."""
    writer(BrokerKind.NATS, tmp_path).write()
    text = (tmp_path / "nats.conf").read_text()
    cabinets = server.settings.broker_connections_max
    assert f"default_max_consumers: {2 * cabinets} " in text


def test_a_node_of_a_cluster_knows_the_others_and_keeps_three_copies(
    writer: MakeWriter, tmp_path: Path
) -> None:
    node = NatsNode("fleet-2", 4222, 6222, ("one:6222", "three:6222"))
    writer(BrokerKind.NATS, tmp_path / "two", node).write()
    writer(BrokerKind.NATS, tmp_path / "alone").write()
    text = (tmp_path / "two/nats.conf").read_text()
    assert 'server_name: "fleet-2"' in text
    assert "stream_replicas: 3" in text
    (password,) = set(re.findall(r"node:([0-9a-f]{64})@", text))
    assert f'password: "{password}"' in text
    alone = (tmp_path / "alone/nats.conf").read_text()
    assert "cluster {" not in alone
    assert "stream_replicas" not in alone


@pytest.mark.parametrize("kind", list(BrokerKind))
def test_files_are_their_owners_alone_and_written_only_when_they_change(
    server: FleetServer, writer: MakeWriter, joined: str, tmp_path: Path, kind: BrokerKind
) -> None:
    assert joined
    out = tmp_path / "out"
    one = writer(kind, out)
    assert one.write()
    assert not one.write()
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o600}
    before = {path.name: path.read_text() for path in out.iterdir()}
    enrol_a_cabinet(server, "C2")
    assert one.is_behind()
    assert one.write()
    assert not one.is_behind()
    changed = {path.name for path in out.iterdir() if path.read_text() != before[path.name]}
    assert changed == {"cabinets.passwd" if kind is BrokerKind.MOSQUITTO else "users.conf"}


def test_a_broker_that_cannot_be_told_is_no_error(tmp_path: Path) -> None:
    assert not reload_broker(tmp_path / "no.pid")
    (tmp_path / "odd.pid").write_text("not a number")
    assert not reload_broker(tmp_path / "odd.pid")


class FailingFiles:
    """Files that cannot be written at the second time of asking."""

    def __init__(self) -> None:
        self.asked = 0
        self.recovered = threading.Event()

    def render(self, logins: Sequence[CabinetLogin]) -> dict[str, str]:
        self.asked += 1
        if self.asked == 2:
            raise OSError("no space left")
        if self.asked > 2:
            self.recovered.set()
        return {"names": " ".join(one.cabinet_id for one in logins)}


def test_watching_goes_on_after_a_failure(
    server: FleetServer, joined: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert joined
    monkeypatch.setattr("fleet_server.broker.configuration.WATCH_SECONDS", 0.01)
    files, stop = FailingFiles(), threading.Event()
    one = ConfigurationWriter(server.engine, files, tmp_path)
    thread = threading.Thread(target=watch_credentials, args=(one, None, stop))
    thread.start()
    enrol_a_cabinet(server, "C2")
    recovered = files.recovered.wait(10)
    stop.set()
    thread.join()
    assert recovered
    assert (tmp_path / "names").read_text() == "C1 C2"


def test_the_forms_are_the_cheapest_a_broker_accepts() -> None:
    """10,000 cabinets that join cost 12 s of CPU; secrets are long, so guessing stays hopeless."""
    assert mosquitto_form(SECRET).startswith("$7$1$")
    assert nats_form(SECRET).startswith("$2b$04$")
