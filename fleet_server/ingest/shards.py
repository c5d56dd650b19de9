"""Which shards this process ingests: leases, subscriptions and the board, kept in step.

A shard that is given back is first let go of here and then free for others; what is still in the
queue is taken in all the same, which is safe (P-3). A new owner counts the cabinets of its shards
as heard at that moment, so that a change of hands makes nobody silent.
"""

from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from fleet_server.ingest.last_heard import LastHeard
from fleet_server.ingest.presence import expect_those_online
from fleet_server.leases.service import give_back, hold_share
from fleet_server.logs import get_logger
from fleet_server.transactions import Transactions
from protocol.identity import SHARD_COUNT

log = get_logger("ingest")

SHARD_LEASES = tuple(f"shard/{shard:02d}" for shard in range(SHARD_COUNT))


class ShardKeeper:
    """Holds this process's share of the shards."""

    def __init__(
        self,
        transactions: Transactions,
        board: LastHeard,
        process: str,
        subscribe: Callable[[frozenset[int]], None],
    ) -> None:
        """`subscribe` is told all shards to listen to, whenever they change."""
        self._transactions = transactions
        self._board = board
        self._process = process
        self._subscribe = subscribe
        self.owned: frozenset[int] = frozenset()

    def look(self) -> None:
        """Prolong, take, give back. While the database is away everything stays as it is."""
        try:
            with self._transactions.write("system:ingest.shards") as tx:
                decided = hold_share(tx, SHARD_LEASES, self._process)
                owned = frozenset(map(_number, decided.keeps | decided.takes))
                taken = owned - self.owned
                if taken:
                    elapsed = self._transactions.clock.elapsed()
                    expect_those_online(tx, self._board, elapsed, taken)
        except SQLAlchemyError:  # two made the same row, or the database is away: look again
            log.exception("shards.look_failed")
            return
        if owned != self.owned:
            log.info("shards.changed", count=len(owned), taken=len(taken))
            self.owned = owned
            self._board.watch(owned)
            self._subscribe(owned)

    def give_back(self) -> None:
        """Let go of everything: this process ends."""
        try:
            with self._transactions.write("system:ingest.shards") as tx:
                give_back(tx, self._process)
        except SQLAlchemyError:
            log.exception("shards.give_back_failed")  # the leases end by themselves


def _number(name: str) -> int:
    return int(name.rpartition("/")[2])
