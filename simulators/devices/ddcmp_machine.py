"""A vending machine's DDCMP link, byte for byte (EVA-DTS 6.2, chapters 3 and 6).

It replays any report, answers at the rate agreed on, and counts which lists are read. List 1 would
reset the driver's interval counters (at the first vend behind FINISH; here at FINISH).
"""

import threading
from collections import deque
from dataclasses import dataclass, replace

from edge_agent.drivers.audit.ddcmp.frames import (
    ACCEPTED,
    AUDIT_DATA,
    BAUD_RATES,
    COMMAND,
    ERROR_BODY_CRC,
    FINISH,
    NUMBERS,
    READ_DATA,
    REPLY,
    WHO_ARE_YOU,
    Ack,
    Data,
    DdcmpParser,
    Message,
    Nack,
    Stack,
    Start,
)

RETRY_SECONDS = 0.17
ATTEMPTS = 5
LINK_SECONDS = 5.0
START_BAUD_CODE = 2
LIST_WITH_RESET = 1
WRONG_CODE = 0x01
UNKNOWN_COMMAND = 0x02


@dataclass(slots=True)
class DdcmpFaults:
    """What the machine does wrong; counts go down as they are used up."""

    silent: bool = False
    ignored_starts: int = 0
    refuse_messages: int = 0  # NACK instead of ACK
    refuses_codes: bool = False
    refuses_reading: bool = False
    deaf_to_acks: int = 0
    wrong_crc: int = 0  # so many audit blocks leave with a wrong CRC
    cut_blocks: int = 0  # so many stop half-way
    dies_in_block: int | None = None  # falls silent for good inside this block, from 0
    acknowledges_in_data: bool = False  # no ACK of its own before a reply
    deaf_at_rate: bool = False  # promises a rate its line does not bear
    ends_without_ack: bool = False  # does not acknowledge FINISH


class SimulatedDdcmpMachine:
    """The machine. Safe to use from the bus thread and from tests."""

    def __init__(
        self,
        report: bytes,
        *,
        security_code: int = 0,
        pass_code: int = 0,
        baud_code: int = 0,
        block_bytes: int = 120,
    ) -> None:
        self.faults = DdcmpFaults()
        self.report = report
        self.baud_rate = BAUD_RATES[START_BAUD_CODE]
        self.lists_read: list[int] = []
        self.counter_resets = 0
        self.reports_sent = 0
        self.commands: list[int] = []
        self._codes = bytes.fromhex(f"{security_code:04}{pass_code:04}")
        self._baud_code = baud_code
        self._block_bytes = block_bytes
        self._parser = DdcmpParser()
        self._lock = threading.RLock()
        self._elapsed = 0.0
        self._dead = False
        self._heard_at = 0.0
        self._due_at = 0.0
        self._tries = 0
        self._waiting: deque[Data] = deque()
        self._received = 0
        self._sent = 0

    def tick(self, elapsed: float) -> bytes:
        """Let time pass: repeat what was not acknowledged, give up a dead link."""
        with self._lock:
            self._elapsed = elapsed
            if elapsed - self._heard_at > LINK_SECONDS:
                self._end_link()
            if self._dead or not self._waiting or elapsed < self._due_at:
                return b""
            self._tries += 1
            if self._tries > ATTEMPTS:
                self._waiting.clear()
                return b""
            return self._wire(self._waiting[0])

    def answer(self, heard: bytes) -> bytes:
        """Take bytes; see SimulatedDevice.answer."""
        with self._lock:
            self._heard_at = self._elapsed
            if self._dead or self.faults.silent:
                return b""
            return b"".join(self._reaction(message) for message in self._parser.feed(heard))

    def _reaction(self, message: Message) -> bytes:
        if isinstance(message, Start):
            return self._started(message)
        if isinstance(message, Data):
            return self._data_heard(message)
        if isinstance(message, Ack):
            return self._acknowledged(message.received)
        if isinstance(message, Nack) and self._waiting:
            return self._wire(self._waiting[0])
        return b""

    def _started(self, start: Start) -> bytes:
        if self.faults.ignored_starts > 0:
            self.faults.ignored_starts -= 1
            return b""
        self._waiting.clear()
        self._received = self._sent = 0
        agreed = min(start.baud_code, self._baud_code)
        if agreed in BAUD_RATES:
            self.baud_rate = 0 if self.faults.deaf_at_rate else BAUD_RATES[agreed]
        return Stack(self._baud_code, start.baud_code).encode()

    def _data_heard(self, message: Data) -> bytes:
        if not message.is_good or self.faults.refuse_messages > 0:
            self.faults.refuse_messages -= message.is_good
            return Nack(self._received, ERROR_BODY_CRC).encode()
        if message.number != (self._received + 1) % NUMBERS:
            return Ack(self._received).encode()
        self._received = message.number
        self._carry_out(message.body)
        is_end = message.body[1:2] == bytes((FINISH,))
        if is_end:
            self._end_link()
        if is_end and self.faults.ends_without_ack:
            return b""
        silent = self.faults.acknowledges_in_data and self._waiting
        return (b"" if silent else Ack(self._received).encode()) + self._next()

    def _carry_out(self, body: bytes) -> None:
        command = body[1] if body[:1] == bytes((COMMAND,)) and len(body) > 1 else 0
        self.commands.append(command)
        if command == WHO_ARE_YOU:
            is_known = body[3:7] == self._codes and not self.faults.refuses_codes
            self._reply(command, b"\x01CFM" if is_known else None, WRONG_CODE)
        elif command == READ_DATA:
            self._read(body)
        elif command == FINISH:
            self.counter_resets += self.lists_read[-1:] == [LIST_WITH_RESET]
        else:
            self._reply(command, None, UNKNOWN_COMMAND)

    def _read(self, body: bytes) -> None:
        if self.faults.refuses_reading:
            self._reply(READ_DATA, None, UNKNOWN_COMMAND)
            return
        self.lists_read.append(body[3])
        size = len(self.report).to_bytes(2, "little") if len(self.report) < 0x10000 else b"\0\0"
        self._reply(READ_DATA, bytes((body[3], 1, 0, 0)) + size, 0)
        starts = range(0, max(1, len(self.report)), self._block_bytes)
        for number, start in enumerate(starts):
            piece = self.report[start : start + self._block_bytes]
            self._queue(bytes((AUDIT_DATA, number & 0xFF)) + piece)
        self._waiting[-1] = replace(self._waiting[-1], is_last=True)

    def _reply(self, command: int, content: bytes | None, reason: int) -> None:
        said = bytes((ACCEPTED,)) + content if content is not None else bytes((0, reason))
        self._queue(bytes((REPLY, command)) + said)

    def _queue(self, body: bytes) -> None:
        self._sent = (self._sent + 1) % NUMBERS
        self._waiting.append(Data(self._sent, 0, body))

    def _acknowledged(self, number: int) -> bytes:
        if not self._waiting or number != self._waiting[0].number:
            return b""
        if self.faults.deaf_to_acks > 0:
            self.faults.deaf_to_acks -= 1
            return b""
        done = self._waiting.popleft()
        self.reports_sent += done.is_last
        return self._next()

    def _next(self) -> bytes:
        self._tries = 0
        return self._wire(self._waiting[0]) if self._waiting else b""

    def _wire(self, message: Data) -> bytes:
        """Return the bytes of a message, as the faults leave them."""
        self._due_at = self._elapsed + RETRY_SECONDS
        frame = replace(message, received=self._received).encode()
        if message.body[0] != AUDIT_DATA:
            return frame
        if self.faults.dies_in_block == message.body[1]:
            self._dead = True
            return frame[: len(frame) // 2]
        if self.faults.wrong_crc > 0:
            self.faults.wrong_crc -= 1
            return frame[:-1] + bytes((frame[-1] ^ 0xFF,))
        if self.faults.cut_blocks > 0:
            self.faults.cut_blocks -= 1
            return frame[: len(frame) // 2]
        return frame

    def _end_link(self) -> None:
        """Forget the session; the next one starts at the starting rate."""
        self._waiting.clear()
        self._parser = DdcmpParser()
        self.baud_rate = BAUD_RATES[START_BAUD_CODE]
