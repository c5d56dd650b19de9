"""What all simulated cabinets of a process share: keys, the parsed bundle, who they are.

Each distinct bundle is verified and parsed once for all of them: thousands of boards would do it
each for itself, at the same time. What it means for a cabinet each works out alone.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from edge_agent.seed import Chance
from protocol.commands import Command, read_command
from protocol.desired import Desired
from protocol.events import BlockedSlot
from protocol.intervals import RECONNECT_SPREAD_SECONDS
from protocol.matching import Goods, Place, match, match_terms
from protocol.rules import Rule, read_rule_bundle
from protocol.signatures import Keyring, SignedKind, read_envelope
from protocol.wire import DOWN_LIMIT_BYTES, decode_json, unpack
from simulators.errors import SimulatorError
from simulators.load.mix import EXPIRY, PLANOGRAM

BUNDLES_KEPT = 4
KEPT_EVENTS_MAX = 20_000
SHELF_GOODS = [
    (slot.name, Goods(slot.gtin, slot.lot, None, date.fromisoformat(EXPIRY))) for slot in PLANOGRAM
]
"""Slot -> what is in it, in every simulated cabinet."""


@dataclass(frozen=True)
class Member:
    """One cabinet that joined."""

    cabinet: str
    credential: str
    site: str
    region: str


class HeldRules:
    """A bundle that was verified.

    Which rules can mean the goods of the planogram is the same for all cabinets, and asked once
    (4 slots times 50 rules cost 0.5 ms); whether they mean this cabinet, each asks for itself.
    """

    def __init__(self, version: int, digest: str, rules: Sequence[Rule]) -> None:
        self.version, self.digest = version, digest
        self._possible = [
            (slot, goods, [one for one in rules if match_terms(one.terms, goods).blocks])
            for slot, goods in SHELF_GOODS
        ]

    def blocked_in(self, member: Member) -> list[BlockedSlot]:
        """Slots of the planogram it blocks in one cabinet, by the one matcher (P-16)."""
        found = []
        for slot, goods, rules in self._possible:
            place = Place(member.cabinet, slot, member.site, member.region)
            for rule in rules:
                result = match(rule, goods, place)
                if result.blocks:
                    found.append(BlockedSlot(slot, rule.recall, result))
                    break
        return found


@dataclass
class Orders:
    """Keys and what was read with them."""

    fleet: str
    keyring: Keyring
    run: str
    """Name of this run: epochs, boots and sales of another one differ."""
    chance: Chance
    spread_seconds: float = RECONNECT_SPREAD_SECONDS
    sessions_from: int = 0
    """Session numbers go on from here: those of an earlier run are lower (P-9)."""
    kept_events: int = KEPT_EVENTS_MAX
    """Committed events each keeps for a receipt that falls back (P-7); a real one: 7 days."""
    uncommitted_events_max: int = KEPT_EVENTS_MAX
    """Events written and not committed: then a cabinet writes no more until receipts come."""
    downlink_qos: int = 1
    keep_hashes: bool = False
    """Whether each keeps the SHA-256 of every body it wrote: 32 bytes an event, no bound."""
    refused: int = 0
    _bundles: dict[bytes, HeldRules] = field(default_factory=dict)

    def rules(self, payload: bytes, member: Member) -> HeldRules:
        """Bundle of these bytes. Raises ProtocolError for one that is forged or makes no sense."""
        key = hashlib.sha256(payload).digest()
        held = self._bundles.get(key)
        if held is None:
            text = self._open(payload, SignedKind.RULES, member)
            bundle = read_rule_bundle(text)
            digest = hashlib.sha256(text.encode()).hexdigest()
            held = HeldRules(bundle.version, digest, bundle.rules)
            while len(self._bundles) >= BUNDLES_KEPT:
                del self._bundles[next(iter(self._bundles))]
            self._bundles[key] = held
        return held

    def desired(self, payload: bytes, member: Member) -> int:
        """Version of a desired state that is true. Raises ProtocolError."""
        return decode_json(self._open(payload, SignedKind.DESIRED, member), Desired).version

    def command(self, payload: bytes, member: Member) -> Command:
        """Order that is true. Raises ProtocolError."""
        return read_command(self._open(payload, SignedKind.COMMAND, member))

    def spread(self, _member: Member) -> float:
        """Seconds until a birth that the server asked for (P-11)."""
        return self.chance.uniform(0.0, self.spread_seconds)

    def _open(self, payload: bytes, kind: SignedKind, member: Member) -> str:
        envelope = read_envelope(unpack(payload, DOWN_LIMIT_BYTES))
        return self.keyring.open(envelope, kind, self.fleet, member.cabinet)


@dataclass(frozen=True)
class Roll:
    """Everyone who joined, and what is needed to speak for them; kept as a file, mode 0600."""

    fleet: str
    signing_keys: list[str]
    members: list[Member]
    downlink_qos: int = 1
    """Of their subscriptions, as enrolment would tell them (P-0)."""

    def part(self, members: Sequence[Member]) -> "Roll":
        """The same for some of them."""
        return replace(self, members=list(members))

    def keyring(self) -> Keyring:
        """Keys the cabinets trust."""
        return Keyring(base64.b64decode(key) for key in self.signing_keys)

    def write(self, path: Path) -> None:
        """Keep it, whole or not at all; it holds secrets."""
        entries = [vars(one) for one in self.members]
        kept = {
            "fleet": self.fleet,
            "signing_keys": self.signing_keys,
            "downlink_qos": self.downlink_qos,
            "cabinets": entries,
        }
        draft = path.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.chmod(0o600)
        draft.write_text(json.dumps(kept))
        draft.replace(path)


def read_roll(path: Path) -> Roll:
    """Roll of a file. Raises SimulatorError when there is none."""
    try:
        kept = json.loads(path.read_text())
        members = [Member(**entry) for entry in kept["cabinets"]]
        return Roll(kept["fleet"], kept["signing_keys"], members, kept.get("downlink_qos", 1))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SimulatorError(f"{path} is no roll of cabinets: {error}") from error
