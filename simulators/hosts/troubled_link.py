"""A link that repeats and delays MQTT messages, besides being cut: what QoS 1 and 4G really do.

It splits the stream into packets by their lengths alone (MQTT 3.1.1, 2.2.3) and sends some PUBLISH
packets of QoS 1 twice, as a sender does whose PUBACK was lost; order within one connection stays,
because MQTT keeps it there.
"""

import contextlib
import random  # noqa: TID251  # seeded by the caller
import socket
import threading
from dataclasses import dataclass

from simulators.hosts.link import CuttableLink

CHUNK_BYTES = 65_536
PUBLISH = 3
DUP = 0x08


@dataclass
class Trouble:
    """How much of it: shares of messages, and the longest wait in seconds."""

    copied: float = 0.0
    delayed: float = 0.0
    delay_seconds_max: float = 0.0


class TroubledLink(CuttableLink):
    """A cuttable link with trouble; `trouble` may be changed while it runs."""

    def __init__(self, port: int, target_port: int, trouble: Trouble, seed: int) -> None:
        super().__init__(port, target_port)
        self.trouble = trouble
        self.copies = 0
        """Messages sent twice so far."""
        self._chance = random.Random(seed)  # noqa: S311  # simulation
        self._pause = threading.Event()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        rest = b""
        with contextlib.suppress(OSError):
            while chunk := source.recv(CHUNK_BYTES):
                self._alive.wait()
                self.bytes_carried += len(chunk)
                packets, rest = split_packets(rest + chunk)
                for packet in packets:
                    self._pass_on(packet, sink)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _pass_on(self, packet: bytes, sink: socket.socket) -> None:
        if self._chance.random() < self.trouble.delayed:
            self._pause.wait(self._chance.uniform(0, self.trouble.delay_seconds_max))
        sink.sendall(packet)
        is_repeatable = packet[0] >> 4 == PUBLISH and packet[0] >> 1 & 3 == 1
        if is_repeatable and self._chance.random() < self.trouble.copied:
            self.copies += 1
            sink.sendall(bytes((packet[0] | DUP,)) + packet[1:])


def split_packets(data: bytes) -> tuple[list[bytes], bytes]:
    """Whole packets, and the beginning of the next one."""
    packets, at = [], 0
    while (end := _end_of(data, at)) is not None and end <= len(data):
        packets.append(data[at:end])
        at = end
    return packets, data[at:]


def _end_of(data: bytes, at: int) -> int | None:
    """Where the packet that begins at `at` ends; None while its length is not whole."""
    length = shift = 0
    for place in range(at + 1, min(at + 5, len(data))):
        length |= (data[place] & 0x7F) << shift
        if data[place] < 0x80:
            return place + 1 + length
        shift += 7
    return None
