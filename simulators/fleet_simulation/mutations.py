"""Breaks the product in one place, from outside, so that a run can show what it finds.

A checker that nothing can make fail proves nothing. Each mutation is a block: inside it the
product is broken, after it the product is as it was.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from edge_agent.commands.ledger import CommandLedger
from edge_agent.commands.orders import Orders
from edge_agent.outbox.contact import Contact
from edge_agent.selling import gate
from fleet_server.ingest import journal
from fleet_server.ingest.lanes import Lanes
from fleet_server.ingest.rules import Decision, Run, Standing, decide
from fleet_server.sales import service as sales
from fleet_server.tickets import handlers as tickets
from fleet_server.tickets import service as ticket_service
from fleet_server.tickets.states import TicketState
from fleet_server.transactions import Transaction, Transactions
from protocol.journal import Lane


@contextmanager
def _replaced(owner: Any, name: str, value: object) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def receipt_before_commit() -> AbstractContextManager[object]:
    """Every tenth transaction of ingest is rolled back, and its receipts leave all the same."""
    begin, count = Transactions.write, [0]

    @contextmanager
    def write(self: Transactions, actor: str) -> Iterator[Transaction]:
        with begin(self, actor) as tx:
            yield tx
            count[0] += actor == "system:ingest"
            if actor == "system:ingest" and count[0] % 10 == 0:
                self.settle(tx)
                tx.endings.clear()
                tx.session.rollback()

    return _replaced(Transactions, "write", write)


def cursor_not_moved() -> AbstractContextManager[object]:
    """The journal is stored, its cursor is only moved where it is new."""
    write = Lanes.write

    def forgetful(self: Lanes, tx: Transaction) -> None:
        for cursors in self._found.values():
            for one in cursors:
                if one.stored is not None:
                    one.committed = one.stored
        write(self, tx)

    return _replaced(Lanes, "write", forgetful)


def no_dedup() -> AbstractContextManager[object]:
    """What is there already is taken again."""

    def greedy(standing: Standing | None, run: Run) -> Decision:
        decision = decide(standing, run)
        if decision.is_stale_epoch or run.first > decision.committed + 1:
            return decision
        return decision._replace(take_from=run.first, take_to=run.last)

    return _replaced(journal, "decide", greedy)


def holes_accepted() -> AbstractContextManager[object]:
    """A batch that leaves a hole is stored."""

    def careless(standing: Standing | None, run: Run) -> Decision:
        decision = decide(standing, run)
        if decision.is_stale_epoch or run.first <= decision.committed + 1:
            return decision
        return decision._replace(take_from=run.first, take_to=run.last, committed=run.last)

    return _replaced(journal, "decide", careless)


def stale_epochs_accepted() -> AbstractContextManager[object]:
    """An epoch that ended counts as a new one."""

    def forgiving(standing: Standing | None, run: Run) -> Decision:
        fresh = None if standing is None else standing._replace(older_epochs=frozenset())
        return decide(fresh, run)

    return _replaced(journal, "decide", forgiving)


def gate_open() -> AbstractContextManager[object]:
    """The gate does not look at recalls and holds."""
    order = tuple(check for check in gate._ORDER if check is not gate._recall)  # noqa: SLF001  # to break it
    return _replaced(gate, "_ORDER", order)


def pending_rules_ignored() -> AbstractContextManager[object]:
    """The gate does not wait for the rules that a receipt names (P-17)."""
    return _replaced(Contact, "rules_pending", lambda _self, _held: False)


def no_ticket_join() -> AbstractContextManager[object]:
    """A further fault opens a further ticket."""
    return _replaced(tickets, "unended_ticket", lambda *_place: None)


def ticket_without_owner() -> AbstractContextManager[object]:
    """A ticket is opened and nobody is accountable."""
    opening = ticket_service.open_ticket

    def careless(tx: Transaction, new: Any) -> Any:
        ticket = opening(tx, new)
        ticket.owner = ""
        return ticket

    return _replaced(tickets, "open_ticket", careless)


def state_without_history() -> AbstractContextManager[object]:
    """A ticket is triaged as it is opened, and no history row says so."""
    opening = ticket_service.open_tickets

    def careless(tx: Transaction, news: Any) -> Any:
        opened = opening(tx, news)
        for ticket in opened:
            ticket.state = TicketState.TRIAGED
        return opened

    return _replaced(tickets, "open_tickets", careless)


def sale_not_booked() -> AbstractContextManager[object]:
    """Every third batch of sales is not entered."""
    entering, count = sales.record_sales, [0]

    def lazy(tx: Transaction, received: Any) -> None:
        count[0] += 1
        if count[0] % 3:
            entering(tx, received)

    return _replaced(sales, "record_sales", lazy)


@contextmanager
def orders_repeated() -> Iterator[None]:
    """An order that comes twice is carried out twice."""
    begin, known = CommandLedger.begin, CommandLedger.knows

    def forgetful(self: CommandLedger, command: str, counter: int) -> None:
        if not known(self, command):
            begin(self, command, counter)

    with ExitStack() as stack:
        stack.enter_context(_replaced(CommandLedger, "begin", forgetful))
        stack.enter_context(_replaced(CommandLedger, "knows", lambda _self, _id: False))
        stack.enter_context(_replaced(Orders, "_why_not", lambda *_order: ""))
        yield


def telemetry_told_ahead() -> AbstractContextManager[object]:
    """The cursor of the telemetry lane is told ahead of the database."""
    position = Lanes.position

    def ahead(self: Lanes, cabinet_id: str, lane: Lane) -> Any:
        found = position(self, cabinet_id, lane)
        if found is None or lane is not Lane.TELEMETRY:
            return found
        return type(found)(found.epoch, found.committed + 1)

    return _replaced(Lanes, "position", ahead)


MUTATIONS: Mapping[str, Callable[[], AbstractContextManager[object]]] = {
    made.__name__: made
    for made in (
        receipt_before_commit,
        cursor_not_moved,
        no_dedup,
        holes_accepted,
        stale_epochs_accepted,
        gate_open,
        pending_rules_ignored,
        no_ticket_join,
        ticket_without_owner,
        state_without_history,
        sale_not_booked,
        orders_repeated,
        telemetry_told_ahead,
    )
}
"""By name."""
