"""The kinds of payment adapters."""

from collections.abc import Mapping

from edge_agent.clock import Clock
from edge_agent.drivers.kinds import NO_ADDRESS, DeviceKind
from edge_agent.drivers.line import Port
from edge_agent.drivers.options import Options
from edge_agent.drivers.payment.qibixx.driver import BAUD_RATE, Mode, QibixxAdapter
from edge_agent.drivers.payment.qibixx.frames import DECIMALS_MAX
from edge_agent.drivers.polled import PolledDevice
from edge_agent.settings import DeviceSettings


def _build_qibixx(settings: DeviceSettings, port: Port, clock: Clock) -> PolledDevice:
    options = Options(settings, KINDS["qibixx"])
    return QibixxAdapter(
        port,
        clock,
        name=settings.name,
        part=settings.part or settings.name,
        mode=Mode(options.one_of("mode", [mode.value for mode in Mode])),
        decimals=options.whole("decimals", range(DECIMALS_MAX + 1)),
        always_idle=options.flag("always_idle"),
    )


KINDS: Mapping[str, DeviceKind] = {
    "qibixx": DeviceKind(
        BAUD_RATE,
        NO_ADDRESS,
        _build_qibixx,
        options={"mode": Mode.CASHLESS_SLAVE.value, "decimals": 2, "always_idle": True},
        alone=True,
    ),
}
