"""Bytes of the wire: compression, and bounds that hold while unpacking (protocol v1, head)."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import MalformedMessageError, MessageTooLargeError, ProtocolError
from protocol.presence import ServerState, TimeRequest
from protocol.wire import (
    COMPRESS_ABOVE_BYTES,
    DOWN_LIMIT_BYTES,
    UNPACKED_LIMIT_BYTES,
    UP_LIMIT_BYTES,
    compressed,
    decode,
    decode_json,
    encode,
    unpack,
)

GZIP_MAGIC = b"\x1f\x8b"


def test_the_bounds_are_those_of_the_design() -> None:
    assert COMPRESS_ABOVE_BYTES == 1024
    assert UP_LIMIT_BYTES == 64 * 1024
    assert DOWN_LIMIT_BYTES == 512 * 1024
    assert UNPACKED_LIMIT_BYTES == 4 * 1024 * 1024


@pytest.mark.parametrize("size", [1, 1024])
def test_a_body_of_at_most_one_kibibyte_travels_as_it_is(size: int) -> None:
    assert compressed(b"x" * size) == b"x" * size


def test_a_larger_body_is_compressed_and_read_back() -> None:
    body = b"x" * 1025
    wire = compressed(body)
    assert wire.startswith(GZIP_MAGIC)
    assert unpack(wire) == body


def test_the_same_body_always_gives_the_same_bytes() -> None:
    assert compressed(b"y" * 5000) == compressed(b"y" * 5000)


@given(st.text(max_size=3000))
def test_what_is_encoded_is_decoded(nonce: str) -> None:
    request = TimeRequest(1, "time", nonce)
    assert decode(encode(request), TimeRequest) == request


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_a_protocol_error(data: bytes) -> None:
    for wire in (data, GZIP_MAGIC + data, gzip.compress(data)):
        try:
            decode(wire, ServerState)
        except ProtocolError:
            continue
        assert json.loads(unpack(wire))


def test_a_message_larger_than_its_bound_is_not_even_unpacked() -> None:
    with pytest.raises(MessageTooLargeError) as caught:
        unpack(b"x" * (UP_LIMIT_BYTES + 1))
    assert caught.value.size_bytes == UP_LIMIT_BYTES + 1
    assert caught.value.limit_bytes == UP_LIMIT_BYTES


def test_a_message_at_its_bound_is_read() -> None:
    assert len(unpack(b"x" * UP_LIMIT_BYTES)) == UP_LIMIT_BYTES


def test_a_gzip_bomb_is_stopped_at_four_mebibytes() -> None:
    bomb = gzip.compress(b" " * (UNPACKED_LIMIT_BYTES + 1))
    assert len(bomb) < UP_LIMIT_BYTES
    with pytest.raises(MessageTooLargeError) as caught:
        unpack(bomb)
    assert caught.value.limit_bytes == UNPACKED_LIMIT_BYTES


def test_a_body_of_exactly_four_mebibytes_is_read() -> None:
    assert len(unpack(gzip.compress(b" " * UNPACKED_LIMIT_BYTES))) == UNPACKED_LIMIT_BYTES


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_gzip_that_ends_early_is_malformed(cut: int) -> None:
    whole = gzip.compress(b'{"v":1}')
    with pytest.raises(MalformedMessageError):
        unpack(whole[: len(whole) - cut])


def test_bytes_after_a_gzip_body_are_malformed_and_not_swallowed() -> None:
    with pytest.raises(MalformedMessageError):
        unpack(gzip.compress(b"{}") + b"more")


def test_a_sender_refuses_what_the_receiver_would() -> None:
    with pytest.raises(MessageTooLargeError):
        compressed(b"x" * (UNPACKED_LIMIT_BYTES + 1), DOWN_LIMIT_BYTES)
    noise = bytes(range(256)) * 8
    with pytest.raises(MessageTooLargeError):
        compressed(noise, 10)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", "{", '{"v":"1"}', "\ufeff{}", "[" * 100_000]
)
def test_what_is_no_such_message_is_malformed(text: str) -> None:
    with pytest.raises(MalformedMessageError):
        decode_json(text, ServerState)


def test_bytes_that_are_no_utf_8_are_malformed() -> None:
    with pytest.raises(MalformedMessageError):
        decode(b'{"v":1,"server_epoch":"\xff","state":"online"}', ServerState)
