"""Read a report over DEX: two handshakes, then the blocks (EVA-DTS 6.2, chapter 4).

Whoever speaks first is master of the first handshake, the other of the second. New machines wait
for the reader; old ones want to speak first. The first ENQ heard behind ours may be an echo of the
adapter; the second can only be the machine's, and makes us the slave.

Only reading is asked for (`R`). Every CRC is checked: what fails is asked for again, with NAK.
"""

from edge_agent.clock import Clock
from edge_agent.drivers.audit.dex.frames import (
    HEADER_REQUEST,
    Block,
    BlockKind,
    Control,
    Event,
    Header,
    ResponseCode,
    header_of,
)
from edge_agent.drivers.audit.dex.link import DexLink
from edge_agent.drivers.audit.grammar import REPORT_BYTES_MAX
from edge_agent.drivers.errors import BadFrameError, DeviceRefusedError, NoAnswerError
from edge_agent.drivers.line import Line

BAUD_RATE = 9_600
COMMUNICATION_ID = "1234567890"  # of the standard's example; machines in the field accept it
REVISIONS = ("R00L06", "R01L01")  # the second for machines that refuse the first as unknown
ANSWER_SECONDS = 1.0  # a sender waits this long for an answer, which comes within 0.95 s
MASTER_SECONDS = 10.0  # the machine takes its time to gather the report
INACTIVITY_SECONDS = 2.0  # silence inside a transfer ends it
CONTENTION_SECONDS = 1.5  # an old machine repeats its ENQ each second
SESSION_PAUSE_SECONDS = 0.1
ENQ_TRIES = 5
BLOCK_TRIES = 5
WACKS_MAX = 20  # each is one ANSWER_SECONDS: a machine that is busy for 20 s is broken
HANDSHAKES_MAX = 3  # one of each side, and one for a machine that begins again
SESSION_TRIES = 3  # the next poll is half a day away


class DexReader:
    """Reads a machine's report from its DEX jack."""

    def __init__(
        self, line: Line, clock: Clock, *, name: str, communication_id: str = COMMUNICATION_ID
    ) -> None:
        self._line = line
        self._clock = clock
        self._name = name
        self._communication_id = communication_id

    def read_report(self) -> bytes:
        """Return the report's bytes as they came.

        Raises PortGoneError, NoAnswerError, BadFrameError; DeviceRefusedError with the name of
        the machine's response code.
        """
        revisions = list(REVISIONS)
        for _ in range(SESSION_TRIES - 1):
            try:
                return self._session(revisions[0])
            except (BadFrameError, NoAnswerError):
                self._line.read(SESSION_PAUSE_SECONDS)
            except DeviceRefusedError as refusal:
                if refusal.reason != ResponseCode.WRONG_VERSION.name or len(revisions) < 2:
                    raise
                revisions.pop(0)
                self._line.read(SESSION_PAUSE_SECONDS)
        return self._session(revisions[0])

    def _session(self, revision: str) -> bytes:
        link = DexLink(self._line, self._clock, device=self._name)
        request = Header(self._communication_id, revision, operation=HEADER_REQUEST)
        consent = Header(self._communication_id, revision, code=ResponseCode.OK)
        is_master = _take_line(link)
        if is_master:
            _send_header(link, request)
        for _ in range(HANDSHAKES_MAX):
            heard = _Receiver(link).receive(is_called=not is_master)
            if isinstance(heard, bytes):
                return heard
            is_master = True
            if heard.code is None:  # the machine asked; in its turn it waits for our answer
                is_master = _take_line(link)
                if is_master:
                    _send_header(link, consent)
            elif heard.code is not ResponseCode.OK:
                raise self._refused(heard.code)
        raise link.bad_frame("handshakes without end", "handshake")

    def _refused(self, code: ResponseCode) -> DeviceRefusedError:
        return DeviceRefusedError(
            code.name, port=self._line.name, device=self._name, command="read report"
        )


def _take_line(link: DexLink) -> bool:
    """Become master; False if the machine is and has just called us. Raises NoAnswerError."""
    tries, waits = 0, 0
    while tries < ENQ_TRIES and waits < WACKS_MAX:
        link.send(Control.ENQ.value)
        answer = link.expect({Control.ACK0, Control.WACK, Control.ENQ}, ANSWER_SECONDS)
        if answer is Control.ENQ:  # an echo, or theirs; an echo comes once
            wanted = {Control.ACK0, Control.WACK, Control.ENQ}
            answer = link.expect(wanted, CONTENTION_SECONDS)
            if answer is Control.ENQ:
                return False
        if answer is Control.WACK:
            waits += 1
            answer = link.expect({Control.ACK0}, ANSWER_SECONDS)
        else:
            tries += 1
        if answer is Control.ACK0:
            return True
    raise link.no_answer(f"no answer to {tries + waits} calls", "ENQ")


def _send_header(link: DexLink, header: Header) -> None:
    """Send a header as master until it is acknowledged, and give the line back."""
    answer: Control | None = None
    for _ in range(BLOCK_TRIES):
        link.send(header.encode())
        answer = _acknowledged(link)
        if answer is Control.ACK1:
            link.send(Control.EOT.value)
            return
    if answer is Control.NAK:
        raise link.bad_frame(f"header refused {BLOCK_TRIES} times", "header")
    raise link.no_answer("header not acknowledged", "header")


def _acknowledged(link: DexLink) -> Control | None:
    """Wait for the answer to a block; a machine that says wait is asked again with ENQ."""
    wanted = {Control.ACK1, Control.ACK0, Control.NAK, Control.WACK}
    for _ in range(WACKS_MAX):
        answer = link.expect(wanted, ANSWER_SECONDS)
        if answer is not Control.WACK:
            return answer
        late = link.expect(wanted - {Control.WACK}, ANSWER_SECONDS)
        if late is not None:
            return late
        link.send(Control.ENQ.value)
    return None


class _Receiver:
    """The slave's side of one exchange: a header, or the blocks of a report."""

    def __init__(self, link: DexLink) -> None:
        self._link = link
        self._acks = (Control.ACK0, Control.ACK1)
        self._good = 0  # blocks taken; its parity is that of the acknowledgement
        self._bad = 0
        self._acknowledged_at = 0.0
        self._last: Block | None = None
        self._header: Header | None = None
        self._report = bytearray()
        self._is_whole = False

    def receive(self, *, is_called: bool) -> bytes | Header:
        """Wait for the machine's ENQ, unless it has come, and take what it sends."""
        if not is_called and not self._link.expect({Control.ENQ}, MASTER_SECONDS):
            raise self._link.no_answer("the machine did not begin to send", "transfer")
        self._acknowledge()
        while (event := self._link.next_event(INACTIVITY_SECONDS)) is not Control.EOT:
            if event is None or (self._is_whole and self._begins_anew(event)):
                break
            if event is Control.ENQ:  # our acknowledgement was lost
                self._count_bad("asked for an acknowledgement")
                self._acknowledge()
            elif isinstance(event, Block):
                self._take(event)
        return self._result(ended=event is Control.EOT)

    @staticmethod
    def _begins_anew(event: Event) -> bool:
        """Tell a new handshake from the end of a transfer whose EOT was lost."""
        return isinstance(event, Block) and event.kind is BlockKind.HEADER

    def _take(self, block: Block) -> None:
        header = header_of(block) if block.kind is BlockKind.HEADER else None
        if not block.is_good or (block.kind is BlockKind.HEADER and header is None):
            self._refuse()
            return
        if not self._is_repeated(block):
            self._good += 1
            self._bad = 0
            self._last = block
            self._header = header
            if header is None:
                self._report += block.data
                self._is_whole = block.is_last
        if len(self._report) > REPORT_BYTES_MAX:
            raise self._link.bad_frame(f"more than {REPORT_BYTES_MAX} bytes", "transfer")
        self._acknowledge()

    def _is_repeated(self, block: Block) -> bool:
        """Tell a block sent again from an equal one: a sender waits its full time before."""
        waited = self._link.elapsed() - self._acknowledged_at
        return block == self._last and waited >= ANSWER_SECONDS * 0.9

    def _refuse(self) -> None:
        self._count_bad("block wrong")
        self._link.send(Control.NAK.value)

    def _count_bad(self, what: str) -> None:
        self._bad += 1
        if self._bad > BLOCK_TRIES:
            raise self._link.bad_frame(f"{what} {self._bad} times", "transfer")

    def _acknowledge(self) -> None:
        self._link.send(self._acks[self._good % 2].value)
        self._acknowledged_at = self._link.elapsed()

    def _result(self, *, ended: bool) -> bytes | Header:
        """Give what came; a lost EOT behind the last block costs nothing."""
        if self._header is not None:
            return self._header
        if self._is_whole:
            return bytes(self._report)
        how = "ended" if ended else "fell silent"
        reason = f"{how} after {self._good} blocks, before the last"
        make = self._link.bad_frame if ended or self._good else self._link.no_answer
        raise make(reason, "transfer")
