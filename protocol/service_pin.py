"""The on-site PIN as it travels in the desired state: an scrypt hash, never the PIN (P-15).

Text form `scrypt$<n>$<r>$<p>$<salt>$<hash>`, the last two base64. A PIN is short, so the hash only
slows down whoever reads the document; the cabinet bounds the tries.
"""

import base64
import binascii
import hashlib
import hmac

from protocol.errors import MalformedMessageError

COST = 4096
"""scrypt N; with r = 8 it takes 4 MiB, which the cabinet's memory limit allows (RFC 7914, 2)."""
COST_MAX = 16_384
"""A document that asks for more would push the agent over its memory limit."""
PIN_HOLDER = "pin"
"""`by` in events of whoever came in with the PIN: it is shared, so it names nobody."""
_BLOCK, _PARALLEL, _HASH_BYTES = 8, 1, 32


def hash_pin(pin: str, salt: bytes) -> str:
    """PIN -> text for `Desired.service_pin_hash`; the caller draws 16 random bytes of salt."""
    digest = _scrypt(pin, salt, COST)
    salt_text, digest_text = base64.b64encode(salt).decode(), base64.b64encode(digest).decode()
    return f"scrypt${COST}${_BLOCK}${_PARALLEL}${salt_text}${digest_text}"


def pin_matches(pin: str, text: str) -> bool:
    """Say whether a PIN belongs to a hash; MalformedMessageError when it is no such hash."""
    cost, salt, wanted = _parts(text)
    return hmac.compare_digest(_scrypt(pin, salt, cost), wanted)


def check_pin_hash(text: str) -> None:
    """MalformedMessageError when a text is no such hash."""
    _parts(text)


def _parts(text: str) -> tuple[int, bytes, bytes]:
    try:
        name, cost, block, parallel, salt, digest = text.split("$")
        wanted = base64.b64decode(digest, validate=True)
        sizes = (int(cost), int(block), int(parallel))
        salt_bytes = base64.b64decode(salt, validate=True)
    except (ValueError, binascii.Error) as error:
        raise MalformedMessageError("the PIN hash is not scrypt$n$r$p$salt$hash") from error
    known = name == "scrypt" and sizes[1:] == (_BLOCK, _PARALLEL)
    if not known or not 2 <= sizes[0] <= COST_MAX or sizes[0] & (sizes[0] - 1):
        raise MalformedMessageError(f"the PIN hash has costs {sizes}, not spoken here")
    return sizes[0], salt_bytes, wanted


def _scrypt(pin: str, salt: bytes, cost: int) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=cost, r=_BLOCK, p=_PARALLEL, dklen=_HASH_BYTES)
