"""Everything that can happen to a cabinet, by name, for properties over any sequence of it."""

from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from edge_agent.detection.findings import Finding
from edge_agent.detection.thresholds import CN, hurried
from edge_agent.drivers.readings import InputRole, MachinePart, PaymentEvent, RefrigerationAlarm
from tests.edge_agent.detection.cabinet import CLOSED, OPEN, UNKNOWN, Cabinet, Word
from tests.edge_agent.detection.words import (
    air,
    cooling,
    creeping,
    frames,
    frozen,
    latch,
    machine,
    mains,
    pulse,
    reed,
    silent,
    till,
    weight,
    wired,
)

THRESHOLDS = hurried(CN, 64)
"""Sequences of a few dozen words reach every limit; 64 and whole seconds keep arithmetic exact."""

Say = Callable[[], Word]
Move = tuple[str, float, int]
"""What, how many seconds apart, and how often."""

shut = (
    partial(latch, CLOSED),
    partial(reed, CLOSED),
    partial(machine, MachinePart.DOOR, good=True),
)
in_vain = (partial(air, 6.0), partial(cooling, on=True))
WORDS: Mapping[str, tuple[Say, ...]] = {
    "open": (partial(latch, OPEN),),
    "closed": (partial(latch, CLOSED),),
    "unknown": (partial(latch, UNKNOWN),),
    "pulse": (pulse,),
    "rush": (pulse, partial(latch, OPEN), partial(latch, CLOSED)) * 3,
    "ajar": (partial(reed, OPEN), partial(latch, CLOSED)),
    "unlatched": (partial(reed, CLOSED), partial(latch, OPEN)),
    "chatter": (partial(reed, OPEN), partial(reed, CLOSED)) * 3,
    "warm": (partial(air, 9.0),),
    "cool": (partial(air, 3.0),),
    "icy": (partial(air, -4.0),),
    "rail": (partial(frozen, -60.0),),
    "still": (partial(frozen, 3.0),),
    "twins": (partial(air, 1.0, "p1"), partial(air, 8.0, "p2")),
    "works": (partial(air, 2.0), partial(cooling, on=True)),
    "in vain": in_vain,
    "rests": (partial(air, 7.0), partial(cooling, on=False)),
    "cycles": (partial(cooling, on=False), partial(cooling, on=True)) * 4,
    "defrosts": (partial(cooling, defrosting=True),),
    "timed out": (partial(cooling, RefrigerationAlarm.DEFROST_TIMEOUT),),
    "hot": (partial(cooling, RefrigerationAlarm.CONDENSER_HOT),),
    "blind": (partial(cooling, RefrigerationAlarm.PROBE_FAULT),),
    "weighs": (*shut, partial(weight, 500.0)),
    "drifts": (*shut, creeping),
    "at rail": (partial(weight, None, rail=True),),
    "restless": (*shut, partial(weight, 500.0, stable=False)),
    "mains": (partial(mains, present=True),),
    "no mains": (partial(mains, present=False),),
    "battery": (partial(wired, InputRole.BACKUP_BATTERY_GOOD, active=False),),
    "charged": (partial(wired, InputRole.BACKUP_BATTERY_GOOD, active=True),),
    "tilted": (partial(wired, InputRole.TILTED, active=True),),
    "upright": (partial(wired, InputRole.TILTED, active=False),),
    **{str(event): (partial(till, event),) for event in PaymentEvent},
    "resets": (partial(till, PaymentEvent.RESET),) * 3,
    "denials": (partial(till, PaymentEvent.DENIED),) * 9,
    "approvals": (partial(till, PaymentEvent.APPROVED),) * 25,
    "good frames": (partial(frames, 100, 0),),
    "bad frames": (partial(frames, 100, 9),),
    **{
        f"{part} {'good' if good else 'bad'}": (partial(machine, part, good=good),)
        for part in MachinePart
        for good in (True, False)
    },
    **{
        f"no {kind}": (partial(silent, kind, device, *parts),)
        for kind, device, parts in (
            ("lock_board", "locks", ("A",)),
            ("temperature", "probe", ("chiller",)),
            ("refrigeration", "carel", ("chiller", "A")),
            ("scale", "scales", ("top",)),
            ("payment", "qibixx", ("till",)),
            ("spiral_board", "vmc", ("11", "12")),
            ("inputs", "inputs", ("A", "tilted")),
            ("audit", "dex", ()),
        )
    },
    "nothing": (),
}
ACTIONS = ("in", "out", "release")
NAMES = (*WORDS, *ACTIONS)


def play(cabinet: Cabinet, sequence: list[Move]) -> list[Finding]:
    """Play moves; the same moves give the same findings."""
    return [found for move in sequence for found in _played(cabinet, *move)]


def _played(cabinet: Cabinet, what: str, seconds: float, times: int) -> list[Finding]:
    if what == "release":
        return [
            cabinet.detector.release(row.code, row.part, "someone", elapsed=cabinet.elapsed)
            for row in cabinet.detector.open_episodes()
            if row.latched
        ]
    if what in ACTIONS:
        cabinet.service(began=what == "in")
        return []
    words = [word() for word in WORDS[what]]
    return cabinet.run(seconds * times, *words, every=seconds)


def without_ids(findings: list[Finding]) -> list[Finding]:
    """Number the fault ids by first appearance: a reboot draws others."""
    numbers: dict[str, str] = {}
    for finding in findings:
        numbers.setdefault(finding.fault_id, str(len(numbers)))
    return [
        msgspec.structs.replace(finding, fault_id=numbers[finding.fault_id]) for finding in findings
    ]
