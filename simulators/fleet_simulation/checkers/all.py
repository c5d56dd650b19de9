"""All checkers, in one."""

from collections.abc import Mapping

from protocol.journal import Lane
from simulators.fleet_simulation.cabinet import SimulatedCabinet
from simulators.fleet_simulation.checkers.database_view import DatabaseView
from simulators.fleet_simulation.checkers.journal_checker import JournalChecker
from simulators.fleet_simulation.checkers.letter_checker import LetterChecker
from simulators.fleet_simulation.checkers.life_cycle_checker import LifeCycleChecker
from simulators.fleet_simulation.checkers.selling_checker import SellingChecker
from simulators.fleet_simulation.checkers.work_checker import WorkChecker
from simulators.fleet_simulation.errors import InvariantBrokenError
from simulators.fleet_simulation.nemesis import Nemesis
from simulators.fleet_simulation.server import SimulatedServer


class Checkers:
    """Looks after each step at what changed."""

    def __init__(
        self,
        server: SimulatedServer,
        cabinets: Mapping[str, SimulatedCabinet],
        nemesis: Nemesis,
    ) -> None:
        self._server = server
        self._cabinets = cabinets
        self._view = DatabaseView(server.database)
        self.journal = JournalChecker(self._view, cabinets)
        self._life_cycles = LifeCycleChecker(self._view)
        self._work = WorkChecker(self._view, cabinets)
        self._selling = SellingChecker(self._view, cabinets)
        self._letters = LetterChecker(self._view, nemesis)
        self.defects: list[str] = []
        """What the server logged and must not have."""
        server.watch_receipt = self.journal.receipt
        server.on_restore.append(self.restored)
        server.before_restore.append(self._view.close)

    def look(self) -> None:
        """After a step."""
        if self.defects:
            raise InvariantBrokenError("log", self.defects[0])
        self._work.look_at_agents()
        self._selling.look_at_agents()
        if self._view.changed():
            self.journal.look()
            self._life_cycles.look()
            self._work.look()
            self._selling.look()
            self._letters.look()

    def restored(self) -> None:
        """The database was put back: what it holds now is the beginning."""
        self._view.close()
        self._life_cycles.restored()
        self._work.restored()
        self.journal.restored()

    def undrained(self) -> list[str]:
        """What is still under way; empty when all is done."""
        left = []
        newest = self._view.value("SELECT max(version) FROM rule_sets")
        found = self._view.rows("SELECT cabinet_id, version FROM cabinet_desired")
        wanted = {str(row[0]): row[1] for row in found}
        for cabinet in self._cabinets.values():
            agent = cabinet.agent
            if agent is None:
                left.append(f"{cabinet.id} is off")
                continue
            head = agent.outbox.position(Lane.JOURNAL).head
            parts = agent.cabinet.parts
            if agent.outbox.committed < head:
                left.append(f"{cabinet.id}: {agent.outbox.committed} of {head} are committed")
            if parts.rules.version != newest:
                left.append(f"{cabinet.id} holds rules {parts.rules.version} of {newest}")
            if parts.desired.version != wanted[cabinet.id]:
                left.append(f"{cabinet.id} holds desired {parts.desired.version}")
            if parts.vends.open_vends():
                left.append(f"{cabinet.id}: a vend is open")
        queued = self._view.value("SELECT count(*) FROM outbound_messages")
        orders = self._view.value(
            "SELECT count(*) FROM cabinet_commands WHERE state IN ('created', 'sent')"
        )
        left += [f"{queued} messages wait"] if queued else []
        left += [f"{orders} orders are unfinished"] if orders else []
        left += [f"{self._server.waiting()} are in the inbox"] if self._server.waiting() else []
        return left

    def end(self) -> None:
        """Everything is drained."""
        self.look()
        self.journal.end()
        self._selling.end()

    def close(self) -> None:
        """Let go of the database."""
        self._view.close()
