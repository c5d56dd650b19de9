"""An FA FB vending controller: it is master and polls every 200 ms, we answer within 100 ms.

So `hear` does all the talking and `poll` never writes. Of several frames heard at once only the
last is answered: the time of the others is over, and the board repeats what it still needs. What
is told is kept until it is handed on, because an answer may meet a port that is gone.
"""

import logging
from collections.abc import Mapping

from edge_agent.clock import Clock
from edge_agent.drivers.errors import DeviceRefusedError, NoAnswerError
from edge_agent.drivers.line import Line
from edge_agent.drivers.polled import Order, SetUnits
from edge_agent.drivers.readings import DispenseEnded, DispenseOutcome, Reading
from edge_agent.drivers.spiral_board.fa_fb.conversation import Conversation, Sending
from edge_agent.drivers.spiral_board.fa_fb.dispensing import (
    TAKE_SECONDS,
    Dispensing,
    Outcome,
    OutcomesTold,
)
from edge_agent.drivers.spiral_board.fa_fb.frames import (
    ACK,
    FaFbCommand,
    FaFbFrame,
    FaFbParser,
    fields_of,
    text_of,
)
from edge_agent.drivers.spiral_board.fa_fb.machine import Machine, MachineNames
from edge_agent.drivers.spiral_board.fa_fb.vend_command import VendCommand

BAUD_RATE = 57_600
UNITS_MAX = 255  # one byte on the wire
SILENT_SECONDS = 3.0  # fifteen polls; one lost poll is nothing
BYTE_GAP_SECONDS = 0.1  # a frame of 38 bytes takes 7 ms: after this its rest will not come
QUIET_SECONDS = 1.0  # since the last dispensing status: a trailing word must not end the next order
ASK_EVERY_SECONDS = 10.0  # door and air are watched by it; each question takes one of 50 polls
SYNCHRONIZE_EVERY_SECONDS = 10.0  # at most: board and host may each ask the other for it

QUESTION_OF = {
    FaFbCommand.MACHINE_STATUS: FaFbCommand.ASK_MACHINE,
    FaFbCommand.DELIVERY_STATUS: FaFbCommand.ASK_DELIVERY,
    FaFbCommand.SELECTION_STATUS: FaFbCommand.CHECK_SELECTION,
}

log = logging.getLogger(__name__)


class FaFbController:
    """One controller, alone on its port. Methods run in the bus thread only."""

    kind = "spiral_board"
    poll_seconds: float | None = None
    speaks_unasked = True

    def __init__(
        self,
        line: Line,
        clock: Clock,
        names: MachineNames,
        selections: Mapping[str, int],
        vend: VendCommand,
    ) -> None:
        self.name = names.device
        self.parts = self.targets = tuple(selections)
        self._line = line
        self._clock = clock
        self._selections = dict(selections)
        self._vend = vend
        self._parser = FaFbParser()
        self._conversation = Conversation()
        self._machine = Machine(names)
        self._dispensing: Dispensing | None = None
        self._doubt: Dispensing | None = None
        self._outcomes = OutcomesTold()
        self._told: list[Reading] = []
        self._bytes_at = self._polled_at = clock.elapsed()
        self._was_polled = False
        self._status_at = -QUIET_SECONDS
        self._wants_synchronizing = True
        self._synchronized_at = -SYNCHRONIZE_EVERY_SECONDS
        self._ask_at = clock.elapsed()

    def poll(self) -> tuple[Reading, ...]:
        """Tell what is due. Raises NoAnswerError when the board does not poll us."""
        now = self._clock.elapsed()
        self._settle(now)
        if not self._told and self._is_silent(now):
            reason = f"the board has not polled for {SILENT_SECONDS} s"
            raise NoAnswerError(reason, port=self._line.name, device=self.name, command="POLL")
        return self._take_told()

    def hear(self, data: bytes) -> tuple[Reading, ...]:
        """Take what the board said and answer it. Raises PortGoneError; nothing told is lost."""
        now = self._clock.elapsed()
        if now - self._bytes_at > BYTE_GAP_SECONDS:
            self._parser.forget()
        self._bytes_at = now
        frames = self._parser.feed(data)
        for frame in frames:
            self._take(frame, now)
        self._settle(now)
        if frames:
            self._answer(frames[-1], now)
        return self._take_told()

    def carry_out(self, order: Order) -> tuple[Reading, ...]:
        """Begin one dispensing; its end follows as DispenseEnded or PulseFailed, told once.

        An order that was given before moves nothing again. Raises DeviceRefusedError while
        another dispensing is or may be under way, NoAnswerError when the board is silent.
        """
        now = self._clock.elapsed()
        self._settle(now)
        if (outcome := self._outcomes.of(order.order_id)) is not None:
            return (outcome,)
        if self._dispensing is not None and self._dispensing.order.order_id == order.order_id:
            return ()
        self._refuse_if_busy(order, now)
        selection = self._selections[order.target]
        sending = self._vend.sending(selection)
        self._dispensing = Dispensing(self.name, order, selection, sending, now)
        return ()

    def set_units(self, order: SetUnits) -> None:
        """Tell the board what lies in a slot; 0 is how a slot is paused.

        The known protocol has no command to pause a selection. Read it back by the
        SelectionReading that follows. Raises DeviceRefusedError when too many commands wait.
        """
        slot = order.target
        fields = {"selection": self._selections[slot], "inventory": min(order.units, UNITS_MAX)}
        text = text_of(FaFbCommand.SET_INVENTORY, **fields)
        if not self._conversation.send(Sending(FaFbCommand.SET_INVENTORY, text)):
            raise self._refusal(Order(slot, ""), "too many commands wait for the board")
        self._wants_synchronizing = True

    def _take(self, frame: FaFbFrame, now: float) -> None:
        if frame.command == FaFbCommand.POLL:
            if self._is_silent(now):
                self._wants_synchronizing = True
            self._polled_at, self._was_polled = now, True
        elif frame.command == FaFbCommand.ACK:
            self._conversation.acknowledged()
        elif self._conversation.is_news(frame):
            self._understand(frame, now)

    def _understand(self, frame: FaFbFrame, now: float) -> None:
        fields = fields_of(frame)
        if fields is None:
            known = {"command": frame.command, "text": frame.text.hex(" "), "device": self.name}
            log.warning("fa_fb.unread", extra=known)
            return
        command = FaFbCommand(frame.command)
        if command in QUESTION_OF:
            self._conversation.answered(QUESTION_OF[command])
        if command is FaFbCommand.SYNCHRONIZE:
            self._conversation.board_restarted()
            self._wants_synchronizing = True
        elif command is FaFbCommand.DISPENSING_STATUS:
            self._take_status(fields["selection"], fields["status"], now)
        else:
            self._told += self._machine.readings(command, fields, now)

    def _take_status(self, selection: int, status: int, now: float) -> None:
        self._status_at = now
        dispensing, doubt = self._dispensing, self._doubt
        if dispensing is not None and dispensing.may_be_moving:
            if dispensing.selection == selection:
                self._conversation.answered(self._vend.command)
                if (ended := dispensing.heard(status, now)) is not None:
                    self._end(ended)
        elif (
            doubt is not None
            and doubt.selection == selection
            and doubt.heard(status, now) is not None
        ):
            self._doubt = None

    def _answer(self, last: FaFbFrame, now: float) -> None:
        if last.command == FaFbCommand.ACK:
            return
        if last.command != FaFbCommand.POLL:
            self._line.write(ACK.encode())
            return
        self._plan(now)
        self._line.write(self._conversation.answer_poll(now))

    def _plan(self, now: float) -> None:
        """Queue the order, or the next question when nothing more important waits."""
        if self._dispensing is not None:
            waits = not self._dispensing.may_be_moving
            if waits and now - self._status_at >= QUIET_SECONDS:
                self._conversation.send(self._dispensing.sending, first=True)
            return
        if not self._conversation.is_idle:
            return
        since = now - self._synchronized_at
        if self._wants_synchronizing and since >= SYNCHRONIZE_EVERY_SECONDS:
            self._wants_synchronizing, self._synchronized_at = False, now
            self._conversation.send(Sending(FaFbCommand.SYNCHRONIZE))
        elif now >= self._ask_at:
            self._ask_at = now + ASK_EVERY_SECONDS
            self._conversation.send(Sending(FaFbCommand.ASK_MACHINE))
            self._conversation.send(Sending(FaFbCommand.ASK_DELIVERY))

    def _settle(self, now: float) -> None:
        """End what can wait no longer."""
        if self._doubt is not None and now >= self._doubt.doubtful_until:
            self._doubt = None
        dispensing = self._dispensing
        if dispensing is None:
            return
        if (overdue := dispensing.overdue(now)) is not None:
            self._doubt = dispensing
            self._end(overdue)
        elif now - dispensing.given_at >= TAKE_SECONDS and self._conversation.withdraw(
            dispensing.sending
        ):
            self._end(dispensing.never_sent(now))

    def _end(self, outcome: Outcome) -> None:
        self._dispensing = None
        self._outcomes.remember(outcome)
        self._told.append(outcome)
        self._ask_at = outcome.at_elapsed
        if isinstance(outcome, DispenseEnded) and outcome.outcome is not DispenseOutcome.DISPENSED:
            selection = self._selections[outcome.slot]
            text = text_of(FaFbCommand.CHECK_SELECTION, selection=selection, reserved=0)
            self._conversation.send(Sending(FaFbCommand.CHECK_SELECTION, text))

    def _refuse_if_busy(self, order: Order, now: float) -> None:
        if self._dispensing is not None:
            raise self._refusal(order, f"{self._dispensing.order.target} is being dispensed")
        if self._doubt is not None:
            target = self._doubt.order.target
            raise self._refusal(order, f"the board may still be dispensing {target}")
        if not self._was_polled or self._is_silent(now):
            raise NoAnswerError(
                "the board does not poll",
                port=self._line.name,
                device=self.name,
                command=f"{self._vend.command.name} {order.target}",
            )

    def _refusal(self, order: Order, reason: str) -> DeviceRefusedError:
        command = f"{self._vend.command.name} {order.target}"
        return DeviceRefusedError(reason, port=self._line.name, device=self.name, command=command)

    def _is_silent(self, now: float) -> bool:
        return now - self._polled_at > SILENT_SECONDS

    def _take_told(self) -> tuple[Reading, ...]:
        told, self._told = tuple(self._told), []
        return told
