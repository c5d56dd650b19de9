"""A detector with its clock, driven by what people see: doors, degrees, silence.

`run` plays any of the words of `words.py` together; the methods beside it are the usual ones alone.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from edge_agent.detection.detector import Detector
from edge_agent.detection.findings import Finding, Raised, Repeated
from edge_agent.detection.snapshot import DetectorState
from edge_agent.detection.thresholds import CN, Thresholds
from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.readings import (
    DeviceFailure,
    DoorReading,
    PulseSent,
    Reading,
    TemperatureReading,
)
from edge_agent.seed import Chance

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
CLOSED, OPEN, UNKNOWN = DoorState.CLOSED, DoorState.OPEN, DoorState.UNKNOWN

Word = Callable[[float], Reading]
"""What one device says at an elapsed second."""


class Cabinet:
    """Doors A on board `locks`, air in `chiller`; readings every `every` seconds."""

    def __init__(self, thresholds: Thresholds = CN, *, perishable: bool = True) -> None:
        self.thresholds = thresholds
        self.perishable = perishable
        self.elapsed = 1_000.0
        self.wall = START
        self.detector = Detector(thresholds, Chance.from_seed(1), perishable=perishable)
        self.late_seconds = 0.0
        """How late every second word comes: inputs are stamped by the kernel, not when heard."""

    def run(self, seconds: float, *words: Word, every: float = 1.0) -> list[Finding]:
        """Have these devices say their word again and again for so long, then step each time."""
        findings: list[Finding] = []
        for _ in range(round(seconds / every)):
            self._advance(every)
            for turn, word in enumerate(words):
                self.detector.observe(word(self.elapsed - self.late_seconds * (turn % 2)))
            findings += self.detector.step(self.elapsed, self.wall)
        return findings

    def say(self, *words: Word) -> list[Finding]:
        """Have each device say its word once, a second later."""
        return self.run(1.0, *words)

    def open_codes(self) -> set[str]:
        """Codes of the open episodes."""
        return {episode.code for episode in self.detector.open_episodes()}

    def door(self, state: DoorState, seconds: float, every: float = 1.0) -> list[Finding]:
        """Read the door so for so long."""
        return self._play(seconds, every, lambda at: DoorReading("locks", "A", state, at))

    def pulse(self) -> None:
        """Send the opening pulse to the door, as a sale does."""
        self.detector.observe(PulseSent("locks", "A", "order", self.elapsed))

    def air(
        self, celsius: float, seconds: float, every: float = 5.0, humidity: float | None = None
    ) -> list[Finding]:
        """Read this temperature for so long; its last digit moves, as a living probe's does."""
        flip = [0.0]

        def reading(at: float) -> TemperatureReading:
            flip[0] = 0.01 - flip[0]
            return TemperatureReading("probe", "chiller", celsius + flip[0], humidity, at)

        return self._play(seconds, every, reading)

    def frozen_air(self, celsius: float, seconds: float, humidity: float = 50) -> list[Finding]:
        """Read the very same value for so long."""
        return self._play(
            seconds, 10.0, lambda at: TemperatureReading("probe", "chiller", celsius, humidity, at)
        )

    def silence(self, device: str, seconds: float, every: float = 1.0) -> list[Finding]:
        """Fail every poll of `locks` or `probe` for so long."""
        kind, part = ("lock_board", "A") if device == "locks" else ("temperature", "chiller")
        count = [0]

        def failure(at: float) -> DeviceFailure:
            count[0] += 1
            return DeviceFailure(device, kind, "NoAnswerError", "", count[0], (part,), at)

        return self._play(seconds, every, failure)

    def wait(self, seconds: float) -> list[Finding]:
        """Let time pass without any reading, then step."""
        self._advance(seconds)
        return self.detector.step(self.elapsed, self.wall)

    def reboot(self, downtime_seconds: float, *, elapsed: float = 5.0) -> None:
        """Go off and on: state through JSON, elapsed time anew."""
        raw = msgspec.json.encode(self.detector.snapshot(self.elapsed))
        self.elapsed = elapsed
        self.wall += timedelta(seconds=downtime_seconds)
        self.detector = Detector.restore(
            msgspec.json.decode(raw, type=DetectorState),
            self.thresholds,
            Chance.from_seed(2),
            perishable=self.perishable,
            elapsed=elapsed,
            downtime_seconds=downtime_seconds,
        )

    def service(self, *, began: bool) -> None:
        """Begin or end a service."""
        if began:
            self.detector.service_began(self.elapsed)
        else:
            self.detector.service_ended(self.elapsed)

    def _play(self, seconds: float, every: float, reading: Word) -> list[Finding]:
        return self.run(seconds, reading, every=every)

    def _advance(self, seconds: float) -> None:
        self.elapsed += seconds
        self.wall += timedelta(seconds=seconds)


def told(findings: list[Finding]) -> list[str]:
    """Write findings as short words: `+CODE severity`, `*CODE severity count`, `-CODE`."""
    return [_told(finding) for finding in findings]


def _told(finding: Finding) -> str:
    if isinstance(finding, Raised):
        return f"+{finding.code} {finding.severity}"
    if isinstance(finding, Repeated):
        return f"*{finding.code} {finding.severity} {finding.count}"
    return f"-{finding.code}"
