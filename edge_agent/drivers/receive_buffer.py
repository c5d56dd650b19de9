"""The receive buffer of all byte protocols: frames are found among rubbish, byte by byte, pure.

A protocol says only what stands at the start of the buffer. A byte that starts no valid frame is
skipped alone, never with what follows it: rubbish before a frame costs nothing but itself.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

Frame = TypeVar("Frame")

SKIP = 1
"""Length to return for a byte that starts no valid frame."""


class ReceiveBuffer(Generic[Frame]):
    """Takes bytes as they come, gives the frames that are whole.

    `length_at_start` returns the length of the whole valid frame the buffer begins with, `SKIP`
    when it begins with none, None when more bytes must decide; frames are longer than `SKIP`.
    """

    def __init__(
        self,
        length_at_start: Callable[[bytearray], int | None],
        frame_of: Callable[[bytes], Frame],
    ) -> None:
        self._length_at_start = length_at_start
        self._frame_of = frame_of
        self._buffer = bytearray()

    @property
    def held_bytes(self) -> int:
        """Bytes kept because a frame may have begun; fewer than the longest frame has."""
        return len(self._buffer)

    def forget(self) -> None:
        """Drop what is held: the rest of a frame that stopped in the middle will not come."""
        self._buffer.clear()

    def feed(self, data: bytes) -> list[Frame]:
        """Add bytes and return the frames they complete, in order."""
        self._buffer += data
        frames = []
        while self._buffer and (length := self._length_at_start(self._buffer)) is not None:
            if length > SKIP:
                frames.append(self._frame_of(bytes(self._buffer[:length])))
            del self._buffer[:length]
        return frames


def exclusive_or(body: bytes | bytearray) -> int:
    """Return the exclusive or of all bytes, the check byte of several families."""
    check = 0
    for byte in body:
        check ^= byte
    return check


def low_sum(body: bytes | bytearray) -> int:
    """Return the low byte of the sum of all bytes, the check byte of the KERONG families."""
    return sum(body) & 0xFF
