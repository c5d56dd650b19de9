"""Blocked motor slots paused at the controller too, so that its own keypad cannot sell them.

The gate is what blocks; this is a second lock on a machine that can also sell by itself. What we
paused is kept in the store: only that is resumed, with what our book says lies there.
"""

import logging
from collections.abc import Callable

import msgspec

from edge_agent.drivers.errors import DriverError
from edge_agent.store import Store

_PAUSED = "motors.paused"

log = logging.getLogger(__name__)


class MotorPauses:
    """Compares what is blocked with what was paused."""

    def __init__(self, store: Store, set_units: Callable[[str, int], None]) -> None:
        self._store = store
        self._set_units = set_units
        text = store.value(_PAUSED)
        self._paused: set[str] = set(msgspec.json.decode(text)) if text else set()
        self._told: set[str] = set()
        """Paused in this boot: a controller that lost power has to be told again."""

    def step(self, blocked: set[str], units: Callable[[str], int]) -> None:
        """Pause what is blocked, resume what is not any more. Raises StorageError."""
        fresh = blocked - self._told
        over = self._paused - blocked
        if not fresh and not over:
            return
        for slot in fresh:
            self._tell(slot, 0)
        for slot in over:
            self._tell(slot, units(slot))
        if blocked != self._paused:
            with self._store.transaction():
                self._store.remember(_PAUSED, msgspec.json.encode(sorted(blocked)).decode())
            self._paused = set(blocked)
        self._told = set(blocked)

    def _tell(self, slot: str, units: int) -> None:
        try:
            self._set_units(slot, units)
        except DriverError as error:
            log.warning("motor.not_paused", extra={"slot": slot, "reason": str(error)})
