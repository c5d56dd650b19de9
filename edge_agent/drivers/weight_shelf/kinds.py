"""The kinds of scales; docs/hardware explains each option."""

from collections.abc import Callable, Mapping

from edge_agent.clock import Clock
from edge_agent.drivers.errors import DeviceSettingsError
from edge_agent.drivers.kinds import DeviceKind, Option
from edge_agent.drivers.line import Port
from edge_agent.drivers.modbus.driver import ModbusDevice
from edge_agent.drivers.modbus.kinds import ADDRESSES
from edge_agent.drivers.modbus.profile import Profile
from edge_agent.drivers.options import Options
from edge_agent.drivers.polled import PolledDevice
from edge_agent.drivers.weight_shelf.driver import Calibration, PolledScale
from edge_agent.drivers.weight_shelf.transmitters import (
    Transmitter,
    cas_ci600d,
    eagle_ei,
    id551pn,
)
from edge_agent.settings import DeviceSettings

RAW = range(-(2**31), 2**31)
RAILS: Mapping[str, Option] = {"adc_low": 0, "adc_high": 0}
COMMON: Mapping[str, Option] = {"weight": "net", "capacity_grams": 0.0, "grams_per_unit": 1.0}
ANY_UNIT: Mapping[str, Option] = {**COMMON, "grams_per_unit": 0.0, "low_word_first": False}
"""For a transmitter that sends floats in a unit of its own (pounds, kilograms): it must be told."""


def _build(
    table: Callable[[Options], Transmitter],
) -> Callable[[DeviceSettings, Port, Clock], PolledDevice]:
    def build(settings: DeviceSettings, port: Port, clock: Clock) -> PolledDevice:
        kind = KINDS[settings.kind]
        options = Options(settings, kind)
        transmitter = table(options)
        _check_shelves(settings, transmitter)
        weight = options.one_of("weight", transmitter.weights)
        channels = sorted(set(settings.shelves.values()))

        def device(profile: Profile) -> ModbusDevice:
            name, address = settings.name, settings.address
            return ModbusDevice(port, clock, name=name, address=address, profile=profile)

        zeroing = {
            shelf: device(transmitter.zero_profile(channel))
            for shelf, channel in settings.shelves.items()
            if transmitter.can_zero
        }
        return PolledScale(
            name=settings.name,
            device=device(transmitter.profile(weight, channels)),
            shelves=settings.shelves,
            calibration=_calibration(options, has_rails=RAILS.keys() <= kind.options.keys()),
            clock=clock,
            zeroing=zeroing,
        )

    return build


def _check_shelves(settings: DeviceSettings, transmitter: Transmitter) -> None:
    if not settings.shelves:
        raise DeviceSettingsError(device=settings.name, key="shelves", reason="no shelf is named")
    for shelf, channel in settings.shelves.items():
        if channel not in transmitter.channels:
            reason = f"no channel {channel} of {transmitter.channels[-1]}"
            raise DeviceSettingsError(device=settings.name, key=f"shelves.{shelf}", reason=reason)


def _calibration(options: Options, *, has_rails: bool) -> Calibration:
    calibration = Calibration(
        grams_per_unit=options.number("grams_per_unit"),
        capacity_grams=options.number("capacity_grams"),
        adc_low=options.whole("adc_low", RAW) if has_rails else 0,
        adc_high=options.whole("adc_high", RAW) if has_rails else 0,
    )
    if calibration.grams_per_unit <= 0:
        raise options.refused("grams_per_unit", "must be given, and be more than 0")
    if calibration.capacity_grams < 0:
        raise options.refused("capacity_grams", "must not be negative")
    if calibration.adc_low > calibration.adc_high:
        raise options.refused("adc_low", "must not be above adc_high")
    return calibration


def _cas(_: Options) -> Transmitter:
    return cas_ci600d()


def _eagle(options: Options) -> Transmitter:
    return eagle_ei(
        low_word_first=options.flag("low_word_first"), second_unit=options.flag("second_unit")
    )


def _id551pn(options: Options) -> Transmitter:
    return id551pn(low_word_first=options.flag("low_word_first"))


KINDS: Mapping[str, DeviceKind] = {
    "cas-ci600d": DeviceKind(
        cas_ci600d().line.baud_rate, ADDRESSES, _build(_cas), options={**COMMON, **RAILS}
    ),
    "eagle-ei": DeviceKind(
        eagle_ei().line.baud_rate,
        ADDRESSES,
        _build(_eagle),
        options={**ANY_UNIT, "second_unit": False},
    ),
    "id551pn": DeviceKind(id551pn().line.baud_rate, ADDRESSES, _build(_id551pn), options=ANY_UNIT),
}
