"""Blocked motor slots paused at the controller too, so that its own keypad cannot sell them.

The gate is what blocks; this is a second lock on a machine that can also sell by itself. A word to
the controller may be lost, and one that loses power may forget it, so it counts only once the
controller shows it, and is said again until then. What we paused is kept in the store before it is
told: only that is resumed, with what our book says lies there.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from edge_agent.drivers.errors import DriverError
from edge_agent.drivers.readings import SelectionReading
from edge_agent.selling.motors import Motors, sells_nothing
from edge_agent.store import Store

AGAIN_SECONDS = 60.0
"""A controller takes a dozen commands a second and shows all selections every 10 s at the most."""
TOLD_AT_ONCE_MAX = 8
"""Half of what waits on a bus at the most (`ORDERS_MAX`): a vend always finds room beside."""
RESUMES_MAX = 3
"""A selection that stays empty after so many is empty by its own sensor, which knows better."""
REFUSED_SECONDS = 5.0
"""As long as an order may wait on a bus; then there is room again."""
_PAUSED = "motors.paused"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Told:
    """What was last said of a slot in this boot, when (elapsed seconds), and how often."""

    units: int
    at: float
    times: int = 1

    def same(self, units: int) -> bool:
        """Whether it means the same to the keypad: something to sell, or nothing."""
        return (self.units == 0) == (units == 0)


class MotorPauses:
    """Compares what is blocked with what each controller shows."""

    def __init__(self, store: Store, motors: Motors, set_units: Callable[[str, int], None]) -> None:
        self._store = store
        self._motors = motors
        self._set_units = set_units
        text = store.value(_PAUSED)
        self._paused: set[str] = set(msgspec.json.decode(text)) if text else set()
        self._paused &= motors.slots  # the machine may have been rebuilt since
        self._told: dict[str, _Told] = {}
        self._rest_until = 0.0

    def step(self, blocked: set[str], units: Callable[[str], int], elapsed: float) -> None:
        """Pause what is blocked, resume what is not any more. Raises StorageError."""
        if not self._paused and not blocked:
            return
        self._keep(self._paused | blocked)
        wanted = {slot: 0 if slot in blocked else units(slot) for slot in sorted(self._paused)}
        if elapsed >= self._rest_until:
            self._tell_some(wanted, elapsed)
        self._keep({slot for slot in wanted if slot in blocked or not self._is_over(slot, wanted)})

    def _tell_some(self, wanted: dict[str, int], elapsed: float) -> None:
        due = [slot for slot, units in wanted.items() if self._is_due(slot, units, elapsed)]
        for slot in due[:TOLD_AT_ONCE_MAX]:
            try:
                self._set_units(slot, wanted[slot])
            except DriverError as error:
                log.warning("motor.not_told", extra={"slot": slot, "reason": str(error)})
                self._rest_until = elapsed + REFUSED_SECONDS
                return
            told = self._told.get(slot)
            times = told.times + 1 if told is not None and told.same(wanted[slot]) else 1
            self._told[slot] = _Told(wanted[slot], elapsed, times)

    def _is_due(self, slot: str, units: int, elapsed: float) -> bool:
        if not self._motors.heard(slot):
            return False  # what is queued for a silent controller only piles up
        told = self._told.get(slot)
        if told is None or not told.same(units):
            return True
        return elapsed - told.at >= AGAIN_SECONDS and not self._is_shown(slot, told)

    def _is_shown(self, slot: str, told: _Told) -> bool:
        """Whether the controller shows what it was told, by a word of later than that."""
        shown: SelectionReading | None = self._motors.shown(slot)
        if shown is None or shown.at_elapsed <= told.at:
            return False
        return sells_nothing(shown) == (told.units == 0)

    def _is_over(self, slot: str, wanted: dict[str, int]) -> bool:
        """Whether a slot that is not blocked any more stands at its controller as it should."""
        told = self._told.get(slot)
        if told is None or not told.same(wanted[slot]):
            return False
        return told.times >= RESUMES_MAX or self._is_shown(slot, told)

    def _keep(self, paused: set[str]) -> None:
        if paused == self._paused:
            return
        with self._store.transaction():
            self._store.remember(_PAUSED, msgspec.json.encode(sorted(paused)).decode())
        self._paused = paused
        self._told = {slot: told for slot, told in self._told.items() if slot in paused}
