"""The CRC of EVA-DTS: x16+x15+x2+1, reflected A001, start 0 (EVA-DTS 6.2, 2 and 4).

Report, DEX blocks and DDCMP messages share it; they differ in what it covers and in byte order.
"""

POLYNOMIAL = 0xA001


def _table() -> tuple[int, ...]:
    rows = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ POLYNOMIAL if crc & 1 else crc >> 1
        rows.append(crc)
    return tuple(rows)


_TABLE = _table()


def crc16(data: bytes, start: int = 0) -> int:
    """Return the CRC of `data`, continued from `start`."""
    crc = start
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc
