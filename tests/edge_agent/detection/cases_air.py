"""Cases of air and cooling (hardware reference 6.2, rows TEMP_SAFETY_HOLD to EVAPORATOR_ICED)."""

from functools import partial
from itertools import count

from edge_agent.drivers.readings import RefrigerationAlarm, TemperatureReading
from protocol.faults import Severity
from tests.edge_agent.detection.cabinet import Word
from tests.edge_agent.detection.case import Case, Play, run, say, then
from tests.edge_agent.detection.words import air, cooling, frozen, silent

HOUR = 3_600.0
CHILLER = "chiller"

cold, warm, above = partial(air, 3.0), partial(air, 9.0), partial(air, 5.0)
running = partial(cooling, on=True)
probe_silent = partial(silent, "temperature", "probe", CHILLER)
hot = partial(cooling, RefrigerationAlarm.CONDENSER_HOT)
probe_fault = partial(cooling, RefrigerationAlarm.PROBE_FAULT)
timeout = partial(cooling, RefrigerationAlarm.DEFROST_TIMEOUT)


def twins(first: float, second: float, seconds: float, every: float = 1.0) -> Play:
    """Two probes in one compartment."""
    return run(seconds, partial(air, first, "p1"), partial(air, second, "p2"), every=every)


def falling(celsius_per_hour: float, seconds: float, start: float) -> Play:
    """Air that cools from `start` while the compressor runs."""

    def word() -> Word:
        hours = count(0, 10 / HOUR)
        return lambda at: TemperatureReading(
            "probe", CHILLER, start - celsius_per_hour * next(hours), None, at
        )

    return run(seconds, word, running, every=10.0)


CASES = (
    Case(
        "TEMP_SAFETY_HOLD",
        CHILLER,
        Severity.C,
        cause="too_warm_too_long",
        harmless=run(3 * HOUR, partial(air, 4.98), every=5.0),
        almost=run(900, warm),
        raised=say(warm),
        since_seconds=900,
        limit=5.0,
        held=run(10 * HOUR, cold, every=10.0),
        cleared=say(cold),
        latched=True,
        muted=True,
    ),
    Case(
        "TEMP_SAFETY_HOLD",
        CHILLER,
        Severity.C,
        cause="temperature_unknown",
        almost=then(say(cold), run(1_799, probe_silent)),
        raised=say(probe_silent),
        since_seconds=1_800,
        limit=1_800,
        held=run(HOUR, cold),
        cleared=say(cold),
        latched=True,
    ),
    Case(
        "TEMP_HIGH",
        CHILLER,
        Severity.M,
        cause="warm",
        harmless=run(HOUR, partial(air, 4.98), every=5.0),
        almost=run(600, warm),
        raised=say(warm),
        since_seconds=600,
        limit=5.0,
        held=run(670, partial(air, 2.0)),  # the mean takes 76 s to fall below 4 C
        cleared=run(10, partial(air, 2.0)),
        muted=True,
    ),
    Case(
        "TEMP_LOW",
        CHILLER,
        Severity.M,
        cause="cold",
        harmless=run(HOUR, partial(air, 0.0), every=5.0),
        almost=run(1_200, partial(air, -1.0)),
        raised=say(partial(air, -1.0)),
        since_seconds=1_200,
        limit=0.0,
        held=run(660, partial(air, 2.0)),
        cleared=run(10, partial(air, 2.0)),
    ),
    Case(
        "TEMP_TREND",
        CHILLER,
        Severity.N,
        cause="cools_slowly",
        harmless=falling(0.6, 3 * HOUR, 8.0),
        almost=falling(0.4, HOUR, 8.0),
        raised=falling(0.4, 10, 7.6),
        since_seconds=HOUR,
        limit=0.5,
        held=falling(2.0, HOUR - 10, 7.6),
        cleared=falling(2.0, 10, 5.6),
        across_gap=False,
        muted=True,
    ),
    Case(
        "TEMP_SENSOR",
        CHILLER,
        Severity.C,
        cause="silent",
        almost=run(12, probe_silent, every=3.0),
        raised=run(3, partial(probe_silent, after=4), every=3.0),
        since_seconds=12,
        limit=5,
        held=run(600, cold),
        cleared=say(cold),
    ),
    Case(
        "TEMP_SENSOR",
        CHILLER,
        Severity.M,
        perishable=False,
        cause="out_of_range",
        harmless=run(60, partial(frozen, 84.8)),
        almost=run(12, partial(frozen, 85.0)),
        raised=say(partial(frozen, 85.0)),
        since_seconds=12,
        limit=84.9,
        held=run(600, cold),
        cleared=say(cold),
    ),
    Case(
        "TEMP_SENSOR",
        CHILLER,
        Severity.C,
        cause="frozen",
        harmless=run(7_100, partial(frozen, 3.0), every=10.0),
        almost=run(7_200, partial(frozen, 3.0), every=10.0),
        raised=run(10, partial(frozen, 3.0), every=10.0),
        since_seconds=7_200,
        limit=7_200,
        held=run(600, partial(air, 3.2)),
        cleared=say(partial(air, 3.2)),
        across_gap=False,
    ),
    Case(
        "TEMP_SENSOR",
        CHILLER,
        Severity.C,
        cause="probes_differ",
        harmless=twins(1.0, 5.9, HOUR, every=10.0),
        almost=twins(1.0, 6.1, 600),
        raised=twins(1.0, 6.1, 1),
        since_seconds=600,
        limit=5.0,
        held=twins(3.0, 3.0, 600),
        cleared=twins(3.0, 3.0, 1),
        across_gap=False,  # the first word after it has nothing to differ from
    ),
    Case(
        "TEMP_SENSOR",
        CHILLER,
        Severity.C,
        cause="controller_alarm",
        raised=say(probe_fault),
        limit=0.0,
        held=run(600, cooling),
        cleared=say(cooling),
    ),
    Case(
        "COMPRESSOR_FAIL",
        CHILLER,
        Severity.M,
        cause="runs_in_vain",
        harmless=run(5 * HOUR, partial(air, 2.9), running, every=10.0),
        almost=run(4 * HOUR, above, running, every=10.0),
        raised=run(10, above, running, every=10.0),
        since_seconds=4 * HOUR,
        limit=4 * HOUR,
        held=run(60, partial(air, 2.0), running),  # the mean takes 66 s to the set point
        cleared=run(10, partial(air, 2.0), running),
        across_gap=False,
        muted=True,
    ),
    Case(
        "COMPRESSOR_FAIL",
        CHILLER,
        Severity.M,
        cause="does_not_start",
        harmless=run(2 * HOUR, partial(air, 4.98), cooling, every=10.0),
        almost=run(1_800, partial(air, 5.1), cooling),
        raised=say(partial(air, 5.1), cooling),
        since_seconds=1_800,
        limit=1_800,
        held=run(60, partial(air, 2.0), running),
        cleared=run(30, partial(air, 2.0), running),
        across_gap=False,
        muted=True,
    ),
    Case(
        "COMPRESSOR_SHORT_CYCLE",
        CHILLER,
        Severity.N,
        cause="starts",
        harmless=then(run(200, cooling), run(200, running), times=40),
        almost=then(run(60, cooling), run(60, running), times=10),
        raised=then(run(60, cooling), say(running)),
        since_seconds=HOUR,
        limit=10,
        held=run(5_980, running, every=10.0),
        cleared=run(30, running, every=10.0),
    ),
    Case(
        "CONDENSER_HOT",
        CHILLER,
        Severity.M,
        cause="controller_alarm",
        harmless=run(60, cooling),
        raised=say(hot),
        limit=3,
        held=run(60, hot),
        cleared=say(cooling),
    ),
    Case(
        "EVAPORATOR_ICED",
        CHILLER,
        Severity.M,
        cause="defrost_timeout",
        harmless=then(run(60, partial(cooling, defrosting=True)), run(60, cooling), times=5),
        raised=say(timeout),
        held=then(run(HOUR, cooling, every=10.0), run(60, partial(cooling, defrosting=True))),
        cleared=say(cooling),
    ),
)
