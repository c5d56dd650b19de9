"""Bytes <-> messages: JSON, gzip above 1 KiB, bounds checked while unpacking (protocol v1).

One codec for both directions. Compression is recognised by the gzip magic bytes and never
trusted for its length: unpacking stops at the bound, so a small bomb costs at most 4 MiB.
"""

import functools
import gzip
import zlib
from typing import Any, TypeVar

import msgspec

from protocol.errors import MalformedMessageError, MessageTooLargeError

COMPRESS_ABOVE_BYTES = 1024
UP_LIMIT_BYTES = 64 * 1024
"""Bound of a message on the wire from a cabinet."""
DOWN_LIMIT_BYTES = 512 * 1024
"""Bound of `rules` and `desired` on the wire."""
UNPACKED_LIMIT_BYTES = 4 * 1024 * 1024
"""Bound of any message once unpacked."""

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 31
"""zlib window bits 15 plus 16: a gzip header is expected (zlib manual, inflateInit2)."""

T = TypeVar("T")


def encode(message: Any, limit_bytes: int = UP_LIMIT_BYTES) -> bytes:
    """Message -> bytes for the wire.

    Raises MessageTooLargeError when even compressed it exceeds `limit_bytes`.
    """
    return compressed(msgspec.json.encode(message), limit_bytes)


def compressed(body: bytes, limit_bytes: int = UP_LIMIT_BYTES) -> bytes:
    """JSON -> bytes for the wire, compressed above 1 KiB.

    Raises MessageTooLargeError when even compressed it exceeds `limit_bytes`.
    """
    if len(body) > UNPACKED_LIMIT_BYTES:
        raise MessageTooLargeError(len(body), UNPACKED_LIMIT_BYTES)
    if len(body) > COMPRESS_ABOVE_BYTES:
        # mtime 0: the same message gives the same bytes, so that bundles can be compared.
        body = gzip.compress(body, compresslevel=6, mtime=0)
    if len(body) > limit_bytes:
        raise MessageTooLargeError(len(body), limit_bytes)
    return body


def unpack(data: bytes, limit_bytes: int = UP_LIMIT_BYTES) -> bytes:
    """Bytes of the wire -> bytes of JSON, bounded before and while unpacking.

    Raises MessageTooLargeError or MalformedMessageError.
    """
    if len(data) > limit_bytes:
        raise MessageTooLargeError(len(data), limit_bytes)
    if not data.startswith(_GZIP_MAGIC):
        return data
    inflate = zlib.decompressobj(_GZIP_WINDOW)
    try:
        body = inflate.decompress(data, UNPACKED_LIMIT_BYTES + 1)
    except zlib.error as error:
        raise MalformedMessageError(f"broken gzip: {error}") from error
    if len(body) > UNPACKED_LIMIT_BYTES:
        raise MessageTooLargeError(len(body), UNPACKED_LIMIT_BYTES)
    if not inflate.eof or inflate.unused_data:
        raise MalformedMessageError("gzip ends early, or something follows it")
    return body


def decode(data: bytes, kind: type[T], limit_bytes: int = UP_LIMIT_BYTES) -> T:
    """Bytes of the wire -> message of `kind`; unknown fields are ignored.

    Raises MessageTooLargeError or MalformedMessageError.
    """
    return decode_json(unpack(data, limit_bytes), kind)


def decode_json(body: bytes | str | msgspec.Raw, kind: type[T]) -> T:
    """JSON -> message of `kind`; MalformedMessageError when it is not one."""
    decoder: msgspec.json.Decoder[T] = _decoder(kind)  # type: ignore[arg-type]  # types hash
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedMessageError(str(error)) from error


@functools.cache  # one for each kind of message: a few dozen
def _decoder(kind: type[Any]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)
