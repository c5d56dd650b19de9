"""The desired state the cabinet follows: prices, planogram, thresholds, place (P-15).

A document is followed whole or not at all; a threshold or time zone that cannot be refuses it,
with the key, and the one before stays in force. A held document whose zone this machine no longer
knows is not followed either: by which date its goods expire nobody could say. A
setting this version does not know is reported and the rest is followed: a newer server must be
able to talk to an older agent.
"""

import logging
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from edge_agent.detection.errors import ThresholdError
from edge_agent.detection.thresholds import Thresholds, thresholds_for
from edge_agent.outbox.store import Outbox
from edge_agent.rules.documents import (
    Opener,
    VersionRefusedError,
    check_version,
    held,
    keep,
    mark_announced,
)
from edge_agent.store import Store
from protocol.desired import Desired, PlannedSlot, read_desired
from protocol.errors import MalformedMessageError
from protocol.events import DesiredApplied, DesiredRejected
from protocol.service_pin import check_pin_hash
from protocol.signatures import SignedKind

UNKNOWN_TOLD_MAX = 20
"""Unknown settings reported of one document; it is a hint for an operator, not a dump."""


log = logging.getLogger(__name__)


class DesiredBook:
    """The followed desired state."""

    def __init__(self, store: Store, outbox: Outbox, opener: Opener) -> None:
        self._store = store
        self._outbox = outbox
        self._opener = opener
        self._rejected: tuple[int, str, str] | None = None
        self._digest = ""
        self.desired: Desired | None = None
        self.planned: dict[str, PlannedSlot] = {}
        self.zone: tzinfo = UTC
        """Time zone of the site; UTC until a first document, and nothing is sold until then."""
        self._load()

    @property
    def version(self) -> int:
        """Version that is followed; 0 for none."""
        return 0 if self.desired is None else self.desired.version

    def receive(self, data: bytes) -> bool:
        """Take a signed document; return whether it is new and followed now.

        Raises ProtocolError, VersionRefusedError, ThresholdError; then the old one stays.
        """
        opened = self._opener.open(data, SignedKind.DESIRED)
        desired = read_desired(opened.payload)
        if not check_version(desired.version, opened.digest, self.version, self._digest):
            return False
        self._check(desired)
        with self._store.transaction():
            keep(self._store, SignedKind.DESIRED, desired.version, opened)
            for key in sorted(desired.settings)[:UNKNOWN_TOLD_MAX]:
                told = DesiredRejected(desired.version, f"settings.{key}"[:200], "not known here")
                self._outbox.append("desired.rejected", told)
            self._outbox.append("desired.applied", DesiredApplied(desired.version))
            mark_announced(self._store, SignedKind.DESIRED)
        self._follow(desired, opened.digest)
        return True

    def _check(self, desired: Desired) -> None:
        key = "service_pin_hash"
        try:
            if desired.service_pin_hash:
                check_pin_hash(desired.service_pin_hash)
            key = "time_zone"
            time_zone(desired)
            key = "thresholds"
            thresholds(desired)
        except ThresholdError as error:
            self.refuse(desired.version, f"{key}.{error.key}", str(error))
            raise
        except MalformedMessageError as error:
            self.refuse(desired.version, key, error.reason)
            raise

    def refuse_version(self, error: VersionRefusedError) -> None:
        """Tell the server of a document of a lower version."""
        self.refuse(error.version, "version", error.reason)

    def refuse(self, version: int, key: str, reason: str) -> None:
        """Tell the server what was refused and why; the same refusal once in a row."""
        if self._rejected == (version, key, reason):
            return
        with self._store.transaction():
            self._outbox.append("desired.rejected", DesiredRejected(version, key, reason[:500]))
        self._rejected = (version, key, reason)

    def _load(self) -> None:
        opened = held(self._store, self._opener, SignedKind.DESIRED)
        if opened is None:
            return
        try:
            self._follow(read_desired(opened.payload), opened.digest)
        except MalformedMessageError:
            # Version 0 is told from now on: the server sends it again, and is told why not.
            log.exception("desired.kept_document_refused")

    def _follow(self, desired: Desired, digest: str) -> None:
        self.zone = time_zone(desired)
        self.desired = desired
        self._digest = digest
        self.planned = {planned.slot: planned for planned in desired.planogram}
        self._rejected = None


def time_zone(desired: Desired) -> tzinfo:
    """Time zone of a desired state; MalformedMessageError when this machine knows none such."""
    try:
        return ZoneInfo(desired.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise MalformedMessageError(f"unknown time zone {desired.time_zone!r}") from error


def thresholds(desired: Desired | None) -> Thresholds:
    """Thresholds of a desired state. Raises ThresholdError naming the key."""
    if desired is None:
        return thresholds_for("cn", {})
    return thresholds_for(desired.threshold_profile, desired.thresholds)
