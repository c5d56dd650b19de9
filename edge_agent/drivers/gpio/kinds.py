"""The kind of digital inputs."""

from collections.abc import Mapping

from edge_agent.clock import Clock
from edge_agent.drivers.errors import DeviceSettingsError
from edge_agent.drivers.gpio.driver import GpioInputs, Input
from edge_agent.drivers.gpio.frames import LINE_MAX, Bias
from edge_agent.drivers.gpio.port import open_gpio
from edge_agent.drivers.kinds import NO_ADDRESS, DeviceKind
from edge_agent.drivers.line import Port
from edge_agent.drivers.options import Options
from edge_agent.drivers.polled import PolledDevice
from edge_agent.drivers.readings import InputRole
from edge_agent.settings import DeviceSettings

DEBOUNCE_MS = range(1, 1_001)  # a second is longer than any reed bounces, and a door can close in
NO_BAUD_RATE = 0


def _build_gpio(settings: DeviceSettings, port: Port, clock: Clock) -> PolledDevice:
    options = Options(settings, KINDS["gpio"])
    _check_lines(settings)
    roles = [role.value for role in InputRole]
    inputs = {
        name: Input(
            line,
            InputRole(options.one_of(f"role.{name}", roles)),
            options.flag(f"active_low.{name}"),
        )
        for name, line in settings.inputs.items()
    }
    return GpioInputs(
        port,
        clock,
        name=settings.name,
        inputs=inputs,
        bias=Bias(options.one_of("bias", [bias.value for bias in Bias])),
        debounce_ms=options.whole("debounce_ms", DEBOUNCE_MS),
    )


def _check_lines(settings: DeviceSettings) -> None:
    if not settings.inputs:
        raise DeviceSettingsError(device=settings.name, key="inputs", reason="no input is named")
    for name, line in settings.inputs.items():
        if not 0 <= line <= LINE_MAX:
            reason = f"{line} is no line of a chip"
            raise DeviceSettingsError(device=settings.name, key=f"inputs.{name}", reason=reason)


KINDS: Mapping[str, DeviceKind] = {
    "gpio": DeviceKind(
        NO_BAUD_RATE,
        NO_ADDRESS,
        _build_gpio,
        options={"debounce_ms": 50, "bias": Bias.PULL_UP.value},
        input_options={"role": "", "active_low": False},
        alone=True,
        port=open_gpio,
    ),
}
