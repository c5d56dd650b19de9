"""Pure: who should have which lease.

Shards are spread evenly over the processes that live: each keeps at most its fair share, gives the
rest back, and takes what is free. Every process decides for itself, over the same rows under one
lock, so no coordinator is needed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """What one process does in one look."""

    keeps: frozenset[str]
    takes: frozenset[str]
    gives_back: frozenset[str]


def share(me: str, living: Collection[str], names: Sequence[str], held: Mapping[str, str]) -> Share:
    """Decide about the leases `names`; `held` says who has one that has not ended.

    `living` are all processes that take part, `me` among them.
    """
    most = -(-len(names) // len({*living, me}))
    mine = sorted(name for name in names if held.get(name) == me)
    free = sorted(name for name in names if held.get(name) not in living)
    takes = free[: max(0, most - len(mine))]
    return Share(frozenset(mine[:most]), frozenset(takes), frozenset(mine[most:]))
