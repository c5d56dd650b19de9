"""The rule bundle the cabinet obeys: verified, stored, in force at once, acknowledged later (P-16).

A bundle blocks from the moment it is stored. Its acknowledgement (`rules.applied`) is a separate
step, because none may leave while a vend is open; a restart in between does not lose it.
"""

from collections.abc import Sequence

from edge_agent.outbox.store import Outbox
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.rules.documents import (
    Opener,
    VersionRefusedError,
    announced,
    check_version,
    held,
    keep,
    mark_announced,
)
from edge_agent.rules.evaluate import RuleIndex, index
from edge_agent.store import Store
from protocol.events import BlockedSlot, RulesApplied, RulesRejected
from protocol.rules import RuleBundle, read_rule_bundle
from protocol.signatures import SignedKind

BLOCKED_TOLD_MAX = 300
"""(slot, recall) pairs in an acknowledgement: 60 slots with 5 recalls each; events are bounded."""


class RuleBook:
    """The held bundle."""

    def __init__(self, store: Store, outbox: Outbox, time: Timekeeper, opener: Opener) -> None:
        self._store = store
        self._outbox = outbox
        self._time = time
        self._opener = opener
        self._digest = ""
        self._rejected: tuple[int, str] | None = None
        self.version = 0
        """0 while no bundle is held: then nothing is sold."""
        self.rules = RuleIndex()
        self._load()

    def receive(self, data: bytes) -> bool:
        """Take a signed bundle from the wire or by hand; return whether it is new.

        Raises ProtocolError (signature, form) and VersionRefusedError; then the held bundle
        stays. Raises StorageError when it could not be stored; then it is not in force either.
        """
        opened = self._opener.open(data, SignedKind.RULES)
        bundle = read_rule_bundle(opened.payload)
        if not check_version(bundle.version, opened.digest, self.version, self._digest):
            return False
        with self._store.transaction():
            keep(self._store, SignedKind.RULES, bundle.version, opened)
            self._time.raise_bound(bundle.issued_at)
        self._obey(bundle, opened.digest)
        return True

    def refuse(self, error: VersionRefusedError) -> None:
        """Tell the server of a refused bundle; the same refusal once in a row."""
        if self._rejected == (error.version, error.reason):
            return
        with self._store.transaction():
            self._outbox.append(
                "rules.rejected", RulesRejected(error.version, self.version, error.reason)
            )
        self._rejected = (error.version, error.reason)

    @property
    def unacknowledged(self) -> bool:
        """Whether the held bundle still has to be acknowledged."""
        return self.version > 0 and not announced(self._store, SignedKind.RULES)

    def acknowledge(self, blocked: Sequence[BlockedSlot]) -> None:
        """Append `rules.applied`; only the caller knows that no vend is open."""
        told = list(blocked[:BLOCKED_TOLD_MAX])
        with self._store.transaction():
            self._outbox.append("rules.applied", RulesApplied(self.version, self._digest, told))
            mark_announced(self._store, SignedKind.RULES)

    def _load(self) -> None:
        opened = held(self._store, self._opener, SignedKind.RULES)
        if opened is not None:
            self._obey(read_rule_bundle(opened.payload), opened.digest)

    def _obey(self, bundle: RuleBundle, digest: str) -> None:
        self.version = bundle.version
        self.rules = index(bundle.rules)
        self._digest = digest
        self._rejected = None
