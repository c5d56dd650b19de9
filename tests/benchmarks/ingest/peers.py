"""What others make of the same messages: rows a second into the same PostgreSQL.

naive: a paho script, one INSERT and one commit for each message, as the first page of every
tutorial has it. bare: a paho loop that acknowledges after a COPY of 500, the bar to beat in kind:
it stores and knows nothing. Each runs as a process of its own:
`python -m tests.benchmarks.ingest.peers naive|bare HOST PORT USER PASSWORD FILTER DSN`.
Rows a second = messages / (first publish to last row).
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import psycopg
from paho.mqtt.enums import CallbackAPIVersion

from edge_agent.seed import Chance
from protocol import mqtt_packets as mqtt
from protocol.intervals import Uplink
from protocol.journal import Position, Receipt
from protocol.topics import DownKind, down
from protocol.wire import encode
from simulators.load.cabinet import LoadCabinet
from simulators.load.mix import MIXES
from simulators.load.orders import Member, Orders, Roll

COPY_ROWS = 500
COPY_WAIT_SECONDS = 0.05
WINDOW = 10
"""Messages of one connection without PUBACK."""
ROWS_SECONDS_MAX = 180.0
AT = "2026-03-02T08:00:00.000+00:00"
TABLE = "CREATE TABLE IF NOT EXISTS peer_rows (topic text, payload text)"


def messages_of(roll: Roll, each: int) -> dict[str, list[bytes]]:
    """Journal messages of one event, as PUBLISH packets, `each` for every cabinet."""
    orders = Orders(roll.fleet, roll.keyring(), "peer", Chance.from_seed(1))
    return {one.cabinet: _packets(one, orders, each) for one in roll.members}


def _packets(member: Member, orders: Orders, each: int) -> list[bytes]:
    cabinet = LoadCabinet(member, orders, MIXES["vending"], lambda: AT, 1, Uplink.WIRED)
    topic = down(orders.fleet, member.cabinet, DownKind.RECEIPT)
    cabinet.live(each, 0.0)
    packets = [cabinet.next_batch(0.0) or b""]
    for committed in range(1, each):
        receipt = Receipt(1, "s", datetime.fromisoformat(AT), Position(cabinet.epoch, committed))
        said = mqtt.Publish(topic, encode(receipt), 0, 0, retain=False, dup=False)
        packets.append(cabinet.hear(said, 0.0, lambda _: None))
    return packets


def publish_all(address: tuple[str, int], roll: Roll, packets: dict[str, list[bytes]]) -> None:
    """Publish everything over one connection a cabinet, WINDOW messages at a time."""
    wires = []
    for member in roll.members:
        wire = socket.create_connection(address)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secret = member.credential.encode()
        name = member.cabinet
        wire.sendall(mqtt.connect(name, user=name, password=secret, keep_alive_seconds=600))
        assert wire.recv(4) == bytes.fromhex("20020000")
        wires.append((wire, iter(packets[name])))
    while wires:
        wires = [(wire, rest) for wire, rest in wires if _publish_window(wire, rest)]


def _publish_window(wire: socket.socket, rest: Iterator[bytes]) -> bool:
    window = list(islice(rest, WINDOW))
    if not window:
        wire.sendall(mqtt.DISCONNECT)
        wire.close()
        return False
    wire.sendall(b"".join(window))
    left = 4 * len(window)  # a PUBACK has four bytes
    while left:
        left -= len(wire.recv(left))
    return True


@contextmanager
def running(kind: str, arguments: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One of the two scripts as a process."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.ingest.peers", kind, *arguments],
            stdout=out,
            stderr=out,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        end = time.monotonic() + 30  # noqa: TID251  # a benchmark measures
        while b"subscribed" not in log.read_bytes():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()  # noqa: TID251  # same
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(20)


def rows_per_second(
    dsn: str, address: tuple[str, int], roll: Roll, packets: dict[str, list[bytes]]
) -> float:
    """Publish to whoever listens, and count its rows until all are there."""
    wanted = sum(map(len, packets.values()))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("TRUNCATE peer_rows")
        began = time.perf_counter()  # noqa: TID251  # same
        publish_all(address, roll, packets)
        while True:
            found = connection.execute("SELECT count(*) FROM peer_rows").fetchone()
            count = found[0] if found else 0
            seconds = time.perf_counter() - began  # noqa: TID251  # same
            if count >= wanted:
                return float(count / seconds)
            assert seconds < ROWS_SECONDS_MAX, f"{count} of {wanted} rows"
            time.sleep(0.05)


def naive(client: paho.Client, dsn: str) -> None:
    """One INSERT, one commit, for each message."""
    connection = psycopg.connect(dsn)

    def on_message(_client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        text = message.payload.hex()
        connection.execute("INSERT INTO peer_rows VALUES (%s, %s)", (message.topic, text))
        connection.commit()

    client.on_message = on_message
    client.loop_forever()


def bare(client: paho.Client, dsn: str) -> None:
    """COPY of 500, then the acknowledgements."""
    connection = psycopg.connect(dsn)
    client.manual_ack_set(on=True)
    held: list[paho.MQTTMessage] = []
    client.on_message = lambda _client, _data, message: held.append(message)
    last = time.monotonic()  # noqa: TID251  # same
    while client.loop(0.01) == paho.MQTT_ERR_SUCCESS:
        now = time.monotonic()  # noqa: TID251  # same
        if len(held) >= COPY_ROWS or (held and now - last > COPY_WAIT_SECONDS):
            with (
                connection.cursor() as cursor,
                cursor.copy("COPY peer_rows FROM STDIN") as copy,
            ):
                for one in held:
                    copy.write_row((one.topic, one.payload.hex()))
            connection.commit()
            for one in held:
                client.ack(one.mid, one.qos)
            held.clear()
            last = now


def main(kind: str, host: str, port: str, user: str, password: str, *rest: str) -> None:
    """Listen until told to stop."""
    topic_filter, dsn = rest
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"{user}:peer")
    client.username_pw_set(user, password)
    client.on_connect = lambda one, *_: one.subscribe(topic_filter, 1)
    client.on_subscribe = lambda *_: print("subscribed")
    client.connect(host, int(port))
    {"naive": naive, "bare": bare}[kind](client, dsn)


if __name__ == "__main__":
    main(*sys.argv[1:])
