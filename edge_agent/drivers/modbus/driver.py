"""Ask a Modbus device for all registers of its profile; bounded tries, shared line."""

from edge_agent.clock import Clock
from edge_agent.drivers.errors import BadFrameError, DeviceRefusedError, NoAnswerError
from edge_agent.drivers.line import Line, ask
from edge_agent.drivers.modbus.frames import ModbusException, Registers, find_answer
from edge_agent.drivers.modbus.profiles import Block, Profile, blocks_of

READ_TRIES = 2  # one lost byte is not a failed poll; more would hold up the bus of a dead device


class ModbusDevice:
    """One device at one address of a bus, read by its profile."""

    def __init__(
        self, line: Line, clock: Clock, *, name: str, address: int, profile: Profile
    ) -> None:
        self._line = line
        self._clock = clock
        self._name = name
        self._address = address
        self._profile = profile
        self._blocks = blocks_of(profile)

    def read(self) -> dict[str, float]:
        """Return every value of the profile by name.

        Raises PortGoneError, NoAnswerError, BadFrameError, DeviceRefusedError; all or nothing.
        """
        values: dict[str, float] = {}
        for block in self._blocks:
            values.update(self._read_block(block))
        return values

    def _read_block(self, block: Block) -> dict[str, float]:
        for _ in range(READ_TRIES - 1):
            try:
                return self._ask_block(block)
            except (BadFrameError, NoAnswerError):
                continue
        return self._ask_block(block)

    def _ask_block(self, block: Block) -> dict[str, float]:
        request = block.request(self._address)
        command = f"{request.function.name} {request.start:#06x}"

        def take(heard: bytes) -> Registers | None:
            answer = find_answer(request, heard)
            if isinstance(answer, ModbusException):
                raise DeviceRefusedError(
                    answer.name, port=self._line.name, device=self._name, command=command
                )
            return answer

        answer = ask(
            self._line,
            self._clock,
            request.encode(),
            take,
            device=self._name,
            command=command,
            answer_seconds=self._profile.answer_seconds,
        )
        return block.values(answer.words)
