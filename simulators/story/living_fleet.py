"""A small fleet that lives: the cabinets of the story, with shoppers, until told to stop."""

import threading
from collections.abc import Callable

from simulators.errors import SimulatorError
from simulators.story import step_1_sell
from simulators.story.stage import PIN, Stage

BETWEEN_PURCHASES_SECONDS = 3.0
LOW_UNITS = 3


def live(stage: Stage, stop: threading.Event, tell: Callable[[str], None]) -> None:
    """Set up the cabinets of step 1 and keep selling; loads again what runs low.

    `tell` hears where each cabinet's own touch page is.
    """
    step_1_sell.play(stage)
    for name, cabinet in stage.cabinets.items():
        tell(f"screen of {name}: http://127.0.0.1:{cabinet.ports.local}/   PIN {PIN}")
    slots = list(step_1_sell.PLAN)
    turn = 0
    while not stop.wait(BETWEEN_PURCHASES_SECONDS):
        for cabinet in stage.cabinets.values():
            shopper = stage.shoppers[turn % len(stage.shoppers)]
            try:
                shopper.buy(cabinet, slots[turn % len(slots)])
                if step_1_sell.units_inside(cabinet) <= LOW_UNITS * len(slots):
                    stage.load(cabinet, step_1_sell.LOADS)
            except SimulatorError:
                if not stop.is_set():  # Ctrl-C reaches the agents too
                    raise
        turn += 1
