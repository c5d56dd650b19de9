"""The detector: readings in, findings out. It joins the rules and the engine, and reads no clock.

Rules that lean on each other (doors, warm air, the hold) stand here; all others are rows
(`rows.py`). Where several rules judge one (code, part), the worst of what they said last counts.
Rules are asked as readings come; what they judge is applied at the next `step`, which alone knows
the wall time. Deterministic: the same readings, steps and chance give the same findings.
"""

from datetime import datetime
from typing import Any

import msgspec

from edge_agent.detection import (
    door_open_long,
    lock_board_comm,
    temp_high,
    temp_safety_hold,
    temp_sensor,
)
from edge_agent.detection.air import Air, air_after, is_plausible
from edge_agent.detection.audit_events import conditions
from edge_agent.detection.episodes import Episode, Episodes
from edge_agent.detection.findings import Cleared, Finding
from edge_agent.detection.lock_board_comm import BoardMemory
from edge_agent.detection.rows import BY_NAME, BY_READING, BY_TIME
from edge_agent.detection.rule import Look, Rule, worse_if_perishable
from edge_agent.detection.snapshot import DetectorState, moved_to, moved_value
from edge_agent.detection.standing import Standing
from edge_agent.detection.streaks import Streak
from edge_agent.detection.temp_high import Defrost
from edge_agent.detection.temp_safety_hold import HoldMemory
from edge_agent.detection.thresholds import Thresholds
from edge_agent.detection.verdicts import Verdict
from edge_agent.drivers.audit.readings import AuditReading
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.readings import (
    DeviceFailure,
    DoorReading,
    InputReading,
    InputRole,
    MachinePart,
    MachineReading,
    Reading,
    RefrigerationReading,
    TemperatureReading,
)
from edge_agent.errors import MisuseError
from edge_agent.seed import Chance
from protocol.events import ClearedBy

SNAPSHOTS_PER_UNKNOWN_LIMIT = 3
VERDICTS_WAITING_MAX = 8_192  # 16 readings of a full queue; whoever observes must also step


CAUSE_LENGTH_MAX = 60  # some codes of a report; the report itself stands in the journal


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
        self._defrosts = dict(kept.defrosts)
        self._heard: set[str] = set()
        self._reeds = set(kept.reeds)
        self._rows: dict[str, dict[str, Any]] = {
            name: dict(parts) for name, parts in kept.rows.items()
        }
        self._standing = Standing(kept.standing)
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
        downtime = max(0.0, downtime_seconds)
        seconds = elapsed - downtime - state.taken_at
        rows = {
            name: {
                part: moved_value(rule.restored(msgspec.convert(memory, rule.memory)), seconds)
                for part, memory in state.rows[name].items()
            }
            for name, rule in BY_NAME.items()
            if name in state.rows
        }
        moved = msgspec.structs.replace(moved_to(state, elapsed, downtime), rows=rows)
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
            defrosts=dict(self._defrosts),
            reeds=tuple(sorted(self._reeds)),
            rows={name: dict(parts) for name, parts in self._rows.items()},
            standing=self._standing.kept(),
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
        elif isinstance(reading, InputReading | MachineReading):
            self._observe_contact(reading)
        elif isinstance(reading, AuditReading):
            self._observe_audit(reading)
        elif isinstance(reading, RefrigerationReading):
            self._observe_defrost(reading)
        rules = BY_READING.get(type(reading), ())
        if rules:
            look = self._look(reading.at_elapsed)
            for rule in rules:
                self._observe_row(rule, reading, look)

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
        self._judge_by_time(elapsed)
        verdicts, self._verdicts = self._verdicts, []
        findings = (
            self._episodes.apply(self._standing.worst(verdict), elapsed, wall, self._thresholds)
            for verdict in verdicts
        )
        return [finding for finding in findings if finding is not None]

    def was_off(self, seconds: float, elapsed: float) -> None:
        """Take how long no temperature was read before this boot, learnt only now.

        What `restore` was told already need not be told again.
        """
        unknown_seconds = self._thresholds.hold_unknown_seconds
        if self._perishable and seconds >= unknown_seconds:
            for part in self._holds:
                self.report(temp_safety_hold.unread(part, seconds, elapsed, unknown_seconds))

    def release(
        self,
        code: str,
        part: str,
        by: str,
        *,
        elapsed: float,
        cleared_by: ClearedBy = ClearedBy.ONSITE,
    ) -> Cleared:
        """End a latched fault on the word of `by`. Raises NothingLatchedError.

        A compartment that no device of this boot told of is fitted no more: it cannot be held
        again for want of a temperature.
        """
        cleared = self._episodes.release(code, part, by, cleared_by)
        self._standing.forget(code, part)
        if code == temp_safety_hold.CODE and part in self._holds:
            if part in self._heard:
                self._holds[part] = temp_safety_hold.released(self._holds[part], elapsed)
            else:
                del self._holds[part]
        return cleared

    def _look(self, at: float) -> Look:
        return Look(
            at=at,
            thresholds=self._thresholds,
            perishable=self._perishable,
            in_service=self._restock.in_service,
            forgiven=self._restock.forgives(at, self._thresholds),
            doors=self._doors,
            air=self._air,
        )

    def _observe_row(self, rule: Rule, reading: Reading, look: Look) -> None:
        for part in rule.parts(reading):
            memories = self._rows.setdefault(rule.name, {})
            memory = memories.get(part)
            memory = rule.observed(rule.memory() if memory is None else memory, part, reading, look)
            memories[part] = memory
            self._report_row(rule, memory, part, look)

    def _observe_audit(self, reading: AuditReading) -> None:
        """Take what an attached machine says of its own faults; it has held them already."""
        look = self._look(reading.at_elapsed)
        for condition in conditions(reading.report):
            self.report(
                Verdict(
                    condition.code,
                    condition.part or reading.part,
                    condition.condition,
                    severity=worse_if_perishable(condition.code, look),
                    began_at=reading.at_elapsed,
                    cause=" ".join(condition.evidence)[:CAUSE_LENGTH_MAX],
                    source="audit",
                )
            )

    def _judge_by_time(self, elapsed: float) -> None:
        look = self._look(elapsed)
        for rule in BY_TIME:
            for part, memory in self._rows.get(rule.name, {}).items():
                self._report_row(rule, memory, part, look)

    def _report_row(self, rule: Rule, memory: Any, part: str, look: Look) -> None:
        verdict = rule.judged(memory, part, look)
        if verdict is not None:
            self.report(verdict)

    def _observe_contact(self, reading: InputReading | MachineReading) -> None:
        """Watch a door by its reed, or by the door contact of a vending controller."""
        if isinstance(reading, MachineReading):
            if reading.part is not MachinePart.DOOR:
                return
            door, shut = reading.device, reading.good
        elif reading.role is InputRole.DOOR_CLOSED:
            door, shut = reading.part, reading.active
            self._reeds.add(door)
        else:
            return
        state = DoorState.CLOSED if shut else DoorState.OPEN
        self._observe_state(DoorReading(reading.device, door, state, reading.at_elapsed))

    def _observe_state(self, reading: DoorReading) -> None:
        door = reading.door
        before = self._doors.get(door, Streak())
        if reading.state is DoorState.CLOSED and before.good_at is None:
            self._restock = self._restock.door_closed(reading.at_elapsed)
        in_service = self._restock.in_service
        streak = door_open_long.observed(before, reading, in_service=in_service)
        self._doors[door] = streak
        self.report(
            door_open_long.judged(door, streak, self._thresholds, perishable=self._perishable)
        )

    def _observe_door(self, reading: DoorReading) -> None:
        # Where a reed sits on the door it tells more than the latch of the lock.
        if reading.door not in self._reeds:
            self._observe_state(reading)
        board = reading.device
        memory = lock_board_comm.observed(self._boards.get(board, BoardMemory()), reading)
        if memory is not self._boards.get(board):
            self._boards[board] = memory
            self.report(lock_board_comm.judged(board, memory, self._thresholds))

    def _observe_temperature(self, reading: TemperatureReading) -> None:
        part = reading.part
        self._heard.add(part)
        self._holds.setdefault(part, HoldMemory(known_at=reading.at_elapsed))
        if is_plausible(reading, self._thresholds):
            air = air_after(self._air.get(part), reading, self._thresholds)
            self._observe_air(part, air)

    def _observe_air(self, part: str, air: Air) -> None:
        self._judge_hold_before(part, air)
        self._air[part] = air
        defrost = self._defrosts.get(part)
        forgiven = self._restock.forgives(air.seen_at, self._thresholds) or (
            defrost is not None and defrost.runs(air.seen_at)
        )
        warm = self._warm.get(part, Streak())
        warm = temp_high.observed(warm, air, self._thresholds, forgiven=forgiven)
        self._warm[part] = warm
        self.report(temp_high.judged(part, warm, air, self._thresholds))
        self._holds[part] = temp_safety_hold.observed(
            self._holds[part], air, self._restock, self._thresholds
        )

    def _observe_defrost(self, reading: RefrigerationReading) -> None:
        if reading.defrosting:
            self._defrosts[reading.part] = Defrost(reading.at_elapsed)
        else:
            self._defrosts.pop(reading.part, None)

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
        for part in temp_sensor.compartments(failure):
            self._heard.add(part)
            self._holds.setdefault(part, HoldMemory(known_at=failure.at_elapsed))
        if failure.consecutive >= self._thresholds.comm_failed_polls:
            self._reeds.difference_update(failure.parts)  # the lock is the door's only witness now
