"""The only importer of gpiod: a chip of the kernel's GPIO character device, uAPI v2.

libgpiod 2 Python bindings (package gpiod >= 2.1; signatures checked against 2.5.0). Stamps are of
the monotonic clock, so that a board without a clock battery does not spoil durations.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import gpiod
from gpiod.line import Bias as LineBias
from gpiod.line import Clock, Direction, Edge, Value

from edge_agent.drivers.gpio.debounce import Change
from edge_agent.drivers.gpio.frames import Bias, Watch

CONSUMER = "edge-agent"  # what gpioinfo shows as the owner of our lines
_BIAS = {
    Bias.AS_IS: LineBias.AS_IS,
    Bias.DISABLED: LineBias.DISABLED,
    Bias.PULL_UP: LineBias.PULL_UP,
    Bias.PULL_DOWN: LineBias.PULL_DOWN,
}


class GpiodChip:
    """An opened chip."""

    def __init__(self, path: str) -> None:
        self._chip = gpiod.Chip(path)

    def request(self, watches: Sequence[Watch], *, debounced: bool) -> "GpiodLines":
        """Request lines as inputs with both edges. Raises OSError."""
        config: dict[Iterable[int | str] | int | str, gpiod.LineSettings | None] = {
            watch.line: _settings(watch, debounced=debounced) for watch in watches
        }
        request = self._chip.request_lines(config, consumer=CONSUMER)
        return GpiodLines(request, [watch.line for watch in watches])

    def close(self) -> None:
        """Close the chip."""
        self._chip.close()


class GpiodLines:
    """Requested lines."""

    def __init__(self, request: "gpiod.LineRequest", numbers: list[int]) -> None:
        self._request = request
        self._numbers = numbers

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for an edge. Raises OSError."""
        return bool(self._request.wait_edge_events(timeout_seconds))

    def edges(self, most: int) -> list[Change]:
        """Edges that wait; never blocks after `wait` said that there is one. Raises OSError."""
        rising = gpiod.EdgeEvent.Type.RISING_EDGE
        return [
            Change(event.line_offset, event.event_type is rising, event.timestamp_ns)
            for event in self._request.read_edge_events(most)
        ]

    def levels(self) -> dict[int, bool]:
        """Level of each line, as debounced as its edges. Raises OSError."""
        values = self._request.get_values(self._numbers)
        return {
            number: value is Value.ACTIVE
            for number, value in zip(self._numbers, values, strict=True)
        }

    def release(self) -> None:
        """Give the lines back."""
        self._request.release()


def _settings(watch: Watch, *, debounced: bool) -> "gpiod.LineSettings":
    return gpiod.LineSettings(
        direction=Direction.INPUT,
        edge_detection=Edge.BOTH,
        bias=_BIAS[watch.bias],
        active_low=watch.active_low,
        debounce_period=timedelta(microseconds=watch.debounce_us if debounced else 0),
        event_clock=Clock.MONOTONIC,
    )
