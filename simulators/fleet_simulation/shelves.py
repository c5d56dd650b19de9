"""What truly stands in a cabinet and who truly took it, beside every book that is kept of it."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from edge_agent.drivers.lock_board.readings import DoorState
from edge_agent.drivers.readings import PulseFailed, PulseSent, Reading

LOCKS = "locks"


@dataclass(frozen=True)
class Unit:
    """One piece of goods."""

    gtin: str
    lot: str
    expiry: date


@dataclass
class Purchase:
    """What a shopper knows of one payment."""

    reference: str
    slot: str
    at: float
    unit: Unit | None = None
    """What was taken, if the door opened."""
    was_empty: bool = False
    """The door opened and nothing was inside: an earlier vend in doubt took the piece."""
    excused: bool = False
    """The cabinet's store was lost before it could tell."""


@dataclass
class Shelves:
    """Doors, goods and hands of one cabinet. It does what `drivers.buses.Devices` promises."""

    slots: tuple[str, ...]
    units: dict[str, deque[Unit]] = field(default_factory=dict)
    state: dict[str, DoorState] = field(default_factory=dict)
    purchases: dict[str, Purchase] = field(default_factory=dict)
    pulses: dict[str, int] = field(default_factory=dict)
    """Order -> how often a lock moved for it."""
    outcomes: list[tuple[str, str, bool]] = field(default_factory=list)
    why_not: Callable[[Unit], str] = lambda _unit: ""
    """Why a piece must not be sold now, by the oracle; empty when it may."""
    forbidden: list[str] = field(default_factory=list)
    """Sales that must not have been."""
    buying: Purchase | None = None
    """The payment the agent is asked about at this moment."""
    hand_on_door: bool = False
    """Somebody pushes the doors shut once they were polled: a hand is slower than a poll."""
    stuck: bool = False
    dead: bool = False
    """The lock board does not answer."""

    def __post_init__(self) -> None:
        self.state = dict.fromkeys(self.slots, DoorState.CLOSED)
        self.units = {slot: deque() for slot in self.slots}

    def start(self) -> None:
        """Nothing polls: the simulation puts the readings."""

    def stop(self) -> None:
        """Nothing runs."""

    def check(self) -> None:
        """No thread can be dead."""

    def poll_soon(self, device: str) -> None:
        """Everything is polled in each step anyway."""

    def set_units(self, slot: str, units: int) -> None:
        """No motor slots here."""

    def pulse(self, door: str, order: str) -> None:
        """Move a lock, if the board answers and nothing is stuck."""
        self.outcomes.append((door, order, not self.dead))
        if self.dead:
            return
        self.pulses[order] = self.pulses.get(order, 0) + 1
        if self.stuck:
            return
        self.state[door] = DoorState.OPEN
        if self.buying is not None and self.buying.slot == door:
            self._hand_out(self.buying)

    def _hand_out(self, purchase: Purchase) -> None:
        units = self.units[purchase.slot]
        if not units:
            purchase.was_empty = True
            return
        why = self.why_not(units[0])
        if why:
            self.forbidden.append(f"{purchase.reference}: {units[0]} is sold, {why}")
        purchase.unit = units.popleft()

    def close(self) -> None:
        """Every door is pushed shut."""
        self.state = dict.fromkeys(self.slots, DoorState.CLOSED)

    def push(self) -> None:
        """Push the doors shut, but not before the board could see them open."""
        self.hand_on_door = True

    def seen(self) -> None:
        """The board told how the doors stand."""
        if self.hand_on_door:
            self.hand_on_door = False
            self.close()

    def told(self, at: float) -> list[Reading]:
        """What the lock board says of the pulses since it was asked."""
        readings: list[Reading] = [
            PulseSent(LOCKS, door, order, at)
            if sent
            else PulseFailed(LOCKS, door, order, "NoAnswerError", "the board is dead", at)
            for door, order, sent in self.outcomes
        ]
        self.outcomes.clear()
        return readings
