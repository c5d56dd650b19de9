"""MA5 lines: every shape of temperature the hardware reference 1.3.5 counted."""

import pytest

from edge_agent.drivers.audit.parser import parse_report
from edge_agent.drivers.audit.report import RawSegment, TemperatureState
from tests.edge_agent.drivers.audit.samples import report_of


@pytest.mark.parametrize(
    ("line", "zone", "celsius", "unit"),
    [
        ("MA5*TEMP*44*6", "", 6.67, "F"),
        ("MA5*TEMP*45*C*DC", "", 4.5, "C"),
        ("MA5*TEMP*-185*C", "", -18.5, "C"),
        ("MA5*TEMP*380*F", "", 3.33, "F"),
        ("MA5*DETECTED TEMPERATURE*  600*C", "", 6.0, "C"),
        ("MA5*TEMP*CoLd*22*C*---*DO", "CoLd", 22.0, "C"),
        ("MA5*TEMP*Snack*38*F*40", "Snack", 3.33, "F"),
        ("MA5*TEMP*4.5*C", "", 4.5, "C"),
    ],
)
def test_a_temperature_is_read_in_its_makers_shape(
    line: str, zone: str, celsius: float, unit: str
) -> None:
    (found,) = parse_report(report_of([line])).temperatures
    assert (found.zone, found.celsius, found.unit) == (zone, celsius, unit)
    assert found.state is TemperatureState.OK
    assert "*".join(found.reported) == line.removeprefix("MA5*").replace("  ", "")


def test_an_open_sensor_circuit_is_a_state_and_no_temperature() -> None:
    (found,) = parse_report(report_of(["MA5*TEMP*Snack*OPEN*F*---"])).temperatures
    assert (found.zone, found.state, found.celsius) == ("Snack", TemperatureState.OPEN, None)


@pytest.mark.parametrize("line", ["MA5*TEMP", "MA5*TEMP*---*C", "MA5*TEMP*Snack*ERR*F"])
def test_a_temperature_that_is_no_number_is_unreadable(line: str) -> None:
    (found,) = parse_report(report_of([line])).temperatures
    assert (found.state, found.celsius) == (TemperatureState.UNREADABLE, None)


def test_a_set_point_is_not_taken_for_a_measurement() -> None:
    report = parse_report(report_of(["MA5*SET TEMPERATURE*400*C", "MA5*TEMPO*1"]))
    assert report.temperatures == ()


def test_errors_and_health_lines_are_told_and_stay_raw_too() -> None:
    report = parse_report(
        report_of(["MA5*ERROR*CJ06", "MA5*error*Coin Mech Comm", "MA5*HLTH1*1*ALL*0"])
    )
    assert report.maker_errors == ("CJ06", "Coin Mech Comm")
    assert report.maker_health == ("HLTH1*1*ALL*0",)
    assert RawSegment("MA5", ("ERROR", "CJ06")) in report.other_segments
