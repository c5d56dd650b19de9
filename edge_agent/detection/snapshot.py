"""The state of detection as it is kept across a reboot, where elapsed time starts anew.

Every field whose name ends in `_at` is elapsed seconds (`_ats`: several), so one function moves a
whole state to another boot's scale.
"""

from typing import Any, TypeVar

import msgspec

from edge_agent.detection.air import Air
from edge_agent.detection.episodes import Episode, RecentRaises
from edge_agent.detection.lock_board_comm import BoardMemory
from edge_agent.detection.restock import Restock
from edge_agent.detection.streaks import Streak
from edge_agent.detection.temp_high import Defrost
from edge_agent.detection.temp_safety_hold import HoldMemory
from edge_agent.detection.verdicts import Verdict


class DetectorState(msgspec.Struct, frozen=True):
    """Everything the detector remembers; JSON-able by msgspec. Keys are parts or devices."""

    taken_at: float
    restock: Restock = Restock()
    doors: dict[str, Streak] = {}
    boards: dict[str, BoardMemory] = {}
    air: dict[str, Air] = {}
    warm: dict[str, Streak] = {}
    holds: dict[str, HoldMemory] = {}
    defrosts: dict[str, Defrost] = {}
    reeds: tuple[str, ...] = ()
    rows: dict[str, dict[str, Any]] = {}
    """Name of a rule that is a row -> part -> its memory; read back by the rule's own type."""
    standing: tuple[Verdict, ...] = ()
    episodes: tuple[Episode, ...] = ()
    recent: tuple[RecentRaises, ...] = ()


Moved = TypeVar("Moved")


def moved_to(state: DetectorState, elapsed: float, downtime_seconds: float) -> DetectorState:
    """Move a state to this boot: it was taken `downtime_seconds` before `elapsed`."""
    return moved_value(state, elapsed - downtime_seconds - state.taken_at)


def moved_value(value: Moved, seconds: float) -> Moved:
    """Move every `_at` inside a struct, dict or tuple by `seconds`."""
    if isinstance(value, msgspec.Struct):
        fields = {
            name: _moved_field(name, getattr(value, name), seconds)
            for name in value.__struct_fields__
        }
        return type(value)(**fields)
    return value


def _moved_field(name: str, value: Any, seconds: float) -> Any:
    if value is None:
        return None
    if name.endswith("_at"):
        return value + seconds
    if name.endswith("_ats"):
        return tuple(at + seconds for at in value)
    if isinstance(value, dict):
        return {key: moved_value(inner, seconds) for key, inner in value.items()}
    if isinstance(value, tuple):
        return tuple(moved_value(inner, seconds) for inner in value)
    return moved_value(value, seconds)
