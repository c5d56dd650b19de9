"""What one cabinet has ever written into its journal, noted beside it as it becomes durable."""

import hashlib
from collections.abc import Collection

import msgspec

from edge_agent.agent import Agent
from protocol.journal import Event, Lane

PORTION_EVENTS = 500


def event_hash(kind: str, body: bytes) -> str:
    """Hash of what an event says, byte for byte."""
    return hashlib.sha256(kind.encode() + b"\n" + body).hexdigest()


class JournalTruth:
    """Rows of one cabinet: (epoch, sequence) -> hashes; several only after a roll-back."""

    def __init__(self, cabinet: str) -> None:
        self.cabinet = cabinet
        self.epoch = ""
        self.head = 0
        self.floor = 1
        self.rows: dict[tuple[str, int], list[str]] = {}
        """The last hash is the one the cabinet holds (or held last)."""
        self.acknowledged: dict[str, int] = {}
        """Epoch -> how far a receipt said the server's database is."""
        self.finished_epochs: dict[str, int] = {}
        """Epoch that ended -> how far it was acknowledged then."""
        self.sales: dict[str, list[str]] = {}
        """Payment reference -> ids of the sales written for it."""
        self.told_references: set[str] = set()
        """Payment references of events the server has acknowledged."""
        self._references: dict[tuple[str, int], str] = {}

    def read(self, agent: Agent) -> None:
        """Note what the journal holds now."""
        position = agent.outbox.position(Lane.JOURNAL)
        if position.epoch != self.epoch:
            self._begin(position.epoch)
        self.floor = position.floor
        while self.head < position.head:
            events = agent.outbox.events(self.head, PORTION_EVENTS)
            if not events:
                raise AssertionError(f"{self.cabinet}: nothing after {self.head}, {position}")
            for event in events:
                self._note(event)
            self.head = events[-1].seq
        self._note_acknowledged(agent.outbox.committed)

    def store_lost(self) -> None:
        """The next epoch begins empty."""
        self._begin("")

    def rolled_back(self) -> None:
        """The same epoch goes on from an older state: read it anew."""
        self.head = 0

    def server_restored(self, kept: Collection[tuple[str, int]]) -> set[str]:
        """The server has only these rows (epoch, sequence) of what it once acknowledged.

        Returns the references that neither side holds any more: told, then dropped with an older
        epoch or image of the store, and now lost at the server, too (ADR 0008).
        """
        known, self.told_references = (
            self.told_references,
            {reference for key, reference in self._references.items() if key in kept},
        )
        held = {
            reference
            for (epoch, seq), reference in self._references.items()
            if epoch == self.epoch and self.floor <= seq <= self.head
        }
        return known - self.told_references - held

    def _begin(self, epoch: str) -> None:
        if self.epoch:
            self.finished_epochs[self.epoch] = self.acknowledged.get(self.epoch, 0)
        self.epoch, self.head, self.floor = epoch, 0, 1

    def _note(self, event: Event) -> None:
        key, body = (self.epoch, event.seq), bytes(event.body)
        found = self.rows.setdefault(key, [])
        digest = event_hash(event.type, body)
        if digest in found:
            found.remove(digest)
        found.append(digest)
        if event.type in ("sale.completed", "vend.failed"):
            told = msgspec.json.decode(body)
            reference = told["payment_reference"]
            self._references[key] = reference
            if event.type == "sale.completed" and told["sale"] not in self.sales.setdefault(
                reference, []
            ):
                self.sales[reference].append(told["sale"])

    def _note_acknowledged(self, committed: int) -> None:
        before = self.acknowledged.get(self.epoch, 0)
        self.acknowledged[self.epoch] = committed
        for seq in range(before + 1, committed + 1):
            reference = self._references.get((self.epoch, seq))
            if reference is not None:
                self.told_references.add(reference)
