"""Lives of the agent in the journal: why each began, how it ended, how many began unplanned.

A life that ended without `agent.stopped` was cut: by a power cut when the machine started anew
since, else by a kill or the watchdog. Cut lives of the last day are counted (CPU_RESETS).
"""

from datetime import datetime, timedelta

import msgspec

from edge_agent.outbox.presence import AGENT_VERSION
from edge_agent.outbox.store import Outbox
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.store import Store
from protocol.events import AgentStarted, StartReason

RESETS_MAX = 3
"""Fault catalogue, CPU_RESETS: more than 3 unplanned boots in 24 h."""
WINDOW = timedelta(hours=24)
KEPT_MAX = 16
"""Cut lives remembered: enough to see more than three."""
_MACHINE_BOOT = "agent.machine_boot"
_RUNNING = "agent.running"
_CUT = "agent.cut"


class Starts:
    """Writes the first and the last event of a life."""

    def __init__(self, store: Store, outbox: Outbox, time: Timekeeper, machine_boot: str) -> None:
        self._store = store
        self._outbox = outbox
        self._time = time
        self._machine_boot = machine_boot
        self.begun = False
        """Whether `agent.started` is written."""
        self.power_was_cut = False
        """Whether this machine started anew without the last life having ended."""

    def begin(self, devices: list[str]) -> None:
        """Write `agent.started` with its reason. Raises StorageError; then nothing is noted."""
        store = self._store
        first = store.value(_MACHINE_BOOT) is None
        same_machine_boot = store.value(_MACHINE_BOOT) == self._machine_boot
        was_cut = store.value(_RUNNING) is not None
        reason = StartReason.RESTART if same_machine_boot else StartReason.POWER
        with store.transaction():
            if was_cut:
                kept = [*self._cut(), self._time.now()][-KEPT_MAX:]
                store.remember(_CUT, msgspec.json.encode(kept).decode())
            store.remember(_MACHINE_BOOT, self._machine_boot)
            store.remember(_RUNNING, self._outbox.boot)
            self._append("agent.started", reason, devices)
        self.begun = True
        self.power_was_cut = was_cut and not same_machine_boot and not first

    def end(self, devices: list[str]) -> None:
        """Write `agent.stopped`. Raises StorageError."""
        with self._store.transaction():
            self._store.forget(_RUNNING)
            self._append("agent.stopped", StartReason.RESTART, devices)

    @property
    def too_many(self) -> bool:
        """Whether too many lives of the last day were cut."""
        now = self._time.now()
        return sum(1 for at in self._cut() if abs(now - at) < WINDOW) > RESETS_MAX

    def _cut(self) -> list[datetime]:
        text = self._store.value(_CUT)
        return [] if text is None else msgspec.json.decode(text, type=list[datetime])

    def _append(self, kind: str, reason: StartReason, devices: list[str]) -> None:
        body = AgentStarted(self._outbox.boot, reason, AGENT_VERSION, devices)
        self._outbox.append(kind, body)
