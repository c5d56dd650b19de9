"""The kinds of lock boards."""

from collections.abc import Mapping

from edge_agent.clock import Clock
from edge_agent.drivers.kinds import DeviceKind
from edge_agent.drivers.line import Port
from edge_agent.drivers.lock_board.cu16 import driver as cu16
from edge_agent.drivers.lock_board.cu16 import frames as cu16_frames
from edge_agent.drivers.polled import PolledDevice, PolledLockBoard
from edge_agent.settings import DeviceSettings


def _build_cu16(settings: DeviceSettings, port: Port, clock: Clock) -> PolledDevice:
    board = cu16.Cu16Board(port, clock, name=settings.name, board=settings.address)
    return PolledLockBoard(name=settings.name, board=board, doors=settings.doors, clock=clock)


KINDS: Mapping[str, DeviceKind] = {
    "cu16": DeviceKind(cu16.BAUD_RATE, range(cu16_frames.BOARDS), _build_cu16),
}
