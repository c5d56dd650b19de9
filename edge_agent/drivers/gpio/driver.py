"""Digital inputs as a device of a bus: edges as they come, and all levels at each poll.

Levels that a poll asked for are handed on by `hear` like edges, so that readings keep the order in
which the lines moved; a poll by itself only proves that the chip answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from edge_agent.clock import Clock
from edge_agent.drivers.gpio.frames import Bias, Level, LevelParser, Watch, encode_request
from edge_agent.drivers.line import Line, ask
from edge_agent.drivers.polled import ReadOnlyDevice
from edge_agent.drivers.readings import InputReading, InputRole

ANSWER_SECONDS = 0.1  # a call of the kernel; more means that the machine stands still
STAMP_AGE_SECONDS_MAX = 60.0  # a stamp older than any pause of the bus is of another clock
NANOSECONDS = 1_000_000_000
MICROSECONDS_PER_MILLISECOND = 1_000


@dataclass(frozen=True, slots=True)
class Input:
    """One input: its line on the chip and what it is wired to."""

    line: int
    role: InputRole
    active_low: bool = False


class GpioInputs(ReadOnlyDevice):
    """Inputs of one chip by their names in the settings."""

    kind = "inputs"
    speaks_unasked = True

    def __init__(
        self,
        port: Line,
        clock: Clock,
        *,
        name: str,
        inputs: Mapping[str, Input],
        bias: Bias = Bias.PULL_UP,
        debounce_ms: int = 50,
    ) -> None:
        self.name = name
        self.parts = tuple(inputs)
        self._port = port
        self._clock = clock
        self._inputs = {each.line: (part, each) for part, each in inputs.items()}
        period_us = debounce_ms * MICROSECONDS_PER_MILLISECOND
        self._request = encode_request(
            Watch(each.line, each.active_low, bias, period_us) for each in inputs.values()
        )
        self._parser = LevelParser()

    def poll(self) -> tuple[InputReading, ...]:
        """Have all levels told by `hear`. Raises PortGoneError, NoAnswerError."""
        ask(
            self._port,
            self._clock,
            self._request,
            self._all_told,
            device=self.name,
            command="levels",
            answer_seconds=ANSWER_SECONDS,
        )
        return ()

    def hear(self, data: bytes) -> tuple[InputReading, ...]:
        """Edges and levels of our lines."""
        return tuple(
            self._reading(level) for level in self._parser.feed(data) if level.line in self._inputs
        )

    def _all_told(self, heard: bytes) -> bool | None:
        told = {level.line for level in LevelParser().feed(heard) if not level.is_edge}
        return told >= self._inputs.keys() or None

    def _reading(self, level: Level) -> InputReading:
        part, each = self._inputs[level.line]
        now, stamp = self._clock.elapsed(), level.at_ns / NANOSECONDS
        at = stamp if now - STAMP_AGE_SECONDS_MAX <= stamp <= now else now
        return InputReading(self.name, part, each.role, level.active, at)
