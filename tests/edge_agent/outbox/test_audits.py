"""Reports of attached machines on their way into the journal: whatever they hold, they fit."""

from collections.abc import Callable
from itertools import chain
from typing import Any

import msgspec
import pytest

from edge_agent.drivers.audit.parser import parse_report
from edge_agent.drivers.audit.readings import AuditReading
from edge_agent.outbox.audits import LEFT_OUT, SPARE_BYTES, fitting
from edge_agent.outbox.store import BODY_BYTES_MAX
from tests.edge_agent.drivers.audit.samples import BODY, WHOLE, report_of
from tests.edge_agent.workbench import Bench

WIDE = "\x01Ж" * 128
"""An element as long as the parser keeps it, of letters that take most room in JSON."""


def parsed(data: bytes) -> dict[str, Any]:
    built: dict[str, Any] = msgspec.to_builtins(parse_report(data))
    return built


def size(report: dict[str, Any]) -> int:
    return len(msgspec.json.encode(report))


def many_selections(count: int, payments: int) -> list[str]:
    lines = []
    for number in range(count):
        lines += [f"PA1*S{number}*150*SODA", "PA2*120*18000*6*900"]
        lines += [f"PA7*{number}*CA*{kind}*150*100*15000*5*750" for kind in range(payments)]
    return lines


def test_a_report_that_fits_goes_whole() -> None:
    report = parsed(WHOLE)
    assert fitting(report) == report


def test_details_of_payment_kinds_go_before_any_count() -> None:
    report = parsed(report_of([*BODY, *many_selections(100, 12)]))
    assert size(report) > BODY_BYTES_MAX
    kept = fitting(report)
    assert kept[LEFT_OUT] == ["other_segments", "selections.other_segments"]
    assert len(kept["selections"]) == 103
    assert kept["selections"][-1]["vends_since_init"] == 120
    assert kept["totals"] == report["totals"]


NASTY = {
    "selections with long names": [f"PA1*{number}*1*{WIDE}" for number in range(2_000)],
    "events without end": [f"EA2*EJB_{number}*1*2*{WIDE}*1*3" for number in range(1_000)],
    "one event over and over": [f"EA1*EGS*20260101*0101*1*1*{WIDE}" for _ in range(2_000)],
    "makers' errors": [f"MA5*ERROR*{WIDE}*{number}" for number in range(300)],
    "temperatures": [f"MA5*TEMP*{WIDE}*{number}*C*{WIDE}" for number in range(300)],
    "coins and tubes": [f"CA{kind}*{10**17}*{number}" for kind in (11, 17) for number in range(99)],
    "names": [f"{name}*{'*'.join([WIDE] * 20)}" for name in ("ID1", "CB1", "CA1", "BA1")],
    "text": [f"{WIDE} {number}" for number in range(100)],
}


@pytest.mark.parametrize(
    "lines", [*NASTY.values(), list(chain(*NASTY.values()))], ids=[*NASTY, "all of them"]
)
def test_no_report_is_too_large_for_an_event(lines: list[str]) -> None:
    data = "".join(f"{line}\r\n" for line in ["ST*001*0001", "VA1*15600*302", *lines]).encode()
    kept = fitting(parsed(data))
    assert size(kept) <= BODY_BYTES_MAX - SPARE_BYTES
    assert kept["totals"]["paid"]["value_since_init_minor"] == 15_600


def test_a_machine_with_a_huge_report_does_not_stop_the_agent(
    make_bench: Callable[..., Bench],
) -> None:
    bench = make_bench()
    report = parse_report(report_of(many_selections(60, 20)))
    bench.agent.readings.put(AuditReading("snacks", "snacks", report, bench.clock.elapsed()))
    bench.steps(2)
    (body,) = bench.bodies("audit.read")
    assert len(body["report"]["selections"]) == 60
