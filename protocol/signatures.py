"""Everything a cabinet obeys is signed with Ed25519 (protocol v1, P-12).

The envelope carries the payload as text, so the signed bytes are exactly the bytes read: there
is no canonical form to disagree about.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

import msgspec
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from protocol.errors import MalformedMessageError, SignatureRejectedError
from protocol.wire import decode_json

WHOLE_FLEET = "*"
"""`cabinet` of a payload that is meant for every cabinet."""


class SignedKind(StrEnum):
    """Kinds of signed payloads; on MQTT each equals the last part of its topic."""

    COMMAND = "command"
    DESIRED = "desired"
    RULES = "rules"
    REPLY = "reply"
    WORK_ORDER = "work_order"


class Envelope(msgspec.Struct, frozen=True):
    """Signed document as it travels."""

    key: str
    sig: str
    payload: str


class Addressed(msgspec.Struct, frozen=True):
    """The three fields every signed payload holds."""

    kind: SignedKind
    fleet: str
    cabinet: str


P = TypeVar("P", bound=msgspec.Struct)


def key_id(public_key: bytes) -> str:
    """First 16 hex digits of the SHA-256 of the public key."""
    return hashlib.sha256(public_key).hexdigest()[:16]


class Signer:
    """Holds the private key of the server. Only `fleet_server.signing` makes one."""

    def __init__(self, seed: bytes) -> None:
        """`seed`: the 32 bytes of an Ed25519 private key."""
        self._key = SigningKey(seed)
        self.public_key = bytes(self._key.verify_key)
        self.key_id = key_id(self.public_key)

    def sign(self, payload: msgspec.Struct) -> Envelope:
        """Payload -> envelope."""
        text = msgspec.json.encode(payload).decode()
        signature = self._key.sign(text.encode()).signature
        return Envelope(self.key_id, base64.b64encode(signature).decode(), text)


class Keyring:
    """Public keys a cabinet trusts, given to it when it joined (P-19)."""

    def __init__(self, public_keys: Iterable[bytes]) -> None:
        self._keys = {key_id(key): VerifyKey(key) for key in public_keys}

    def open(self, envelope: Envelope, kind: SignedKind, fleet: str, cabinet: str) -> str:
        """Return the payload text of a true envelope of `kind` meant for this cabinet.

        Raises SignatureRejectedError for an unknown key, a wrong signature, or an address that
        does not match the topic it came on; MalformedMessageError for no payload at all.
        """
        key = self._keys.get(envelope.key)
        if key is None:
            raise SignatureRejectedError(f"unknown key {envelope.key[:16]!r}")
        try:
            key.verify(envelope.payload.encode(), base64.b64decode(envelope.sig, validate=True))
        except (BadSignatureError, binascii.Error, ValueError) as error:
            raise SignatureRejectedError("the signature does not match") from error
        address = decode_json(envelope.payload, Addressed)
        if address.kind is not kind:
            raise SignatureRejectedError(f"a {address.kind} came as {kind}")
        if address.fleet != fleet:
            raise SignatureRejectedError(f"meant for fleet {address.fleet!r}")
        if address.cabinet not in {cabinet, WHOLE_FLEET}:
            raise SignatureRejectedError(f"meant for cabinet {address.cabinet!r}")
        return envelope.payload


def read_envelope(body: bytes) -> Envelope:
    """JSON -> envelope; MalformedMessageError when it is none."""
    envelope = decode_json(body, Envelope)
    if len(envelope.payload) == 0:
        raise MalformedMessageError("an envelope without payload")
    return envelope
