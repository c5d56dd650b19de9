"""What is around the hardware: identity, disk, clock, network, store."""

import base64
import binascii
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from edge_agent.clock import Clock
from edge_agent.doctor.findings import Finding, fail, ok, warn
from edge_agent.mqtt_link import BrokerAddressError, broker_at
from edge_agent.outbox.timekeeper import EARLIEST
from edge_agent.settings import Settings, SettingsError, read_identity
from edge_agent.store import STORE_FILE
from protocol.enrolment import EnrolmentAnswer
from protocol.rules import Notice

CONNECT_SECONDS_MAX = 5.0
KEEP_ALIVE_SECONDS = 60
MEGABYTE = 1_000_000
NTP_MARK = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd makes it with its first synchronisation (systemd-timesyncd.service(8))."""


def examine(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Look at everything that is not on a bus."""
    folder = Path(settings.data_dir)
    yield _disk(folder, settings.storage_reserve_bytes)
    yield from _store(folder / STORE_FILE)
    yield _time(clock, trusted=settings.clock_trusted)
    try:
        identity = read_identity(folder)
    except SettingsError as error:
        text = Notice(zh="尚未入网：", en=error.reason)
        fix = Notice(
            zh="向运营人员索取一次性入网码，运行 edge-agent enrol。",
            en="Ask an operator for a one-time claim code and run edge-agent enrol.",
        )
        yield fail("identity", text, fix)
        return
    yield _identity(identity)
    for address in settings.brokers or identity.brokers:
        yield _broker(address, identity)


def _disk(folder: Path, reserve_bytes: int) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / "doctor.probe"
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
        room = os.statvfs(folder)
    except OSError as error:
        fix = Notice(
            zh="磁盘只读、已满或无权限：检查挂载与所有者。",
            en="Read-only, full or not permitted: look at the mount and the owner.",
        )
        return fail("disk", Notice(zh="不能写入：", en=str(error)), fix)
    free = room.f_bavail * room.f_frsize
    shown = f"{free / MEGABYTE:.0f} MB free"
    if free < reserve_bytes:
        fix = Notice(zh="清理空间，否则停止售卖。", en="Free some space, or nothing is sold.")
        return fail("disk", Notice(zh="空间不足：", en=shown), fix)
    return ok("disk", "可写。", shown)


def _store(path: Path) -> Iterator[Finding]:
    if not path.exists():
        yield ok("store", "尚未建立。", "not there yet; the first start makes it.")
        return
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as store:
            (verdict,) = store.execute("PRAGMA quick_check(1)").fetchone()
            head, committed = store.execute(
                "SELECT head, committed FROM lane WHERE name = 'journal'"
            ).fetchone()
    except (sqlite3.Error, TypeError) as error:
        fix = Notice(
            zh="下次启动会另存损坏文件并重建，同时锁定易腐商品。",
            en="The next start keeps it aside, begins anew, and holds perishable goods.",
        )
        yield fail("store", Notice(zh="数据库损坏：", en=str(error)), fix)
        return
    if verdict != "ok":
        fix = Notice(zh="更换存储卡。", en="Replace the flash; it lost what was written.")
        yield fail("store", Notice(zh="数据库损坏：", en=str(verdict)), fix)
        return
    yield ok("store", "完好。", f"whole; {head} events, {head - committed} not yet acknowledged.")


def _time(clock: Clock, *, trusted: bool) -> Finding:
    now = clock.wall()
    if now < EARLIEST:
        fix = Notice(
            zh="检查网络与 NTP；未校时前不售卖有保质期的商品。",
            en="Check network and NTP; dated goods are not sold before it is set.",
        )
        return fail("clock", Notice(zh="时间错误：", en=now.isoformat()), fix)
    if trusted and not NTP_MARK.exists():
        fix = Notice(
            zh="启用 systemd-timesyncd，或将 clock_trusted 设为 false。",
            en="Enable systemd-timesyncd, or set clock_trusted = false.",
        )
        text = Notice(zh="配置为可信，但未见 NTP 同步：", en="trusted by setting, no NTP seen")
        return warn("clock", text, fix)
    return ok("clock", "时间合理。", f"{now.isoformat()}")


def _identity(identity: EnrolmentAnswer) -> Finding:
    try:
        sizes = {len(base64.b64decode(key, validate=True)) for key in identity.signing_keys}
    except binascii.Error:
        sizes = {0}
    if sizes != {32}:
        fix = Notice(zh="重新入网。", en="Enrol again.")
        return fail("identity", Notice(zh="签名公钥不可读。", en="a key is not readable."), fix)
    return ok("identity", "已入网：", f"{identity.cabinet} in {identity.fleet}")


def _broker(address: str, identity: EnrolmentAnswer) -> Finding:
    try:
        broker = broker_at(
            address,
            cabinet=identity.cabinet,
            credential=identity.credential,
            ca=identity.ca,
            keep_alive_seconds=KEEP_ALIVE_SECONDS,
        )
        with socket.create_connection((broker.host, broker.port), CONNECT_SECONDS_MAX):
            return ok(address, "可连接。", "can be reached.")
    except BrokerAddressError as error:
        return fail(address, Notice("地址不对：", str(error)), Notice("改配置。", "Correct it."))
    except OSError as error:
        fix = Notice(
            zh="检查 4G 信号、SIM 卡、防火墙；断网期间按租约继续售卖。",
            en="Check 4G signal, SIM and firewall; it sells on its lease meanwhile.",
        )
        return warn(address, Notice(zh="连不上：", en=str(error)), fix)
