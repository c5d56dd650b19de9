"""Ask a Modbus device for all rows of its profile; bounded tries, shared line."""

from collections.abc import Callable
from typing import TypeVar

from edge_agent.clock import Clock
from edge_agent.drivers.errors import (
    BadFrameError,
    DeviceRefusedError,
    NoAnswerError,
    NotWritableError,
)
from edge_agent.drivers.line import Line, ask
from edge_agent.drivers.modbus.frames import (
    ModbusException,
    ReadAnswer,
    ReadRequest,
    WriteRequest,
    Written,
    find_answer,
    find_written,
)
from edge_agent.drivers.modbus.profile import Block, Profile, blocks_of

READ_TRIES = 2  # one lost byte is not a failed poll; more would hold up the bus of a dead device

Answer = TypeVar("Answer", ReadAnswer, Written)


class ModbusDevice:
    """One device at one address of a bus, read by its profile."""

    def __init__(
        self, line: Line, clock: Clock, *, name: str, address: int, profile: Profile
    ) -> None:
        self._line = line
        self._clock = clock
        self._name = name
        self._address = address
        self._answer_seconds = profile.answer_seconds
        self._asked = tuple((block, block.request(address)) for block in blocks_of(profile))
        self._writes = {row.name: row for row in profile.writes}

    @property
    def port(self) -> str:
        """Name of the line it hangs on."""
        return self._line.name

    @property
    def writable(self) -> frozenset[str]:
        """Names of the rows that can be written."""
        return frozenset(self._writes)

    def read(self) -> dict[str, float]:
        """Return every value of the profile by name.

        Raises PortGoneError, NoAnswerError, BadFrameError, DeviceRefusedError; all or nothing.
        """
        values: dict[str, float] = {}
        for block, request in self._asked:
            values.update(self._read_block(block, request))
        return values

    def write(self, name: str, value: float) -> None:
        """Write one row, once. Raises as `read`, and NotWritableError for any other name.

        No error proves nothing on a half-duplex adapter, whose echo of a single write is its
        answer too, and an error does not prove that nothing was written: read it back.
        """
        if name not in self._writes:
            raise NotWritableError(device=self._name, value=name)
        request = self._writes[name].write_of(self._address, value)
        command = f"{request.function.name} {request.start:#06x}"
        self._ask(request, lambda heard: find_written(request, heard), command)

    def _read_block(self, block: Block, request: ReadRequest) -> dict[str, float]:
        command = f"{request.function.name} {request.start:#06x}"

        def once() -> dict[str, float]:
            answer = self._ask(request, lambda heard: find_answer(request, heard), command)
            return block.values(answer.values)

        for _ in range(READ_TRIES - 1):
            try:
                return once()
            except (BadFrameError, NoAnswerError):
                continue
        return once()

    def _ask(
        self,
        request: ReadRequest | WriteRequest,
        find: Callable[[bytes], Answer | ModbusException | None],
        command: str,
    ) -> Answer:
        def take(heard: bytes) -> Answer | None:
            answer = find(heard)
            if isinstance(answer, ModbusException):
                raise DeviceRefusedError(
                    answer.name, port=self._line.name, device=self._name, command=command
                )
            return answer

        return ask(
            self._line,
            self._clock,
            request.encode(),
            take,
            device=self._name,
            command=command,
            answer_seconds=self._answer_seconds,
        )
