"""The detector: readings in, findings out. It joins the rules and the engine, and reads no clock.

Rules are asked as readings come; what they judge is applied at the next `step`, which alone knows
the wall time. Deterministic: the same readings, steps and chance give the same findings.
"""

from datetime import datetime

from edge_agent.detection import (
    door_open_long,
    lock_board_comm,
    temp_high,
    temp_safety_hold,
    temp_sensor,
)
from edge_agent.detection.air import Air, air_after, is_plausible
from edge_agent.detection.episodes import Episode, Episodes
from edge_agent.detection.findings import Cleared, Finding
from edge_agent.detection.lock_board_comm import BoardMemory
from edge_agent.detection.snapshot import DetectorState, moved_to
from edge_agent.detection.streaks import Streak
from edge_agent.detection.temp_safety_hold import HoldMemory
from edge_agent.detection.temp_sensor import SensorMemory
from edge_agent.detection.thresholds import Thresholds
from edge_agent.detection.verdicts import Verdict
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.readings import (
    DeviceFailure,
    DoorReading,
    Reading,
    TemperatureReading,
)
from edge_agent.errors import MisuseError
from edge_agent.seed import Chance
from protocol.events import ClearedBy

SNAPSHOTS_PER_UNKNOWN_LIMIT = 3
VERDICTS_WAITING_MAX = 8_192  # 16 readings of a full queue; whoever observes must also step


class StepForgottenError(MisuseError):
    """Readings were observed without a step until no more could be kept."""


class Detector:
    """Detection for one cabinet. For one thread, the core's."""

    def __init__(
        self,
        thresholds: Thresholds,
        chance: Chance,
        *,
        perishable: bool,
        state: DetectorState | None = None,
    ) -> None:
        kept = state or DetectorState(taken_at=0.0)
        self._thresholds = thresholds
        self._perishable = perishable
        self._restock = kept.restock
        self._doors = dict(kept.doors)
        self._boards = dict(kept.boards)
        self._air = dict(kept.air)
        self._warm = dict(kept.warm)
        self._holds = dict(kept.holds)
        self._sensors = dict(kept.sensors)
        self._episodes = Episodes(chance, kept.episodes, kept.recent)
        self._verdicts: list[Verdict] = []

    @classmethod
    def restore(
        cls,
        state: DetectorState,
        thresholds: Thresholds,
        chance: Chance,
        *,
        perishable: bool,
        elapsed: float,
        downtime_seconds: float = 0.0,
    ) -> "Detector":
        """Go on from a snapshot taken `downtime_seconds` ago, in a boot that is at `elapsed`.

        Pass 0 for a downtime that cannot be known. The temperature of a known downtime is
        unknown time and counts towards the food-safety hold.
        """
        moved = moved_to(state, elapsed, max(0.0, downtime_seconds))
        return cls(thresholds, chance, perishable=perishable, state=moved)

    def use(self, thresholds: Thresholds, *, perishable: bool) -> None:
        """Take new thresholds; what is open or latched stays so."""
        self._thresholds = thresholds
        self._perishable = perishable

    def snapshot(self, elapsed: float) -> DetectorState:
        """Return all that must survive a reboot, as of `elapsed`; take it right after a step."""
        return DetectorState(
            elapsed,
            restock=self._restock,
            doors=dict(self._doors),
            boards=dict(self._boards),
            air=dict(self._air),
            warm=dict(self._warm),
            holds=dict(self._holds),
            sensors=dict(self._sensors),
            episodes=self._episodes.open_episodes(),
            recent=self._episodes.recent_raises(),
        )

    @property
    def snapshot_seconds(self) -> float:
        """How old the last kept snapshot may get.

        After a crash its age counts as time without a known temperature: a third of that limit
        leaves two thirds for the reboot before the food-safety hold latches.
        """
        return self._thresholds.hold_unknown_seconds / SNAPSHOTS_PER_UNKNOWN_LIMIT

    def open_episodes(self) -> tuple[Episode, ...]:
        """Return the open episodes, oldest first."""
        return self._episodes.open_episodes()

    def mean_celsius(self, part: str) -> float | None:
        """Return the running mean of a compartment's air, None before its first reading."""
        air = self._air.get(part)
        return air.mean_celsius if air else None

    @property
    def in_service(self) -> bool:
        """Whether a service is going on, as of the last step or reading."""
        return self._restock.in_service

    def service_began(self, elapsed: float) -> None:
        """Mute the door alarms and forgive warm air: a technician is inside."""
        self._restock = self._restock.began(elapsed)

    def service_ended(self, elapsed: float) -> None:
        """End the service; the restock grace runs from the last door closing in it."""
        self._restock = self._restock.ended(elapsed)

    def observe(self, reading: Reading) -> None:
        """Take one reading; outcomes of pulses are not for detection and pass by.

        Raises StepForgottenError.
        """
        self._restock = self._restock.expired(reading.at_elapsed, self._thresholds)
        if isinstance(reading, DoorReading):
            self._observe_door(reading)
        elif isinstance(reading, TemperatureReading):
            self._observe_temperature(reading)
        elif isinstance(reading, DeviceFailure):
            self._observe_failure(reading)

    def report(self, verdict: Verdict) -> None:
        """Take a verdict from elsewhere in the agent (a forged order, a lost store).

        Raises StepForgottenError.
        """
        if len(self._verdicts) >= VERDICTS_WAITING_MAX:
            raise StepForgottenError(f"{VERDICTS_WAITING_MAX} verdicts wait for a step")
        self._verdicts.append(verdict)

    def step(self, elapsed: float, wall: datetime) -> list[Finding]:
        """Apply what was judged since the last step and what time alone has decided."""
        self._restock = self._restock.expired(elapsed, self._thresholds)
        if self._perishable:
            for part, memory in self._holds.items():
                self.report(temp_safety_hold.judged(part, memory, elapsed, self._thresholds))
        verdicts, self._verdicts = self._verdicts, []
        findings = (
            self._episodes.apply(verdict, elapsed, wall, self._thresholds) for verdict in verdicts
        )
        return [finding for finding in findings if finding is not None]

    def release(
        self,
        code: str,
        part: str,
        by: str,
        *,
        elapsed: float,
        cleared_by: ClearedBy = ClearedBy.ONSITE,
    ) -> Cleared:
        """End a latched fault on the word of `by`. Raises NothingLatchedError."""
        cleared = self._episodes.release(code, part, by, cleared_by)
        if code == temp_safety_hold.CODE and part in self._holds:
            self._holds[part] = temp_safety_hold.released(self._holds[part], elapsed)
        return cleared

    def _observe_door(self, reading: DoorReading) -> None:
        door, board = reading.door, reading.device
        before = self._doors.get(door, Streak())
        if reading.state is DoorState.CLOSED and before.good_at is None:
            self._restock = self._restock.door_closed(reading.at_elapsed)
        in_service = self._restock.in_service
        streak = door_open_long.observed(before, reading, in_service=in_service)
        self._doors[door] = streak
        self.report(
            door_open_long.judged(door, streak, self._thresholds, perishable=self._perishable)
        )
        memory = lock_board_comm.observed(self._boards.get(board, BoardMemory()), reading)
        if memory is not self._boards.get(board):
            self._boards[board] = memory
            self.report(lock_board_comm.judged(board, memory, self._thresholds))

    def _observe_temperature(self, reading: TemperatureReading) -> None:
        part = reading.part
        memory = self._sensors.get(part, SensorMemory())
        self._judge_sensor(part, temp_sensor.observed(memory, reading, self._thresholds))
        self._holds.setdefault(part, HoldMemory(known_at=reading.at_elapsed))
        if is_plausible(reading, self._thresholds):
            air = air_after(self._air.get(part), reading, self._thresholds)
            self._observe_air(part, air)

    def _observe_air(self, part: str, air: Air) -> None:
        self._judge_hold_before(part, air)
        self._air[part] = air
        forgiven = self._restock.forgives(air.seen_at, self._thresholds)
        warm = self._warm.get(part, Streak())
        warm = temp_high.observed(warm, air, self._thresholds, forgiven=forgiven)
        self._warm[part] = warm
        self.report(temp_high.judged(part, warm, air, self._thresholds))
        self._holds[part] = temp_safety_hold.observed(
            self._holds[part], air, self._restock, self._thresholds
        )

    def _judge_hold_before(self, part: str, air: Air) -> None:
        """Judge the time until this reading first: the reading ends an unknown stretch."""
        if self._perishable:
            memory = self._holds[part]
            self.report(temp_safety_hold.judged(part, memory, air.seen_at, self._thresholds))

    def _observe_failure(self, failure: DeviceFailure) -> None:
        if failure.kind == "lock_board":
            board = self._boards.get(failure.device, BoardMemory())
            self._boards[failure.device] = board = lock_board_comm.failed(board, failure)
            self.report(lock_board_comm.judged(failure.device, board, self._thresholds))
            return
        for part in failure.parts:
            self._holds.setdefault(part, HoldMemory(known_at=failure.at_elapsed))
            memory = self._sensors.get(part, SensorMemory())
            self._judge_sensor(part, temp_sensor.failed(memory, failure))

    def _judge_sensor(self, part: str, memory: SensorMemory) -> None:
        self._sensors[part] = memory
        self.report(temp_sensor.judged(part, memory, self._thresholds, perishable=self._perishable))
