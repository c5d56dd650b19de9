"""Tickets and versions: one ticket for one piece of work, one owner, versions that only rise."""

from collections.abc import Mapping

from fleet_server.tickets.rules import TicketKind
from fleet_server.tickets.states import JOINABLE
from simulators.fleet_simulation.cabinet import SimulatedCabinet
from simulators.fleet_simulation.checkers.database_view import DatabaseView
from simulators.fleet_simulation.errors import InvariantBrokenError

JOINED = (TicketKind.FAULT, TicketKind.INSPECTION, TicketKind.REFILL_CHECK)
"""Kinds a fault opens or joins."""


class WorkChecker:
    """Looks at tickets, rules and desired states."""

    def __init__(self, view: DatabaseView, cabinets: Mapping[str, SimulatedCabinet]) -> None:
        self._view = view
        self._cabinets = cabinets
        self._rules = 0
        self._desired: dict[str, int] = {}
        self._held: dict[str, tuple[int, int, int]] = {}

    def restored(self) -> None:
        """Begin anew with an older database."""
        self._rules, self._desired = 0, {}

    def look(self) -> None:
        """Look at the server's tables."""
        self._look_at_tickets()
        self._look_at_versions()

    def look_at_agents(self) -> None:
        """What a cabinet holds never goes back while its store lives."""
        for cabinet in self._cabinets.values():
            agent = cabinet.agent
            if agent is None:
                continue
            parts, losses = agent.cabinet.parts, cabinet.stores
            held = (losses, parts.rules.version, parts.desired.version)
            before = self._held.get(cabinet.id, (losses, 0, 0))
            if before[0] == losses and (held[1] < before[1] or held[2] < before[2]):
                self._fail(f"{cabinet.id} held versions {before[1:]}, now {held[1:]}")
            self._held[cabinet.id] = held

    def _look_at_tickets(self) -> None:
        states, kinds = _listed(JOINABLE), _listed(JOINED)
        doubled = self._view.rows(
            "SELECT cabinet_id, kind, component, count(*) FROM tickets"  # noqa: S608  # ours
            f" WHERE state IN ({states}) AND kind IN ({kinds}) AND origin_kind <> 'person'"
            " AND cabinet_id IS NOT NULL GROUP BY site_id, cabinet_id, kind, component"
            " HAVING count(*) > 1"
        )
        if doubled:
            self._fail(f"two open tickets for the same work: {doubled[0]}")
        orphan = self._view.value("SELECT id FROM tickets WHERE owner = '' OR owner IS NULL")
        if orphan:
            self._fail(f"ticket {orphan} has no owner")

    def _look_at_versions(self) -> None:
        newest = self._view.value("SELECT max(version) FROM rule_sets") or 0
        if newest < self._rules:
            self._fail(f"rules fell from {self._rules} to {newest}")
        self._rules = newest
        for cabinet, version in self._view.rows("SELECT cabinet_id, version FROM cabinet_desired"):
            if version < self._desired.get(cabinet, 0):
                self._fail(f"desired state of {cabinet} fell to {version}")
            self._desired[cabinet] = version

    def _fail(self, detail: str) -> None:
        raise InvariantBrokenError("work", detail)


def _listed(names: object) -> str:
    return ", ".join(f"'{name}'" for name in sorted(map(str, names)))  # type: ignore[call-overload]
