"""What the agent writes to its disk and sends over its link when nothing happens, by played time.

The whole agent on a manual clock with a real store: hours of polling pass in seconds. Traffic is
what MQTT 3.1.1 makes of its messages, with TCP/IP headers and acknowledgements counted.
"""

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from edge_agent.mqtt_link import LinkMessage, Message
from protocol.intervals import PRESENCE, Uplink
from tests.edge_agent.model_server import FakeLink
from tests.edge_agent.workbench import Bench, ready

READINGS = 10_000
"""At one reading a second: the default telemetry mode and commit period see 2.8 hours."""
HOURS_PLAYED = 24
DAYS_A_MONTH = 30
MEGABYTE = 1_000_000
TCP_IP_BYTES = 40
"""IPv4 and TCP headers without options (RFC 791, RFC 9293); each packet and each bare ACK."""
PUBLISH_BYTES = 2 + 2
"""Fixed header with one length byte, and the length of the topic (MQTT 3.1.1, 3.3)."""
LONG_BODY_BYTES = 127
"""Past this the remaining length takes a second byte (MQTT 3.1.1, 2.2.3)."""
PACKET_ID_BYTES = 2
PUBACK_BYTES = 4
PING_BYTES = 2


@dataclass
class Meter:
    """Counts bytes on the wire."""

    bytes_total: int = 0
    messages: list[str] = field(default_factory=list)

    def publish(self, topic: str, payload: bytes, qos: int) -> None:
        """One PUBLISH, its acknowledgement by MQTT, and those of TCP."""
        body = len(topic.encode()) + len(payload) + (PACKET_ID_BYTES if qos else 0)
        size = PUBLISH_BYTES + (1 if body > LONG_BODY_BYTES else 0) + body
        self.bytes_total += size + 2 * TCP_IP_BYTES
        if qos:
            self.bytes_total += PUBACK_BYTES + 2 * TCP_IP_BYTES
        self.messages.append(topic)

    def ping(self) -> None:
        """PINGREQ and PINGRESP, each with its acknowledgement."""
        self.bytes_total += 2 * (PING_BYTES + 2 * TCP_IP_BYTES)


class MeteredLink(FakeLink):
    """The link of the tests, with a meter at it."""

    meter: Meter

    def publish(self, message: Message) -> bool:
        """Count what goes up."""
        self.meter.publish(message.topic, message.payload, message.qos)
        return super().publish(message)

    def send(self, message: LinkMessage) -> None:
        """Count what comes down: receipts, QoS 0."""
        self.meter.publish(message.topic, message.payload, 0)
        super().send(message)


def bytes_written_per_10k_readings() -> float:
    """Bytes the kernel was given to write for the store during 10,000 readings, default mode."""
    with tempfile.TemporaryDirectory(prefix="bench-wear-", dir=_on_disk()) as folder:
        bench = ready(Bench(Path(folder) / "cabinet", telemetry_commit_seconds=600.0))
        try:
            bench.celsius = 3.0
            before = _written()
            for number in range(READINGS):
                bench.celsius = 3.0 + 0.1 * (number % 3)
                bench.step(1.0)
            return float(_written() - before)
        finally:
            bench.crash()


def idle_mb_month() -> float:
    """Megabytes a month of a metered cabinet in which nothing happens."""
    with tempfile.TemporaryDirectory(prefix="bench-idle-") as folder:
        bench = Bench(
            Path(folder) / "cabinet",
            telemetry_commit_seconds=600.0,
            uplink=Uplink.METERED,
            link_kind=MeteredLink,
        )
        link = bench.link
        assert isinstance(link, MeteredLink)
        link.meter = Meter()
        try:
            ready(bench)
            return _played(bench, link)
        finally:
            bench.crash()


def _played(bench: Bench, link: MeteredLink) -> float:
    meter = link.meter = Meter()
    keep_alive = PRESENCE[Uplink.METERED].keep_alive_seconds
    silent_since = bench.clock.elapsed()
    for second in range(HOURS_PLAYED * 3_600):
        bench.celsius = 3.0 + 0.1 * (second % 3)
        said = len(meter.messages)
        bench.step(1.0)
        now = bench.clock.elapsed()
        if len(meter.messages) > said:
            silent_since = now
        elif now - silent_since >= keep_alive:
            meter.ping()
            silent_since = now
    return meter.bytes_total / HOURS_PLAYED * 24 * DAYS_A_MONTH / MEGABYTE


def _written() -> int:
    for line in Path("/proc/self/io").read_text().splitlines():
        if line.startswith("write_bytes:"):
            return int(line.split()[1])
    return 0


def _on_disk() -> str:
    """A folder on a real disk: a memory file system writes nothing."""
    return os.environ.get("BENCH_DISK", str(Path.cwd()))
