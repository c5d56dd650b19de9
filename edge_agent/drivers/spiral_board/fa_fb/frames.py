"""FA FB frames, pure: bytes <-> frozen dataclasses (hardware reference 1.4, last bullet).

`FA FB CMD LEN <packet number, text> XOR`; POLL and ACK carry nothing. All numbers are big-endian.
Every layout stands in `LAYOUTS`, so that hardware can settle what sources leave open; the page
docs/hardware/fa-fb.md says which source each row rests on.
"""

from dataclasses import dataclass
from enum import IntEnum

from edge_agent.drivers.receive_buffer import SKIP, ReceiveBuffer, exclusive_or

START = b"\xfa\xfb"
HEAD_BYTES = 4
TEXT_BYTES_MAX = 64  # the longest known is 41 (machine status); a broken length ends here
FRAME_BYTES_MAX = HEAD_BYTES + TEXT_BYTES_MAX + 1
NUMBERS = 255  # packet numbers run from 1 to 255
SELECTION_MAX = 999  # 1000-1009 mean whole trays, 0 the whole machine (4.2.2)
TEMPERATURE_NOT_READ = 0xAA  # "0xaa Temperature has not been read yet" (4.4.5)


class FaFbCommand(IntEnum):
    """Command bytes ("VMC - Upper computer" V3.0; sections in brackets)."""

    CHECK_SELECTION = 0x01  # host (4.3.1)
    SELECTION_STATUS = 0x02  # board (4.3.1)
    BUY = 0x03  # host (4.3.2)
    DISPENSING_STATUS = 0x04  # board (4.3.3)
    DRIVE = 0x06  # host (4.3.5)
    SELECTION_INFO = 0x11  # board (4.2.1)
    SET_PRICE = 0x12  # both (4.2.2)
    SET_INVENTORY = 0x13  # both (4.2.3)
    SET_CAPACITY = 0x14  # both (4.2.4)
    MONEY_NOTICE = 0x21  # board (4.1.1)
    MONEY_RECEIVED = 0x27  # host (4.1.5)
    SYNCHRONIZE = 0x31  # both (4.4.4)
    POLL = 0x41  # board (3)
    ACK = 0x42  # both (3)
    ASK_MACHINE = 0x51  # host (4.4.5)
    MACHINE_STATUS = 0x52  # board (4.4.5)
    ASK_DELIVERY = 0x53  # host (4.3.6)
    DELIVERY_STATUS = 0x54  # board (4.3.6)


Layout = tuple[tuple[str, int], ...]
SELECTION: Layout = (("selection", 2),)
CHANGE_AND_ID: Layout = (("bill_change", 4), ("coin_change", 4), ("machine_id", 10))
PAYMENT: Layout = (("bill", 1), ("coin", 1), ("card", 1), ("temperature_controller", 1))

# Text after the packet number: field and width in bytes. Bytes beyond a layout are ignored.
LAYOUTS: dict[FaFbCommand, Layout] = {
    # Its printed length is 4, its printed fields are 3 bytes [?]: one reserved byte, as a public
    # driver reads it; another sends 3.
    FaFbCommand.CHECK_SELECTION: (*SELECTION, ("reserved", 1)),
    FaFbCommand.SELECTION_STATUS: (("status", 1), *SELECTION),
    FaFbCommand.BUY: SELECTION,
    FaFbCommand.DISPENSING_STATUS: (("status", 1), *SELECTION),
    FaFbCommand.DRIVE: (("drop_sensor", 1), ("elevator", 1), *SELECTION),
    FaFbCommand.SELECTION_INFO: (
        *SELECTION,
        ("price", 4),
        ("inventory", 1),
        ("capacity", 1),
        ("product", 2),
        ("status", 1),
    ),
    FaFbCommand.SET_PRICE: (*SELECTION, ("price", 4)),
    FaFbCommand.SET_INVENTORY: (*SELECTION, ("inventory", 1)),
    FaFbCommand.SET_CAPACITY: (*SELECTION, ("capacity", 1)),
    FaFbCommand.MONEY_NOTICE: (("mode", 1), ("amount", 4)),
    FaFbCommand.MONEY_RECEIVED: (("mode", 1), ("amount", 4)),
    FaFbCommand.SYNCHRONIZE: (),
    FaFbCommand.ASK_MACHINE: (),
    FaFbCommand.ASK_DELIVERY: (),
    FaFbCommand.DELIVERY_STATUS: (("status", 1),),
}

# Forms of 52 by the length of its text: with or without its own temperature byte and humidities.
MACHINE_LAYOUTS: dict[int, Layout] = {
    32: (*PAYMENT, ("temperature", 1), ("door", 1), *CHANGE_AND_ID, ("temperatures", 8)),
    40: (
        *PAYMENT,
        ("temperature", 1),
        ("door", 1),
        *CHANGE_AND_ID,
        ("temperatures", 8),
        ("humidities", 8),
    ),
    39: (*PAYMENT, ("door", 1), *CHANGE_AND_ID, ("temperatures", 8), ("humidities", 8)),
}


@dataclass(frozen=True, slots=True)
class FaFbFrame:
    """A frame whose exclusive or is right; `number` is None for POLL and ACK. Any command."""

    command: int
    number: int | None = None
    text: bytes = b""

    def encode(self) -> bytes:
        """Return the frame's bytes."""
        body = b"" if self.number is None else bytes((self.number,)) + self.text
        whole = START + bytes((self.command, len(body))) + body
        return whole + bytes((exclusive_or(whole),))


POLL = FaFbFrame(FaFbCommand.POLL)
ACK = FaFbFrame(FaFbCommand.ACK)


def fields_of(frame: FaFbFrame) -> dict[str, int] | None:
    """Read a frame's text by its layout; None for a command or a length that is not known.

    Fields of more than 4 bytes keep their order as one big-endian number.
    """
    layout = MACHINE_LAYOUTS.get(len(frame.text))
    if frame.command != FaFbCommand.MACHINE_STATUS:
        known = frame.command in list(FaFbCommand)
        layout = LAYOUTS.get(FaFbCommand(frame.command)) if known else None
    if layout is None or len(frame.text) < sum(width for _, width in layout):
        return None
    fields, at = {}, 0
    for name, width in layout:
        fields[name] = int.from_bytes(frame.text[at : at + width], "big")
        at += width
    return fields


def text_of(command: FaFbCommand, **fields: int) -> bytes:
    """Build a command's text by its layout; every field must be given."""
    layout = LAYOUTS[command]
    return b"".join(fields[name].to_bytes(width, "big") for name, width in layout)


def first_of_eight(value: int) -> int | None:
    """Read the master machine's byte of a field of eight machines, signed; None if not read."""
    byte = value >> 56
    if byte == TEMPERATURE_NOT_READ:
        return None
    return byte - 256 if byte & 0x80 else byte


class FaFbParser(ReceiveBuffer[FaFbFrame]):
    """A receive buffer for both directions; holds less than FRAME_BYTES_MAX after each feed."""

    def __init__(self) -> None:
        super().__init__(_length_at_start, _frame_of)


def _length_at_start(buffer: bytearray) -> int | None:
    if not START.startswith(buffer[: len(START)]):
        return SKIP
    if len(buffer) < HEAD_BYTES:
        return None
    command, size = buffer[2], buffer[3]
    is_bare = command in {FaFbCommand.POLL, FaFbCommand.ACK}
    if size > TEXT_BYTES_MAX or is_bare != (size == 0):
        return SKIP
    length = HEAD_BYTES + size + 1
    if len(buffer) < length:
        return None
    return length if exclusive_or(buffer[: length - 1]) == buffer[length - 1] else SKIP


def _frame_of(whole: bytes) -> FaFbFrame:
    if len(whole) == HEAD_BYTES + 1:
        return FaFbFrame(whole[2])
    return FaFbFrame(whole[2], whole[HEAD_BYTES], whole[HEAD_BYTES + 1 : -1])
