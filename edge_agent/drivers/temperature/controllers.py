"""Refrigeration controllers on Modbus as tables: Carel ir33+ and Dixell XR.

What no maker's paper settles (numbers from 0 or 1, a set point's address, which relay is which)
is an argument with a default, and an option of the device's settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from edge_agent.drivers.modbus.frames import Function
from edge_agent.drivers.modbus.profile import Profile, Row, RowKind, moved
from edge_agent.drivers.readings import RefrigerationAlarm

TENTHS = 0.1
STATUS_BITS = 16


@dataclass(frozen=True, slots=True)
class Controller:
    """A profile whose rows have the names that `PolledRefrigeration` knows, and its alarms.

    Known: `temperature_celsius`, and if told `set_point_celsius`, `compressor_on`, `defrosting`,
    `door_open`. `alarms`: row -> what it means when it is 1.
    """

    profile: Profile
    alarms: Mapping[str, RefrigerationAlarm]


def _coil(name: str, number: int) -> Row:
    return Row(name, Function.READ_COILS, number, RowKind.BIT)


def _tenths(name: str, number: int) -> Row:
    return Row(name, Function.READ_HOLDING, number, RowKind.SIGNED, TENTHS)


# Carel ir33+ VCC, manual +040000058 rel. 1.2, page 28 "Table of supervisor variables"
# (manualshive.com/ru/manual/carel/0300028en/2557348?page=56); numbers as printed.
CAREL_PROBES = range(5)  # 0 the virtual probe, that regulates; 1-4 the probes as wired
CAREL_VIRTUAL_PROBE = 3
_CAREL_STATES = (
    _coil("compressor_on", 1),
    _coil("defrost_relay_on", 2),
    _coil("fan_on", 3),
    _coil("defrosting", 31),
    _coil("door_open", 37),
)
_CAREL_ALARMS = {
    _coil("virtual_probe_fault", 9): RefrigerationAlarm.PROBE_FAULT,
    _coil("probe_1_fault", 10): RefrigerationAlarm.PROBE_FAULT,
    _coil("probe_2_fault", 11): RefrigerationAlarm.PROBE_FAULT,
    _coil("probe_3_fault", 12): RefrigerationAlarm.PROBE_FAULT,
    _coil("probe_4_fault", 13): RefrigerationAlarm.PROBE_FAULT,
    _coil("probe_5_fault", 14): RefrigerationAlarm.PROBE_FAULT,
    _coil("low_temperature", 15): RefrigerationAlarm.LOW_TEMPERATURE,
    _coil("high_temperature", 16): RefrigerationAlarm.HIGH_TEMPERATURE,
    _coil("immediate_external", 17): RefrigerationAlarm.OTHER,
    _coil("delayed_external", 18): RefrigerationAlarm.OTHER,
    _coil("defrost_1_timeout", 19): RefrigerationAlarm.DEFROST_TIMEOUT,
    _coil("defrost_2_timeout", 20): RefrigerationAlarm.DEFROST_TIMEOUT,
    _coil("pump_down_timeout", 21): RefrigerationAlarm.OTHER,
    _coil("low_pressure", 22): RefrigerationAlarm.OTHER,
    _coil("condenser_warm", 23): RefrigerationAlarm.OTHER,  # the pre-alarm, which stops nothing
    _coil("condenser_hot", 24): RefrigerationAlarm.CONDENSER_HOT,
    _coil("door_open_too_long", 25): RefrigerationAlarm.DOOR_OPEN,
    _coil("clock_error", 26): RefrigerationAlarm.OTHER,
    _coil("parameter_memory_error", 27): RefrigerationAlarm.OTHER,
    _coil("operating_memory_error", 28): RefrigerationAlarm.OTHER,
}
_CAREL = Profile(
    name="carel-ir33",
    baud_rate=19_200,  # [I] the family's supervisor port; `baud_rate` of the bus overrides it
    answer_seconds=0.5,  # no source: as Dixell's, whose answer is as long
    rows=(),
    bit_gap_max=8,  # the table's longest gap up to the door, so that all coils are one query
)


def carel_ir33(*, base: int = 0, probe: int = 0, set_point_register: int = 0) -> Controller:
    """Carel ir33+, reading one of CAREL_PROBES.

    `base` is 1 where the printed numbers count from 1. The printed table has no set point; an
    installer who found its number (tenths, as printed) gives it, 0 reads none.
    """
    rows = [_tenths("temperature_celsius", CAREL_VIRTUAL_PROBE + probe)]
    if set_point_register:
        rows.append(_tenths("set_point_celsius", set_point_register))
    rows += [*_CAREL_STATES, *_CAREL_ALARMS]
    profile = replace(_CAREL, rows=tuple(moved(row, -base) for row in rows))
    return Controller(profile, {row.name: alarm for row, alarm in _CAREL_ALARMS.items()})


# Dixell XR-CX: industrialmonitordirect.com, knowledge base "dixell-xr75cx-modbus-rtu-register-map"
# (decimal addresses, 9600 8N1 fixed); docs.webhmi.com.ua/dixell (time-out). No map by the maker.
DIXELL_PROBES = range(1, 4)
DIXELL_OUTPUTS = range(1, 5)
_DIXELL_PROBE_1 = 256
_DIXELL_SET_POINT = 272
_DIXELL_STATUS = 300
_DIXELL_OUTPUT_1 = 512
_DIXELL_ALARM = 528
_DIXELL = Profile(name="dixell-xr", baud_rate=9_600, answer_seconds=0.5, rows=())


def dixell_xr(
    *,
    probe: int = 1,
    compressor_output: int = 1,
    defrost_output: int = 2,
    defrost_status_bit: int = -1,
    set_point_scale: float = TENTHS,
) -> Controller:
    """Dixell XR, reading one of DIXELL_PROBES.

    `compressor_output`, `defrost_output`: which of DIXELL_OUTPUTS drives them, 0 for none.
    `defrost_status_bit`: bit of the status word that says "defrosting", in place of the relay;
    -1, the default, where it is not known (no source lists the bits).
    """
    rows = [
        _tenths("temperature_celsius", _DIXELL_PROBE_1 + probe - 1),
        replace(_tenths("set_point_celsius", _DIXELL_SET_POINT), scale=set_point_scale),
        _coil("alarm", _DIXELL_ALARM),
    ]
    if compressor_output:
        rows.append(_coil("compressor_on", _DIXELL_OUTPUT_1 + compressor_output - 1))
    if defrost_status_bit >= 0:
        kind, bit = RowKind.WORD_BIT, defrost_status_bit
        rows.append(Row("defrosting", Function.READ_HOLDING, _DIXELL_STATUS, kind, bit=bit))
    elif defrost_output:
        rows.append(_coil("defrosting", _DIXELL_OUTPUT_1 + defrost_output - 1))
    return Controller(replace(_DIXELL, rows=tuple(rows)), {"alarm": RefrigerationAlarm.OTHER})
