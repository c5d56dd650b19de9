"""What everything in a run stands on."""

from dataclasses import dataclass
from pathlib import Path

from simulators.fleet_simulation.dice import Dice
from simulators.fleet_simulation.options import Options
from simulators.fleet_simulation.trace import Trace
from simulators.fleet_simulation.virtual_clock import Timeline


@dataclass(frozen=True)
class Ground:
    """Folder, time, chance, trace and options of one run."""

    folder: Path
    timeline: Timeline
    dice: Dice
    trace: Trace
    options: Options
