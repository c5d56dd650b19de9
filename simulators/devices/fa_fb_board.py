"""An FA FB vending controller with spirals, byte for byte ("VMC - Upper computer" V3.0).

It is master: it polls every 200 ms by its own `tick`, repeats what is not acknowledged up to five
times with the same packet number, and carries out a command once by its packet number. What it
truly turned and dropped is counted, so that tests can compare it with what it made us believe.
"""

import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from edge_agent.drivers.spiral_board.fa_fb.frames import (
    ACK,
    NUMBERS,
    POLL,
    FaFbCommand,
    FaFbFrame,
    FaFbParser,
    fields_of,
    text_of,
)
from edge_agent.seed import Chance

POLL_SECONDS = 0.2
TRIES_MAX = 5
DISPENSE_SECONDS = 1.0
ELEVATOR_SECONDS = 8.0  # added where the elevator rides
PRICE_MINOR = 350
CAPACITY = 8
BOOT_SECONDS = 2.5  # longer than the host repeats a command, as any controller takes
DISPENSING, DISPENSED, JAMMED, RUNS_ON = 0x01, 0x02, 0x03, 0x04
NO_MOTOR, ELEVATOR, TAKE_OUT, ABORTED = 0x06, 0x07, 0x24, 0xFF
NORMAL, OUT_OF_STOCK, ABSENT, PAUSED = 1, 2, 3, 4


@dataclass(slots=True)
class FaFbFaults:
    """Faults of the machine by selection, and of the wire as probabilities 0..1."""

    jammed: set[int] = field(default_factory=set)
    without_motor: set[int] = field(default_factory=set)
    motor_runs_on: set[int] = field(default_factory=set)
    never_ends: set[int] = field(default_factory=set)
    aborts: set[int] = field(default_factory=set)
    says_take_out_too: bool = False
    says_only_the_end: bool = False
    delivery_door_open: bool = False
    elevator_error: bool = False
    temperature_controller_bad: bool = False
    silent: bool = False
    deaf: bool = False
    ignores_numbers: bool = False
    loses_heard: float = 0.0
    loses_ack: float = 0.0
    loses_status: float = 0.0
    loses_other: float = 0.0
    wrong_check: float = 0.0


@dataclass(slots=True)
class _Ending:
    """A status that follows when the motor is done."""

    at: float
    status: int
    selection: int


class SimulatedFaFbBoard:
    """The controller. Safe to use from the bus thread and from people's threads."""

    def __init__(
        self, chance: Chance, stock: Mapping[int, int], *, temperature_celsius: int = 4
    ) -> None:
        self.faults = FaFbFaults()
        self.temperature_celsius = temperature_celsius
        self.main_door_open = False
        self.paused: set[int] = set()
        self.inventory = dict(stock)
        self.turns: Counter[int] = Counter()
        self.dropped: Counter[int] = Counter()
        self.heard: list[FaFbFrame] = []
        self.slowest_answer_seconds = 0.0
        self._spiral = dict(stock)
        self._chance = chance
        self._lock = threading.RLock()
        self._parser = FaFbParser()
        self._elapsed = 0.0
        self._next_at = 0.0
        self._asked_at: float | None = None
        self._number = 1
        self._taken: int | None = None
        self._outbox: deque[tuple[FaFbCommand, bytes]] = deque()
        self._tries = 0
        self._endings: list[_Ending] = []

    def restart(self) -> None:
        """Lose power for a moment: motors stop, numbers are forgotten, synchronization is asked."""
        with self._lock:
            self._outbox.clear()
            self._tries, self._number, self._taken = 0, 1, None
            self._endings.clear()
            self._next_at = self._elapsed + BOOT_SECONDS
            self._tell(FaFbCommand.SYNCHRONIZE, b"")

    def select_at_keypad(self, selection: int) -> None:
        """Let somebody buy at the machine itself."""
        with self._lock:
            self._dispense(selection, drop_sensor=True, elevator=False)

    def tick(self, elapsed: float) -> bytes:
        """Let time pass: end a dispensing; every 200 ms say what waits, or poll."""
        with self._lock:
            self._elapsed = elapsed
            for ending in [ending for ending in self._endings if elapsed >= ending.at]:
                self._endings.remove(ending)
                self._end(ending)
            if elapsed < self._next_at or self.faults.silent:
                return b""
            self._next_at = elapsed + POLL_SECONDS
            self._asked_at = elapsed
            return self._arriving(self._next_frame())

    def answer(self, heard: bytes) -> bytes:
        """Take what the host says; return the ACK of a command."""
        with self._lock:
            if self.faults.silent or self.faults.deaf:
                return b""
            frames = self._parser.feed(heard)
            return b"".join(self._answer_frame(frame) for frame in frames)

    def _next_frame(self) -> FaFbFrame:
        if self._tries >= TRIES_MAX:
            self._outbox.popleft()
            self._tries = 0
        if not self._outbox:
            return POLL
        self._tries += 1
        command, text = self._outbox[0]
        return FaFbFrame(command, self._number, text)

    def _answer_frame(self, frame: FaFbFrame) -> bytes:
        if self._chance.happens(self.faults.loses_heard):
            return b""
        if self._asked_at is not None:
            waited = self._elapsed - self._asked_at
            self.slowest_answer_seconds = max(self.slowest_answer_seconds, waited)
            self._asked_at = None
        if frame.command == FaFbCommand.ACK:
            if self._tries > 0:
                self._outbox.popleft()
                self._tries, self._number = 0, self._number % NUMBERS + 1
            return b""
        self.heard.append(frame)
        if frame.number != self._taken or self.faults.ignores_numbers:
            self._taken = frame.number
            self._carry_out(frame)
        return self._arriving(ACK)

    def _carry_out(self, frame: FaFbFrame) -> None:
        fields = fields_of(frame)
        if fields is None:
            return
        command, selection = FaFbCommand(frame.command), fields.get("selection", 0)
        if command is FaFbCommand.DRIVE:
            flags = {name: bool(fields[name]) for name in ("drop_sensor", "elevator")}
            self._dispense(selection, **flags)
        elif command is FaFbCommand.BUY:
            self._dispense(selection, drop_sensor=True, elevator=False)
        elif command is FaFbCommand.SYNCHRONIZE:
            for known in self.inventory:
                self._tell_info(known)
        elif command is FaFbCommand.SET_INVENTORY:
            self.inventory[selection] = fields["inventory"]
        elif command is FaFbCommand.CHECK_SELECTION:
            status = {"status": self._status_of(selection), "selection": selection}
            self._tell(
                FaFbCommand.SELECTION_STATUS, text_of(FaFbCommand.SELECTION_STATUS, **status)
            )
        elif command is FaFbCommand.ASK_MACHINE:
            self._tell(FaFbCommand.MACHINE_STATUS, self._machine_text())
        elif command is FaFbCommand.ASK_DELIVERY:
            self._tell(FaFbCommand.DELIVERY_STATUS, bytes((self._delivery_status(),)))

    def _dispense(self, selection: int, *, drop_sensor: bool, elevator: bool) -> None:
        """Turn at once, also while another turns: the harshest board there could be."""
        if not self.faults.says_only_the_end:
            self._tell_status(DISPENSING, selection)
        status = self._turn(selection, drop_sensor=drop_sensor, elevator=elevator)
        seconds = DISPENSE_SECONDS + (ELEVATOR_SECONDS if elevator else 0.0)
        never = float("inf")
        at = never if selection in self.faults.never_ends else self._elapsed + seconds
        self._endings.append(_Ending(at, status, selection))

    def _turn(self, selection: int, *, drop_sensor: bool, elevator: bool) -> int:
        """Turn the motor; return how it will end."""
        if selection not in self._spiral or selection in self.faults.without_motor:
            return NO_MOTOR
        if selection in self.faults.aborts:
            return ABORTED
        if elevator and self.faults.elevator_error:
            return ELEVATOR
        self.turns[selection] += 1
        drops = self._spiral[selection] > 0 and selection not in self.faults.jammed
        if drops:
            self._spiral[selection] -= 1
            self.dropped[selection] += 1
        if selection in self.faults.motor_runs_on:
            return RUNS_ON
        return DISPENSED if drops or not drop_sensor else JAMMED

    def _end(self, ending: _Ending) -> None:
        self._tell_status(ending.status, ending.selection)
        if ending.status == DISPENSED and self.faults.says_take_out_too:
            self._tell_status(TAKE_OUT, ending.selection)
        if ending.status == DISPENSED and self.inventory.get(ending.selection, 0) > 0:
            self.inventory[ending.selection] -= 1
            self._tell_info(ending.selection)

    def _tell(self, command: FaFbCommand, text: bytes) -> None:
        self._outbox.append((command, text))

    def _tell_status(self, status: int, selection: int) -> None:
        text = text_of(FaFbCommand.DISPENSING_STATUS, status=status, selection=selection)
        self._tell(FaFbCommand.DISPENSING_STATUS, text)

    def _tell_info(self, selection: int) -> None:
        text = text_of(
            FaFbCommand.SELECTION_INFO,
            selection=selection,
            price=PRICE_MINOR,
            inventory=self.inventory[selection],
            capacity=CAPACITY,
            product=selection,
            status=int(selection in self.paused),
        )
        self._tell(FaFbCommand.SELECTION_INFO, text)

    def _status_of(self, selection: int) -> int:
        if selection not in self.inventory:
            return ABSENT
        if selection in self.paused:
            return PAUSED
        return NORMAL if self.inventory[selection] else OUT_OF_STOCK

    def _machine_text(self) -> bytes:
        """Build the 32 bytes that machines were captured with."""
        parts = (0, 1, 0, int(self.faults.temperature_controller_bad))
        temperature = self.temperature_celsius & 0xFF
        head = bytes((*parts, temperature, int(self.main_door_open)))
        return head + bytes(8) + b"0" * 10 + bytes((temperature,)) + b"\xaa" * 7

    def _delivery_status(self) -> int:
        if self.faults.delivery_door_open:
            return 2
        return 3 if self.faults.elevator_error else 0

    def _arriving(self, frame: FaFbFrame) -> bytes:
        """Return what the host gets of a frame."""
        losses = {
            FaFbCommand.ACK: self.faults.loses_ack,
            FaFbCommand.DISPENSING_STATUS: self.faults.loses_status,
        }
        if self._chance.happens(losses.get(FaFbCommand(frame.command), self.faults.loses_other)):
            return b""
        wire = frame.encode()
        if self._chance.happens(self.faults.wrong_check):
            return wire[:-1] + bytes((wire[-1] ^ 0xFF,))
        return wire
