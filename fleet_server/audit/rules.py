"""Pure arithmetic of the chain: what is hashed, and whether a chain is whole."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

GENESIS = "0" * 64


def canonical(entry: dict[str, Any]) -> str:
    """Text that is hashed: JSON with sorted keys, no spaces."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def chained(before: str, text: str) -> str:
    """Hash of an entry: SHA-256 over the hash before it and its text."""
    return hashlib.sha256(f"{before}{text}".encode()).hexdigest()


def first_break(entries: Iterable[tuple[int, str, str]]) -> int | None:
    """Sequence of the first entry (seq, text, hash) that does not follow; None when all do."""
    before, expected = GENESIS, 1
    for seq, text, digest in entries:
        if seq != expected or chained(before, text) != digest:
            return seq
        before, expected = digest, seq + 1
    return None
