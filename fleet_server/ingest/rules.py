"""Pure decision of P-3 and P-5: which part of a run is new, and what it tells about the cabinet.

Named tuples, not dataclasses: one of each is made for every message.
"""

from typing import NamedTuple


class Standing(NamedTuple):
    """Where the server stands in one lane of one cabinet."""

    epoch: str
    committed: int
    older_epochs: frozenset[str] = frozenset()


class Run(NamedTuple):
    """Numbers of a batch."""

    epoch: str
    floor: int
    first: int
    last: int


class Decision(NamedTuple):
    """What to do with a run. Nothing is stored when `take_from` is past `take_to`."""

    epoch: str
    take_from: int
    take_to: int
    committed: int
    """Position after this decision."""
    is_new_epoch: bool = False
    is_stale_epoch: bool = False
    gap: tuple[int, int] | None = None

    @property
    def takes(self) -> bool:
        """Whether anything is new."""
        return self.take_from <= self.take_to


def decide(standing: Standing | None, run: Run) -> Decision:
    """Decide about one run.

    Only the newest epoch accepts; a run that leaves a hole stores nothing, unless the hole lies
    below what the cabinet still holds: then it is recorded and the log goes on from the floor.
    """
    if standing is not None and run.epoch in standing.older_epochs:
        return _nothing(standing.epoch, standing.committed, is_stale_epoch=True)
    is_new = standing is None or run.epoch != standing.epoch
    committed = 0 if standing is None or is_new else standing.committed
    gap = None
    if committed + 1 < run.floor:
        gap = (committed + 1, run.floor - 1)
        committed = run.floor - 1
    if run.first > committed + 1 or run.last <= committed:
        return Decision(run.epoch, committed + 1, committed, committed, is_new, gap=gap)
    return Decision(run.epoch, committed + 1, run.last, run.last, is_new, gap=gap)


def _nothing(epoch: str, committed: int, *, is_stale_epoch: bool) -> Decision:
    return Decision(epoch, committed + 1, committed, committed, is_stale_epoch=is_stale_epoch)
