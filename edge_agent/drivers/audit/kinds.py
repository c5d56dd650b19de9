"""The links over which an attached machine's EVA-DTS report is read; each alone on its port."""

import re
from collections.abc import Mapping

from edge_agent.clock import Clock
from edge_agent.drivers.audit.ddcmp.driver import (
    BAUD_RATE as DDCMP_BAUD_RATE,
)
from edge_agent.drivers.audit.ddcmp.driver import (
    BAUD_RATE_OFFERED,
    CODE_MAX,
    DdcmpReader,
)
from edge_agent.drivers.audit.ddcmp.frames import BAUD_RATES
from edge_agent.drivers.audit.dex import driver as dex
from edge_agent.drivers.audit.polled import PolledAudit
from edge_agent.drivers.kinds import NO_ADDRESS, DeviceKind
from edge_agent.drivers.line import Port
from edge_agent.drivers.options import Options
from edge_agent.drivers.polled import PolledDevice
from edge_agent.settings import DeviceSettings

CODES = range(CODE_MAX + 1)
_COMMUNICATION_ID = re.compile(r"[0-9A-Za-z]{10}")  # EVA-DTS 6.2, 4: ten characters
RATES = range(DDCMP_BAUD_RATE, max(BAUD_RATES.values()) + 1)


def _build_dex(settings: DeviceSettings, port: Port, clock: Clock) -> PolledDevice:
    options = Options(settings, KINDS["dex"])
    communication_id = options.text("communication_id")
    if not _COMMUNICATION_ID.fullmatch(communication_id):
        reason = f"{communication_id!r} is not 10 letters or digits"
        raise options.refused("communication_id", reason)
    reader = dex.DexReader(port, clock, name=settings.name, communication_id=communication_id)
    part = settings.part or settings.name
    return PolledAudit(name=settings.name, reader=reader, part=part, clock=clock)


def _build_ddcmp(settings: DeviceSettings, port: Port, clock: Clock) -> PolledDevice:
    options = Options(settings, KINDS["ddcmp"])
    reader = DdcmpReader(
        port,
        clock,
        name=settings.name,
        security_code=options.whole("security_code", CODES),
        pass_code=options.whole("pass_code", CODES),
        baud_rate_max=options.whole("baud_rate_max", RATES),
    )
    part = settings.part or settings.name
    return PolledAudit(name=settings.name, reader=reader, part=part, clock=clock)


KINDS: Mapping[str, DeviceKind] = {
    "dex": DeviceKind(
        dex.BAUD_RATE,
        NO_ADDRESS,
        _build_dex,
        options={"communication_id": dex.COMMUNICATION_ID},
        alone=True,
    ),
    "ddcmp": DeviceKind(
        DDCMP_BAUD_RATE,
        NO_ADDRESS,
        _build_ddcmp,
        options={"security_code": 0, "pass_code": 0, "baud_rate_max": BAUD_RATE_OFFERED},
        alone=True,
    ),
}
