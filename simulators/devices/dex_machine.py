"""A vending machine's DEX jack, byte for byte (EVA-DTS 6.2, chapter 4); replays any report.

It takes its vocabulary from the driver's frames so that the two cannot drift apart; the tests pin
both to the published vectors. Roles are those of the standard, and of old machines that want to
speak first. Each fault is one that readers meet in the field.
"""

import threading
from dataclasses import dataclass, field

from edge_agent.drivers.audit.dex.frames import (
    DLE,
    SYN,
    Block,
    BlockKind,
    Control,
    DexParser,
    Event,
    Header,
    ResponseCode,
    blocks_of,
    header_of,
)

COMMUNICATION_ID = "QRS7654321"  # of the published vector
RETRY_SECONDS = 1.0
TRIES_MAX = 5
CALL_SECONDS = 1.0  # an old machine calls this often when it wants to speak first
FILLER = bytes((DLE, SYN))


@dataclass(slots=True)
class DexFaults:
    """What the machine does wrong; counts go down as they are used up."""

    silent: bool = False
    speaks_first: bool = False  # master of the first handshake, as old machines are
    response_code: ResponseCode = ResponseCode.OK
    only_revision: str = ""  # answers "wrong version" to any other
    id_before_code: bool = False  # as the standard's worked example prints it
    refuse_headers: int = 0  # NAK instead of ACK
    wait_answers: int = 0  # WACK to this many calls
    filler: bool = False  # DLE SYN inside blocks and before controls
    wrong_crc: int = 0  # so many blocks leave with a wrong CRC
    cut_blocks: int = 0  # so many blocks stop half-way
    dies_in_block: int | None = None  # falls silent for good inside this block
    deaf_to_acks: int = 0  # so many acknowledgements get lost
    asks_again: bool = False  # a lost acknowledgement is asked for with ENQ, not by repeating
    ends_early: bool = False  # EOT before the last block
    keeps_line: bool = False  # no EOT at the end


@dataclass(slots=True)
class _Sending:
    """A turn as master: what is still to be sent."""

    blocks: list[Block]
    then: str
    place: int = -1  # -1: ENQ is out
    tries: int = 1
    due_at: float = field(default=0.0)


class SimulatedDexMachine:
    """The machine. Safe to use from the bus thread and from tests."""

    def __init__(self, report: bytes, *, block_bytes: int = 245) -> None:
        self.faults = DexFaults()
        self.report = report
        self.reports_sent = 0
        self.operations: list[str] = []
        self._block_bytes = block_bytes
        self._parser = DexParser()
        self._lock = threading.RLock()
        self._elapsed = 0.0
        self._sending: _Sending | None = None
        self._next = ""
        self._response = Header(COMMUNICATION_ID, "R00L06", code=ResponseCode.OK)
        self._called_at = 0.0
        self._dead = False

    def tick(self, elapsed: float) -> bytes:
        """Let time pass: repeat what was not answered; an old machine calls."""
        with self._lock:
            self._elapsed = elapsed
            if self._dead or self.faults.silent:
                return b""
            if self._sending is not None:
                return self._repeated(self._sending)
            if self.faults.speaks_first and self._next == "":
                return self._call()
            return b""

    def answer(self, heard: bytes) -> bytes:
        """Take bytes; see SimulatedDevice.answer."""
        with self._lock:
            if self._dead or self.faults.silent:
                return b""
            return b"".join(self._reaction(event) for event in self._parser.feed(heard))

    def _reaction(self, event: Event) -> bytes:
        if isinstance(event, Block):
            return self._header_heard(event)
        if event is Control.ENQ:
            return self._called()
        if event is Control.EOT:
            return self._line_given_back()
        if self._sending is not None and event in {Control.ACK0, Control.ACK1, Control.NAK}:
            return self._advanced(self._sending, event)
        return b""

    def _called(self) -> bytes:
        """Answer the reader's ENQ; a machine that speaks first insists on it."""
        if self.faults.speaks_first and self._next == "":
            return b""
        if self.faults.wait_answers > 0:
            self.faults.wait_answers -= 1
            return self._control(Control.WACK)
        self._sending = None
        return self._control(Control.ACK0)

    def _header_heard(self, block: Block) -> bytes:
        header = header_of(block) if block.is_good else None
        if header is None or self.faults.refuse_headers > 0:
            self.faults.refuse_headers -= 1
            return self._control(Control.NAK)
        if header.operation:
            self.operations.append(header.operation)
        self._next = "transfer" if header.code else self._answer_to(header)
        return self._control(Control.ACK1)

    def _answer_to(self, header: Header) -> str:
        code = self.faults.response_code
        if self.faults.only_revision not in {"", header.revision}:
            code = ResponseCode.WRONG_VERSION
        self._response = Header(COMMUNICATION_ID, header.revision, code=code)
        return "answer"

    def _line_given_back(self) -> bytes:
        """The reader's turn ended: it is ours."""
        if self._next == "answer":
            then = "transfer" if self._response.code is ResponseCode.OK else ""
            return self._begin([self._header_block(self._response)], then)
        if self._next == "transfer":
            return self._begin(blocks_of(self.report, self._block_bytes), "sent")
        return b""

    def _header_block(self, header: Header) -> Block:
        text = header.encode()[2:-4]
        if self.faults.id_before_code and header.code:
            text = text[2:12] + text[:2] + text[12:]
        return Block(BlockKind.HEADER, text, is_last=True, is_good=True)

    def _call(self) -> bytes:
        """An old machine opens the first handshake itself."""
        if self._elapsed - self._called_at < CALL_SECONDS:
            return b""
        self._called_at = self._elapsed
        request = Header(COMMUNICATION_ID, "R00L06", operation="S")
        return self._begin([self._header_block(request)], "await answer")

    def _begin(self, blocks: list[Block], then: str) -> bytes:
        self._sending = _Sending(blocks, then, due_at=self._elapsed + RETRY_SECONDS)
        return self._control(Control.ENQ)

    def _repeated(self, sending: _Sending) -> bytes:
        if self._elapsed < sending.due_at:
            return b""
        sending.tries += 1
        sending.due_at = self._elapsed + RETRY_SECONDS
        if sending.tries > TRIES_MAX:
            self._sending, self._next = None, ""
            return b""
        if sending.place < 0 or self.faults.asks_again:
            return self._control(Control.ENQ)
        return self._wire(sending)

    def _advanced(self, sending: _Sending, answer: Control) -> bytes:
        """Send the next block if the last was acknowledged, or the same again."""
        expected = (Control.ACK0, Control.ACK1)[(sending.place + 1) % 2]
        if answer is expected and self.faults.deaf_to_acks > 0 and sending.place >= 0:
            self.faults.deaf_to_acks -= 1
            return b""
        if answer is expected:
            sending.place += 1
            sending.tries = 0
        sending.due_at = self._elapsed + RETRY_SECONDS
        if sending.place >= len(sending.blocks) or (self.faults.ends_early and sending.place > 0):
            return self._finished(sending)
        return self._wire(sending) if sending.place >= 0 else self._control(Control.ENQ)

    def _finished(self, sending: _Sending) -> bytes:
        self._sending, self._next = None, sending.then
        self.reports_sent += sending.then == "sent"
        if sending.then == "sent":
            self._next = ""
        end = (
            b"" if self.faults.keeps_line and sending.then == "sent" else self._control(Control.EOT)
        )
        if sending.then == "transfer":
            return end + self._line_given_back()
        return end

    def _wire(self, sending: _Sending) -> bytes:
        """Return the bytes of the current block, as the faults leave them."""
        block = sending.blocks[sending.place]
        frame = block.encode()
        if self.faults.filler:
            half = len(frame) // 2
            frame = FILLER + frame[:half] + FILLER + frame[half:]
        if block.kind is BlockKind.DATA:
            return self._broken(frame, sending.place)
        return frame

    def _broken(self, frame: bytes, place: int) -> bytes:
        if self.faults.dies_in_block == place:
            self._dead = True
            return frame[: len(frame) // 2]
        if self.faults.wrong_crc > 0:
            self.faults.wrong_crc -= 1
            return frame[:-1] + bytes((frame[-1] ^ 0xFF,))
        if self.faults.cut_blocks > 0:
            self.faults.cut_blocks -= 1
            return frame[: len(frame) // 2]
        return frame

    def _control(self, control: Control) -> bytes:
        return (FILLER if self.faults.filler else b"") + control.value


def with_check(report: bytes, check: str) -> bytes:
    """Return a report whose G85 holds `check`: the placeholder 2321, say."""
    head, _, tail = report.partition(b"G85*")
    return head + b"G85*" + check.encode() + tail[4:] if tail else report
