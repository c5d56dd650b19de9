"""Signed documents: opened with the keyring, kept as they came, never replaced by a lower version.

Both kinds of state (rules, desired) live by this one rule; what they mean is elsewhere.
"""

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from edge_agent.errors import OutsideError
from edge_agent.store import Store
from protocol.errors import ProtocolError
from protocol.events import OTHER_CONTENT
from protocol.signatures import Envelope, Keyring, SignedKind, read_envelope
from protocol.wire import DOWN_LIMIT_BYTES, unpack

log = logging.getLogger(__name__)


class VersionRefusedError(OutsideError):
    """A document is older than the held one, or is another one under the same version."""

    def __init__(self, version: int, held: int, reason: str) -> None:
        super().__init__(f"version {version} refused, {held} is held: {reason}")
        self.version = version
        self.held = held
        self.reason = reason


@dataclass(frozen=True)
class Opened:
    """A document whose signature and address are right."""

    envelope: Envelope
    digest: str

    @property
    def payload(self) -> str:
        """Its JSON text."""
        return self.envelope.payload


@dataclass(frozen=True)
class Opener:
    """Who we are and whom we trust."""

    keyring: Keyring
    fleet: str
    cabinet: str

    @classmethod
    def trusting(cls, keys: Iterable[bytes], fleet: str, cabinet: str) -> "Opener":
        """Opener that trusts these public keys."""
        return cls(Keyring(keys), fleet, cabinet)

    def open(self, data: bytes, kind: SignedKind) -> Opened:
        """Bytes of the wire -> document. Raises ProtocolError; then nothing is to be changed."""
        return self.check(read_envelope(unpack(data, DOWN_LIMIT_BYTES)), kind)

    def check(self, envelope: Envelope, kind: SignedKind) -> Opened:
        """Envelope -> document. Raises ProtocolError."""
        text = self.keyring.open(envelope, kind, self.fleet, self.cabinet)
        return Opened(envelope, hashlib.sha256(text.encode()).hexdigest())


def held(store: Store, opener: Opener, kind: SignedKind) -> Opened | None:
    """Read the kept document and check it again: a disk can be changed by anyone who has it."""
    row = store.row("SELECT envelope FROM signed_document WHERE kind = ?", str(kind))
    if row is None:
        return None
    try:
        return opener.check(read_envelope(row[0]), kind)
    except ProtocolError:
        log.exception("rules.kept_document_refused", extra={"kind": str(kind)})
        return None


def check_version(version: int, digest: str, held_version: int, held_digest: str) -> bool:
    """Say whether a document is new (True) or the held one again (False).

    Raises VersionRefusedError for a lower version, or other content under the held one.
    """
    if version > held_version:
        return True
    if version < held_version:
        raise VersionRefusedError(version, held_version, "the version is lower")
    if digest != held_digest:
        raise VersionRefusedError(version, held_version, OTHER_CONTENT)
    return False


def keep(store: Store, kind: SignedKind, version: int, opened: Opened) -> None:
    """Keep a new document in the caller's transaction, not yet acknowledged."""
    store.write(
        "INSERT INTO signed_document VALUES (?, ?, ?, ?, 0) ON CONFLICT (kind) DO UPDATE SET"
        " version = excluded.version, digest = excluded.digest, envelope = excluded.envelope,"
        " announced = 0",
        str(kind),
        version,
        opened.digest,
        msgspec.json.encode(opened.envelope),
    )


def announced(store: Store, kind: SignedKind) -> bool:
    """Say whether the held document was acknowledged in the journal."""
    row = store.row("SELECT announced FROM signed_document WHERE kind = ?", str(kind))
    return row is None or bool(row[0])


def mark_announced(store: Store, kind: SignedKind) -> None:
    """Note the acknowledgement, in the transaction that holds its event."""
    store.write("UPDATE signed_document SET announced = 1 WHERE kind = ?", str(kind))
