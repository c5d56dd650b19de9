"""P-6: what cannot be handled is buried, and nothing else is."""

from simulators.fleet_simulation.checkers.database_view import DatabaseView
from simulators.fleet_simulation.errors import InvariantBrokenError
from simulators.fleet_simulation.nemesis import Nemesis


class LetterChecker:
    """Every dead letter is one of ours."""

    def __init__(self, view: DatabaseView, nemesis: Nemesis) -> None:
        self._view = view
        self._nemesis = nemesis

    def look(self) -> None:
        """Look for a dead letter nobody asked for."""
        rows = self._view.rows("SELECT cabinet_id, epoch, seq, type, reason FROM dead_letters")
        for cabinet, epoch, seq, kind, reason in rows:
            if seq == 0 and self._nemesis.is_rubbish(reason):
                continue
            if (cabinet, epoch, seq) not in self._nemesis.poisoned:
                raise InvariantBrokenError(
                    "dead letters", f"{cabinet} {epoch} {seq} {kind}: {reason}"
                )
