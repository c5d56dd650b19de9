"""Every rule that is a row, found by the type of reading it looks at.

Doors left open, lock boards, the mean temperature and the food-safety hold stand in the detector
itself: they lean on each other.
"""

from collections.abc import Mapping

from edge_agent.detection import (
    bus_errors,
    compressor,
    controller_alarms,
    door_edges,
    door_feedback,
    inputs,
    machine_parts,
    payment,
    scales,
    silent_devices,
    temp_low,
    temp_probes_differ,
    temp_sensor,
)
from edge_agent.detection.rule import Rule

RULES: tuple[Rule, ...] = (
    temp_low.RULE,
    temp_sensor.RULE,
    temp_probes_differ.RULE,
    *controller_alarms.RULES,
    *compressor.RULES,
    *door_edges.RULES,
    *door_feedback.RULES,
    *inputs.RULES,
    silent_devices.RULE,
    bus_errors.RULE,
    *payment.RULES,
    *scales.RULES,
    machine_parts.RULE,
)
BY_NAME: Mapping[str, Rule] = {rule.name: rule for rule in RULES}
BY_READING: Mapping[type, tuple[Rule, ...]] = {
    kind: tuple(rule for rule in RULES if kind in rule.readings)
    for kind in {kind for rule in RULES for kind in rule.readings}
}
BY_TIME = tuple(rule for rule in RULES if rule.by_time)
