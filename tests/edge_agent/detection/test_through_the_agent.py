"""Each code that devices can show, from their readings through the whole agent into the journal."""

from collections.abc import Callable
from datetime import datetime

import pytest

from edge_agent.detection.findings import Finding
from protocol.faults import CATALOGUE
from tests.edge_agent.detection.cabinet import Cabinet, Word
from tests.edge_agent.detection.case import Case
from tests.edge_agent.detection.test_every_code import CASES
from tests.edge_agent.selling.core_faults import CORE_FAULTS
from tests.edge_agent.workbench import Bench

TESTED_ELSEWHERE = {
    "CPU_RESETS": "tests/edge_agent/outbox/test_starts.py",
    "STORAGE_WEAR": "tests/edge_agent/outbox/test_starts.py",
}
NOT_RAISED_BY_THE_AGENT = {
    "OFFLINE": "the server hears nothing of the cabinet",
    "OUTBOX_RESET": "the server sees the new epoch",
    "JOURNAL_GAP": "the server misses events",
    "CABINET_CLONED": "the server sees two boots",
    "DESIRED_DRIFT": "the server waits for the acknowledgement",
    "VERSION_UNKNOWN": "the server knows what it issued",
    "VISION_FAIL": "no camera driver yet",
    "RFID_FAIL": "no RFID driver yet",
}


class AgentCabinet(Cabinet):
    """A cabinet whose words go through a whole agent; `run` returns nothing, the journal tells."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.bench = bench
        bench.doors.state.clear()
        bench.celsius = None

    def run(self, seconds: float, *words: Word, every: float = 1.0) -> list[Finding]:
        for _ in range(round(seconds / every)):
            self.bench.clock.advance(every)
            at = self.bench.clock.elapsed()
            for word in words:
                self.bench.agent.readings.put(word(at))
            self.bench.agent.step()
        return []


first_of_each = {case.code: case for case in reversed(CASES)}


@pytest.mark.parametrize("case", first_of_each.values(), ids=first_of_each)
def test_readings_become_a_fault_in_the_journal(
    make_bench: Callable[..., Bench], case: Case
) -> None:
    bench = make_bench(perishable=case.perishable)
    cabinet = AgentCabinet(bench)
    cabinet.run(2)
    case.almost(cabinet)
    assert not told(bench, case)
    case.raised(cabinet)
    (body,) = told(bench, case)
    assert (body["part"], body["severity"], body.get("count", 1)) == (case.part, case.severity, 1)
    assert (body.get("limit"), body.get("latched", False)) == (case.limit, case.latched)
    since = datetime.fromisoformat(str(body["since"]))
    assert (bench.clock.wall() - since).total_seconds() == pytest.approx(case.since_seconds)


def told(bench: Bench, case: Case) -> list[dict[str, object]]:
    return [body for body in bench.bodies("fault.raised") if body["code"] == case.code]


def test_every_code_of_the_catalogue_is_raised_by_a_test_or_has_a_reason() -> None:
    raised = {case.code for case in CASES} | set(CORE_FAULTS) | set(TESTED_ELSEWHERE)
    assert raised.isdisjoint(NOT_RAISED_BY_THE_AGENT)
    assert raised | set(NOT_RAISED_BY_THE_AGENT) == set(CATALOGUE)


def test_what_the_server_detects_is_not_raised_here() -> None:
    by_server = {code for code, kind in CATALOGUE.items() if kind.detected_by == "server"}
    assert by_server <= set(NOT_RAISED_BY_THE_AGENT)


def test_the_latches_of_the_catalogue_are_those_of_the_cases() -> None:
    latched = {code for code, kind in CATALOGUE.items() if kind.latched}
    assert {case.code for case in CASES if case.latched} == latched - set(NOT_RAISED_BY_THE_AGENT)
