"""MA5: lines of the makers, of which we read temperatures, errors and health.

Each maker writes temperatures in its own shape; the shapes are those of the hardware reference
1.3.5 and nothing else is guessed: a line of another shape is kept as it came.

    TEMP*44*6                         whole degrees F (inferred)
    TEMP*45*C*DC   TEMP*380*F         tenths
    DETECTED TEMPERATURE*  600*C      hundredths
    TEMP*Snack*38*F                   a named zone, whole degrees (inferred); OPEN: no sensor
"""

import re

from edge_agent.drivers.audit.grammar import Segment
from edge_agent.drivers.audit.report import Temperature, TemperatureState
from edge_agent.drivers.audit.segment_index import SegmentIndex

LINES_MAX = 200
UNITS = {"C", "F"}
_VALUE = re.compile(r"([+-]?[0-9]{1,6})(\.[0-9]{1,3})?")
_TEMPERATURE = re.compile(r"(?:TEMP[0-9]?|(DETECTED TEMPERATURE))")


def temperatures(index: SegmentIndex) -> tuple[Temperature, ...]:
    """Read the temperatures the makers' lines hold; they also stay in their raw form."""
    found = [_temperature(row) for _, row in index.in_order() if row.id == "MA5"]
    return tuple(row for row in found if row is not None)[:LINES_MAX]


def errors(index: SegmentIndex) -> tuple[str, ...]:
    """Return what stands behind MA5*ERROR."""
    return tuple(
        " ".join(row.elements[1:])
        for _, row in index.in_order()
        if row.id == "MA5" and row.text(1).upper() == "ERROR"
    )[:LINES_MAX]


def health(index: SegmentIndex) -> tuple[str, ...]:
    """Return the MA5*HLTH lines as they came; their meaning is the maker's own."""
    return tuple(
        "*".join(row.elements)
        for _, row in index.in_order()
        if row.id == "MA5" and row.text(1).upper().startswith("HLTH")
    )[:LINES_MAX]


def _temperature(row: Segment) -> Temperature | None:
    label = _TEMPERATURE.fullmatch(row.text(1).upper())
    if label is None:
        return None
    fields = [text.upper() for text in row.elements[1:]]
    zone = "" if not fields or _is_value(fields[0]) else row.text(2)
    value, unit = (*fields[1 if zone else 0 :], "", "")[:2]
    if unit not in UNITS:
        unit = ""
    state, celsius = _measured(
        value, unit or "F", _step(hundredths=bool(label[1]), zone=zone, unit=unit)
    )
    return Temperature(zone, state, celsius, unit or "F", row.elements)


def _is_value(text: str) -> bool:
    return text in {"OPEN", "---", ""} or _VALUE.fullmatch(text) is not None


def _step(*, hundredths: bool, zone: str, unit: str) -> float:
    """Return what one count of a value without a point is worth, in degrees."""
    if hundredths:
        return 0.01
    return 1.0 if zone or not unit else 0.1


def _measured(value: str, unit: str, step: float) -> tuple[TemperatureState, float | None]:
    if value == "OPEN":
        return TemperatureState.OPEN, None
    found = _VALUE.fullmatch(value)
    if found is None:
        return TemperatureState.UNREADABLE, None
    degrees = float(value) if found[2] else int(found[1]) * step
    celsius = degrees if unit == "C" else (degrees - 32) * 5 / 9
    return TemperatureState.OK, round(celsius, 2)
