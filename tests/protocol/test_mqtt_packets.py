"""MQTT 3.1.1 packets: as the standard spells them, byte by byte, and as others read them."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from amqtt.adapters import BufferReader
from amqtt.mqtt.connect import ConnectPacket
from amqtt.mqtt.packet import MQTTFixedHeader
from amqtt.mqtt.publish import PublishPacket
from amqtt.mqtt.subscribe import SubscribePacket
from amqtt.mqtt.unsubscribe import UnsubscribePacket
from hypothesis import given
from hypothesis import strategies as st

from protocol import mqtt_packets as mqtt
from protocol.errors import MalformedPacketError
from protocol.mqtt_packets import (
    Connack,
    Packet,
    Pingresp,
    Puback,
    Publish,
    Reader,
    Suback,
    Unsuback,
    Will,
)

LIMIT = 300_000

GOLDEN: list[tuple[str, Packet]] = [
    ("20 02 00 00", Connack(session_present=False, code=0)),
    ("20 02 00 05", Connack(session_present=False, code=5)),
    ("30 07 00 03 61 2f 62 68 69", Publish("a/b", b"hi", 0, 0, retain=False, dup=False)),
    ("31 05 00 03 61 2f 62", Publish("a/b", b"", 0, 0, retain=True, dup=False)),
    ("3a 08 00 03 61 2f 62 00 0a 78", Publish("a/b", b"x", 1, 10, retain=False, dup=True)),
    ("40 02 12 34", Puback(0x1234)),
    ("90 04 00 0a 01 80", Suback(10, b"\x01\x80")),
    ("b0 02 00 0b", Unsuback(11)),
    ("d0 00", Pingresp()),
]
BROKEN = {
    "CONNECT is no packet for a client": "10 02 00 00",
    "reserved flags of PUBACK": "42 02 00 01",
    "QoS 2": "34 07 00 01 61 00 01 00 00",
    "QoS 3": "36 07 00 01 61 00 01 00 00",
    "a topic longer than the packet": "30 03 00 09 61",
    "no room for the topic's length": "30 01 00",
    "no room for the packet id": "32 03 00 01 61",
    "a topic that is no UTF-8": "30 04 00 02 c3 28",
    "CONNACK of three bytes": "20 03 00 00 00",
    "SUBACK without a code": "90 02 00 01",
    "PINGRESP with a body": "d0 01 00",
    "a packet id of 0": "32 05 00 01 61 00 00",
    "PUBACK of packet id 0": "40 02 00 00",
    "SUBACK with a code of MQTT 5": "90 03 00 01 87",
    "reserved flags of CONNACK": "20 02 02 00",
    "a refusal that keeps a session": "20 02 01 05",
    "a length of five bytes": "30 80 80 80 80 01",
    "a packet over the limit": "30 ff ff ff 7f",
}

topics = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
publishes = st.builds(
    lambda topic, payload, qos, number: (topic, payload, qos, number if qos else 0),
    topics,
    st.binary(max_size=400),
    st.integers(0, 1),
    st.integers(1, 65_535),
)


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


@pytest.mark.parametrize(("text", "packet"), GOLDEN)
def test_a_packet_is_read_as_the_standard_spells_it(text: str, packet: Packet) -> None:
    assert Reader(LIMIT).feed(raw(text)) == [packet]


def test_packets_are_read_the_same_byte_by_byte() -> None:
    data = b"".join(raw(text) for text, _ in GOLDEN) + mqtt.publish("t", b"y" * 70_000, 1, 3)
    reader = Reader(LIMIT)
    found = [packet for byte in data for packet in reader.feed(bytes((byte,)))]
    assert found == Reader(LIMIT).feed(data)
    assert len(found) == len(GOLDEN) + 1


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_what_no_broker_may_send_is_refused(text: str) -> None:
    with pytest.raises(MalformedPacketError):
        Reader(1000).feed(raw(text))


@given(st.binary(max_size=60))
def test_rubbish_is_refused_or_waited_for_and_never_breaks_the_reader(data: bytes) -> None:
    try:
        packets = Reader(LIMIT).feed(data)
    except MalformedPacketError:
        return
    assert all(isinstance(packet, tuple) for packet in packets)


@given(st.lists(publishes, max_size=8), st.integers(1, 50))
def test_what_is_published_is_read_again_however_it_is_cut(
    messages: list[tuple[str, bytes, int, int]], size: int
) -> None:
    data = b"".join(mqtt.publish(*one) for one in messages)
    reader = Reader(LIMIT)
    found = [
        packet for at in range(0, len(data), size) for packet in reader.feed(data[at : at + size])
    ]
    assert found == [Publish(*one, retain=False, dup=False) for one in messages]


def test_a_puback_is_four_bytes() -> None:
    assert mqtt.puback(258) == raw("40 02 01 02")


IMPOSSIBLE: dict[str, Callable[[], bytes]] = {
    "a filter over 65,535 bytes": lambda: mqtt.subscribe(1, [("x" * 65_536, 1)]),
    "a topic over 65,535 bytes": lambda: mqtt.publish("x" * 65_536, b""),
    "a topic that is no text": lambda: mqtt.publish("\ud800", b""),
    "a packet over 256 MiB": lambda: mqtt.publish("t", bytes(mqtt.LENGTH_MAX)),
    "QoS 2": lambda: mqtt.publish("t", b"", 2, 1),
    "packet id 0": lambda: mqtt.publish("t", b"", 1, 0),
    "a packet id of three bytes": lambda: mqtt.puback(65_536),
    "SUBSCRIBE without a filter": lambda: mqtt.subscribe(1, []),
    "UNSUBSCRIBE without a filter": lambda: mqtt.unsubscribe(1, []),
}


@pytest.mark.parametrize("build", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_packet_that_cannot_be_is_not_built(build: Callable[[], bytes]) -> None:
    with pytest.raises(MalformedPacketError):
        build()


def test_a_strange_topic_is_read_so_that_its_reader_refuses_that_message_alone() -> None:
    data = mqtt.publish("fleet/v1/00/up/C1/\0", b"") + mqtt.publish("#", b"")
    topics_read = [one.topic for one in Reader(LIMIT).feed(data) if isinstance(one, Publish)]
    assert topics_read == ["fleet/v1/00/up/C1/\0", "#"]


def read_by_amqtt(kind: Any, data: bytes) -> Any:
    """What an independent implementation makes of our bytes."""

    async def read() -> Any:
        stream = BufferReader(data)
        header = await MQTTFixedHeader.from_stream(stream)
        return await kind.from_stream(stream, fixed_header=header)

    return asyncio.run(read())


def test_amqtt_reads_our_connect() -> None:
    data = mqtt.connect(
        "C1", user="C1", password=b"secret", keep_alive_seconds=22, will=Will("w/t", b"gone")
    )
    packet = read_by_amqtt(ConnectPacket, data)
    assert (packet.proto_name, packet.proto_level) == ("MQTT", 4)
    assert (packet.client_id, packet.username, packet.password) == ("C1", "C1", "secret")
    assert (packet.will_topic, bytes(packet.will_message), packet.will_qos) == ("w/t", b"gone", 1)
    assert (packet.clean_session_flag, packet.will_retain_flag) == (True, False)
    assert packet.keep_alive == 22


@pytest.mark.parametrize("size", [0, 100, 127, 128, 16_383, 16_384, 200_000])
def test_amqtt_reads_our_publish_of_any_length(size: int) -> None:
    packet = read_by_amqtt(PublishPacket, mqtt.publish("a/b", b"z" * size, 1, 77))
    assert (packet.topic_name, packet.packet_id, packet.qos) == ("a/b", 77, 1)
    assert len(packet.data) == size


def test_amqtt_reads_our_subscriptions() -> None:
    wanted = read_by_amqtt(SubscribePacket, mqtt.subscribe(9, [("a/+", 1), ("b/#", 0)]))
    assert wanted.payload.topics == [("a/+", 1), ("b/#", 0)]
    left = read_by_amqtt(UnsubscribePacket, mqtt.unsubscribe(9, ["a/+"]))
    assert left.payload.topics == ["a/+"]
