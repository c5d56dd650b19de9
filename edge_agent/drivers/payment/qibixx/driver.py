"""Ask a Qibixx adapter, start its mode, hand on what it says unasked; payment commands in bounds.

The adapter forgets its mode when it reboots, so the mode is started whenever it was silent. It
tells changes only: while it answers, its last standing word stands and is repeated at each poll.
A vend that got no result within its time becomes an ERROR of ours, for somebody must settle it.
"""

from collections.abc import Callable
from enum import StrEnum

from edge_agent.clock import Clock
from edge_agent.drivers.errors import (
    AmountError,
    BadFrameError,
    DeviceRefusedError,
    DriverError,
    NoAnswerError,
    WrongModeError,
)
from edge_agent.drivers.line import Line, ask
from edge_agent.drivers.payment.qibixx.frames import (
    Said,
    Word,
    WordParser,
    command,
    said,
    text_of,
)
from edge_agent.drivers.polled import ReadOnlyDevice
from edge_agent.drivers.readings import PaymentEvent, PaymentReading

BAUD_RATE = 115_200  # api-general
POLL_SECONDS = 5.0  # changes come unasked; this only finds silence, after 25 s
ANSWER_SECONDS = 1.0  # a word takes 5 ms on the wire; the adapter answers between MDB polls
VERSION_TRIES = 2  # one lost byte must not restart a mode that runs
RESULT_SECONDS_MAX = 120.0  # a reader announces up to 30 s, an elevator takes a minute
AMOUNT_MINOR_MAX = 99_999_999

STANDING = (PaymentEvent.INACTIVE, PaymentEvent.DISABLED, PaymentEvent.ENABLED)
RESULTS = (
    PaymentEvent.APPROVED,
    PaymentEvent.DENIED,
    PaymentEvent.VENDED,
    PaymentEvent.ERROR,
)


class Mode(StrEnum):
    """What the adapter is on the MDB: a reader for a machine, or the machine for a reader."""

    CASHLESS_SLAVE = "cashless_slave"
    CASHLESS_MASTER = "cashless_master"


class QibixxAdapter(ReadOnlyDevice):
    """An adapter alone on its port. Every method runs in the bus thread."""

    kind = "payment"
    poll_seconds: float | None = POLL_SECONDS
    speaks_unasked = True

    def __init__(
        self,
        line: Line,
        clock: Clock,
        *,
        name: str,
        part: str,
        mode: Mode,
        decimals: int = 2,
        always_idle: bool = True,
    ) -> None:
        self.name = name
        self.parts = (part,)
        self._line = line
        self._clock = clock
        self._part = part
        self._mode = mode
        self._decimals = decimals
        self._start_word = "2" if always_idle and mode is Mode.CASHLESS_MASTER else "1"
        self._parser = WordParser()
        self._started = False
        self._standing: PaymentEvent | None = None
        self._result_due_at: float | None = None
        self._vend_begun = False

    def poll(self) -> tuple[PaymentReading, ...]:
        """Ask for the version, start the mode if need be, repeat what stands.

        Raises NoAnswerError, BadFrameError, PortGoneError; then the mode is started anew.
        """
        try:
            self._ask_version()
            if not self._started and self._result_due_at is None:
                self._start()  # never while a payment is under way: it would end the session
            if self._mode is Mode.CASHLESS_MASTER:
                self._keep_reader_enabled()
        except DriverError:
            self._started = False
            raise
        late = self._late_result()
        if self._mode is Mode.CASHLESS_MASTER or self._standing is None:
            return late  # the master's state is the answer to D,STATUS, which is heard
        return (self._reading(Said(self._standing)), *late)

    def hear(self, data: bytes) -> tuple[PaymentReading, ...]:
        """What the adapter says, asked for or not."""
        readings: list[PaymentReading] = []
        for word in self._parser.feed(data):
            if (told := said(word, self._decimals)) is not None:
                readings += [self._reading(each) for each in self._noted(told)]
        return tuple(readings)

    def start_session(self, credit_minor: int) -> None:
        """Slave: offer the machine a credit. Raises DeviceRefusedError (not enabled, say)."""
        self._only(Mode.CASHLESS_SLAVE, "C,START")
        self._order(("C", "START", self._text(credit_minor)), _is("c", ("STATUS", "IDLE")))

    def approve_vend(self, amount_minor: int) -> None:
        """Slave: approve the vend the machine asked for. VENDED or ERROR follows by `hear`.

        Raises DeviceRefusedError when no vend waits. Silence proves nothing: do not repeat it.
        """
        self._only(Mode.CASHLESS_SLAVE, "C,VEND")
        self._await_result(vend_begun=True)
        taken = _is("r", ("ACK",)), _is("c", ("VEND", "SUCCESS"))
        self._order(("C", "VEND", self._text(amount_minor)), *taken)

    def end_session(self) -> None:
        """Slave: deny the vend, or end the session. Raises DeviceRefusedError when none is on."""
        self._only(Mode.CASHLESS_SLAVE, "C,STOP")
        self._order(("C", "STOP"), _is("c", ("STATUS",)))

    def request_vend(self, amount_minor: int, item: int) -> None:
        """Master: ask the reader for an amount. APPROVED or DENIED follows by `hear`.

        Raises DeviceRefusedError when the reader cannot be asked now.
        """
        self._only(Mode.CASHLESS_MASTER, "D,REQ")
        self._await_result(vend_begun=False)
        taken = _is("d", ("STATUS", "VEND")), _is("d", ("STATUS", "RESULT"))
        self._order(("D", "REQ", self._text(amount_minor), str(item)), *taken)

    def cancel_request(self) -> None:
        """Master: take the request back before the reader decided."""
        self._only(Mode.CASHLESS_MASTER, "D,REQ,-1")
        self._result_due_at = None
        self._order(("D", "REQ", "-1"), _is("d", ("STATUS",)))

    def end_vend(self, item: int, *, dispensed: bool) -> None:
        """Master: tell the reader that the goods came (money is taken) or not (it is given back).

        Raises DeviceRefusedError when no approved vend is open.
        """
        self._only(Mode.CASHLESS_MASTER, "D,END")
        self._order(("D", "END", str(item) if dispensed else "-1"), _is("d", ("STATUS", "IDLE")))

    def _ask_version(self) -> None:
        for _ in range(VERSION_TRIES - 1):
            try:
                self._ask(("V",), _is("v", ()))
            except (BadFrameError, NoAnswerError):
                continue
            return
        self._ask(("V",), _is("v", ()))

    def _start(self) -> None:
        """Start the mode; an adapter whose mode is on already says so by an error."""
        speaker = "C" if self._mode is Mode.CASHLESS_SLAVE else "D"
        self._standing = None
        self._ask((speaker, self._start_word), lambda word: word.speaker == speaker.lower())
        self._started = True

    def _keep_reader_enabled(self) -> None:
        """Enable a reader that waits for it, and ask how it stands; both answers are heard."""
        if self._standing is PaymentEvent.DISABLED:
            self._line.write(command("D", "READER", "1"))
        self._line.write(command("D", "STATUS"))

    def _await_result(self, *, vend_begun: bool) -> None:
        self._result_due_at = self._clock.elapsed() + RESULT_SECONDS_MAX
        self._vend_begun = vend_begun

    def _noted(self, told: Said) -> list[Said]:
        """What a word means after those before it."""
        before, events = self._standing, [told]
        if told.event in STANDING:
            self._standing = told.event
        fell = told.event is PaymentEvent.INACTIVE and before not in (None, told.event)
        if fell and self._mode is Mode.CASHLESS_SLAVE:
            # Only a RESET of the VMC makes a cashless device inactive (MDB/ICP 4.3, 7.2).
            events.insert(0, Said(PaymentEvent.RESET, detail=f"inactive after {before}"))
        if told.event is PaymentEvent.SESSION:
            self._vend_begun = True  # states heard until now are older than the request
        elif told.event in RESULTS:
            self._result_due_at = None
        elif self._vend_begun and self._result_due_at is not None and told.event in STANDING:
            self._result_due_at = None
            events.append(Said(PaymentEvent.ERROR, detail=f"no vend result before {told.event}"))
        return events

    def _late_result(self) -> tuple[PaymentReading, ...]:
        due_at = self._result_due_at
        if due_at is None or self._clock.elapsed() < due_at:
            return ()
        self._result_due_at = None
        detail = f"no vend result within {RESULT_SECONDS_MAX:g} s"
        return (self._reading(Said(PaymentEvent.ERROR, detail=detail)),)

    def _order(self, fields: tuple[str, ...], *taken: Callable[[Word], bool]) -> None:
        """Give a command once and wait for its answer, or for its refusal."""
        text, speaker = ",".join(fields), fields[0].lower()

        def fits(word: Word) -> bool:
            if word.speaker == speaker and word.begins("ERR"):
                self._result_due_at = None
                port = self._line.name
                raise DeviceRefusedError(word.text, port=port, device=self.name, command=text)
            return any(fit(word) for fit in taken)

        self._ask(fields, fits)

    def _ask(self, fields: tuple[str, ...], fits: Callable[[Word], bool]) -> Word:
        return ask(
            self._line,
            self._clock,
            command(*fields),
            lambda heard: next((word for word in WordParser().feed(heard) if fits(word)), None),
            device=self.name,
            command=",".join(fields),
            answer_seconds=ANSWER_SECONDS,
        )

    def _text(self, amount_minor: int) -> str:
        if not 0 < amount_minor <= AMOUNT_MINOR_MAX:
            raise AmountError(device=self.name, amount_minor=amount_minor)
        return text_of(amount_minor, self._decimals)

    def _only(self, mode: Mode, text: str) -> None:
        if self._mode is not mode:
            raise WrongModeError(device=self.name, mode=self._mode, command=text)

    def _reading(self, told: Said) -> PaymentReading:
        at, amount = self._clock.elapsed(), told.amount_minor
        return PaymentReading(self.name, self._part, told.event, at, amount, told.detail)


def _is(speaker: str, fields: tuple[str, ...]) -> Callable[[Word], bool]:
    return lambda word: word.speaker == speaker and word.begins(*fields)
