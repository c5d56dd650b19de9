"""Cut the array out of a batch that cannot be decoded whole, so that one bad entry spoils no other.

Only used once decoding failed (P-6: the log goes on). It works on bytes, in one pass, without
recursion: a broken escape, half a UTF-16 pair or deep nesting inside an entry stays inside it.
"""

import json
import re
from typing import Any, TypeVar

import msgspec

from protocol.errors import MalformedMessageError

T = TypeVar("T")

_TOKENS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},:]', re.DOTALL)
"""Strings and punctuation of JSON (RFC 8259, section 2). An open string runs to the end, so that
no start is tried twice: the pass is linear for every input."""

_STEPS = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}
"""How a sign changes the depth."""


def split_array(body: bytes, name: str, entries_max: int) -> tuple[bytes, list[bytes]]:
    """`body` with an empty array for `name`, and the bytes of each entry that stood in it.

    Raises MalformedMessageError when there is no such array of at most `entries_max` entries.
    """
    begins = _begin_of_array(body, name)
    entries: list[bytes] = []
    start, depth = begins, 0
    for token in _TOKENS.finditer(body, begins):
        sign = token[0]
        if depth == 0 and sign in {b",", b"]"}:
            entries.append(body[start : token.start()].strip())
            start = token.end()
            if sign == b"]" and len(entries) <= entries_max:
                return body[:begins] + body[token.start() :], [] if entries == [b""] else entries
            if len(entries) > entries_max:
                break
        depth += _STEPS.get(sign, 0)
    raise MalformedMessageError(f"no array {name} of at most {entries_max} entries")


def _begin_of_array(body: bytes, name: str) -> int:
    """Place after the bracket that opens the array `name` of the outermost object."""
    opening = [b'"%b"' % name.encode(), b":", b"["]
    depth, last = 0, [b"", b"", b""]
    for token in _TOKENS.finditer(body):
        last = [*last[1:], token[0]]
        if depth == 1 and last == opening:
            return token.end()
        depth += _STEPS.get(token[0], 0)
    raise MalformedMessageError(f"no array {name}")


def fields_of(entry: bytes) -> dict[str, Any]:
    """What can still be read of an entry; empty when it is no object at all."""
    try:
        found = json.loads(entry.decode(errors="replace"), strict=False)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def known(fields: dict[str, Any], name: str, kind: type[T], otherwise: T) -> T:
    """Field of an entry where it has the right type."""
    try:
        return msgspec.convert(fields[name], kind)
    except (KeyError, msgspec.ValidationError):
        return otherwise


def whole_text(text: str) -> str:
    """Text without halves of UTF-16 pairs, which no database holds."""
    return text.encode(errors="replace").decode()
