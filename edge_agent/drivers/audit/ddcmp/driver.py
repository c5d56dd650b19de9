"""Read a report over DDCMP: start, who are you, read list 2, the blocks, finish.

Only list 2 can be asked for (see `frames.py`). The link starts at 2400 baud and goes as fast as
both sides offer; a machine that falls silent at the higher rate is read at 2400.
"""

from edge_agent.clock import Clock
from edge_agent.drivers.audit.ddcmp import frames
from edge_agent.drivers.audit.ddcmp.frames import BAUD_RATES, Data
from edge_agent.drivers.audit.ddcmp.link import LINK_SECONDS, DdcmpLink
from edge_agent.drivers.audit.grammar import REPORT_BYTES_MAX
from edge_agent.drivers.errors import (
    BadFrameError,
    DeviceRefusedError,
    DeviceSettingsError,
    NoAnswerError,
)
from edge_agent.drivers.line import RatedLine

BAUD_RATE = 2_400  # where every link starts
BAUD_RATE_OFFERED = 9_600  # what an infrared head and a long cable still bear
SESSION_TRIES = 3  # the next poll is half a day away
CODE_MAX = 9_999  # security and pass code: four BCD digits
SKIPPED_MAX = 5  # messages that are neither the reply nor audit data


class DdcmpReader:
    """Reads a machine's report over its DDCMP link."""

    def __init__(
        self,
        line: RatedLine,
        clock: Clock,
        *,
        name: str,
        security_code: int = 0,
        pass_code: int = 0,
        baud_rate_max: int = BAUD_RATE_OFFERED,
    ) -> None:
        for key, code in (("security_code", security_code), ("pass_code", pass_code)):
            if not 0 <= code <= CODE_MAX:
                raise DeviceSettingsError(device=name, key=key, reason=f"not 0 to {CODE_MAX}")
        self._line = line
        self._clock = clock
        self._name = name
        self._codes = (security_code, pass_code)
        self._offer = max(
            (code for code, rate in BAUD_RATES.items() if rate <= baud_rate_max), default=0
        )

    def read_report(self) -> bytes:
        """Return the report's bytes as they came.

        Raises PortGoneError, NoAnswerError, BadFrameError; DeviceRefusedError with the command
        the machine refused (WHO_ARE_YOU: security or pass code).
        """
        offer = self._offer
        for _ in range(SESSION_TRIES - 1):
            try:
                return self._session(offer)
            except (BadFrameError, NoAnswerError):
                offer = 0  # perhaps it was the rate
                self._let_link_end()
        return self._session(offer)

    def _session(self, offer: int) -> bytes:
        self._line.set_baud_rate(BAUD_RATE)
        link = DdcmpLink(self._line, self._clock, device=self._name)
        stack = link.start(offer)
        agreed = BAUD_RATES.get(min(offer, stack.baud_code))
        try:
            if agreed is not None:
                self._line.set_baud_rate(agreed)
            return self._read(link)
        finally:
            self._line.set_baud_rate(BAUD_RATE)

    def _read(self, link: DdcmpLink) -> bytes:
        introduction = frames.who_are_you(*self._codes, self._clock.wall())
        self._ask(link, introduction, frames.WHO_ARE_YOU, "WHO_ARE_YOU")
        self._ask(link, frames.read_audit(), frames.READ_DATA, "READ_DATA")
        report = self._blocks(link)
        try:
            link.send(frames.finish(), "FINISH")
        except NoAnswerError:
            # The report is whole; the machine ends the link by itself after LINK_SECONDS.
            return report
        return report

    def _ask(self, link: DdcmpLink, body: bytes, command: int, name: str) -> None:
        link.send(body, name)
        for _ in range(SKIPPED_MAX):
            reply = link.receive(name).body
            if frames.is_reply(reply, command):
                break
        else:
            raise link.bad_frame(f"{SKIPPED_MAX} messages, none the reply", name)
        reason = frames.refusal(reply)
        if reason is not None:
            text = f"refused, reason {reason:#04x}"
            raise DeviceRefusedError(text, port=self._line.name, device=self._name, command=name)

    @staticmethod
    def _blocks(link: DdcmpLink) -> bytes:
        report = bytearray()
        skipped = 0
        while True:
            message: Data = link.receive("READ_DATA")
            piece = frames.audit_bytes(message.body)
            skipped += piece is None
            report += piece or b""
            if len(report) > REPORT_BYTES_MAX or skipped > SKIPPED_MAX:
                raise link.bad_frame("no end of the report", "READ_DATA")
            if message.is_last and piece is not None:
                return bytes(report)

    def _let_link_end(self) -> None:
        """Be silent until the machine has given up the link, at whatever rate it is."""
        ends_at = self._clock.elapsed() + LINK_SECONDS
        while (left := ends_at - self._clock.elapsed()) > 0:
            self._line.read(left)
