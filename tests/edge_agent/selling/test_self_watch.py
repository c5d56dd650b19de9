"""What the core itself notices, through the whole agent: raised, told once, ended, kept."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.detection.episodes import Episode
from tests.edge_agent.selling.core_faults import (
    CORE_FAULTS,
    HOUR,
    CoreFault,
    fill,
    hear_from_the_server_for_a_day,
    let_goods_expire,
    lose_every_receipt,
    make_room,
    moved,
)
from tests.edge_agent.workbench import Bench, ready

Made = Callable[..., Bench]

LASTING = {code: fault for code, fault in CORE_FAULTS.items() if fault.outlives}
every_fault = pytest.mark.parametrize(("code", "fault"), CORE_FAULTS.items(), ids=CORE_FAULTS)


def open_of(bench: Bench, code: str) -> list[Episode]:
    episodes = bench.agent.cabinet.parts.faults.open_episodes()
    return [episode for episode in episodes if episode.code == code]


def raised(bench: Bench, code: str, kind: str = "fault.raised") -> list[tuple[object, object]]:
    bodies = [body for body in bench.bodies(kind) if body["code"] == code]
    return [(body["part"], body.get("severity")) for body in bodies]


def again(make_bench: Made, bench: Bench) -> Bench:
    """Start the agent anew in the same cabinet, after a crash."""
    bench.crash()
    return make_bench(
        bench.directory, server=bench.server, clock=bench.clock, doors=bench.doors, seed=2
    )


@every_fault
def test_it_is_raised_once_and_ends_once(bench: Bench, code: str, fault: CoreFault) -> None:
    assert raised(bench, code) == []
    fault.raises(bench)
    bench.steps(25)
    assert [episode.part for episode in open_of(bench, code)] == [fault.part]
    fault.ends(bench)
    bench.steps(25)
    assert open_of(bench, code) == []
    assert raised(bench, code) == [(fault.part, fault.severity)]
    assert len(raised(bench, code, "fault.cleared")) == 1
    assert raised(bench, code, "fault.repeated") == []


@pytest.mark.parametrize(("code", "fault"), LASTING.items(), ids=LASTING)
def test_a_restart_neither_repeats_nor_forgets_it(
    make_bench: Made, tmp_path: Path, code: str, fault: CoreFault
) -> None:
    first = ready(make_bench(tmp_path / "kept"))
    fault.raises(first)
    first.steps(25)
    second = again(make_bench, first)
    second.steps(3)
    told_before = len(raised(second, code))
    assert [episode.part for episode in open_of(second, code)] == [fault.part]
    fault.ends(second)
    second.steps(25)
    assert open_of(second, code) == []
    assert told_before == len(raised(second, code)) == 1


def test_a_disk_that_got_room_while_the_agent_was_off_is_no_fault_any_more(
    make_bench: Made, tmp_path: Path
) -> None:
    first = ready(make_bench(tmp_path / "kept"))
    fill(first)
    first.steps(12)
    make_room(first)
    assert raised(first, "STORAGE_FULL") == [("storage", "C")]
    first.agent.cabinet.parts.senses.storage._low = True
    first.steps(1)
    assert open_of(first, "STORAGE_FULL")
    second = again(make_bench, first)
    second.steps(25)
    assert open_of(second, "STORAGE_FULL") == []


def test_a_poor_link_stays_poor_through_a_restart_until_a_day_went_well(
    make_bench: Made, tmp_path: Path
) -> None:
    first = ready(make_bench(tmp_path / "kept"))
    lose_every_receipt(first)
    second = again(make_bench, first)
    second.steps(3)
    second.server.answers = True
    second.steps(20, seconds=HOUR)
    assert open_of(second, "COMMS_POOR")
    hear_from_the_server_for_a_day(second)
    assert open_of(second, "COMMS_POOR") == []


def test_an_untrusted_clock_keeps_the_last_expiry_lock_and_makes_no_new_one(bench: Bench) -> None:
    let_goods_expire(bench)
    assert [episode.part for episode in open_of(bench, "EXPIRY_LOCK")] == ["A2"]
    bench.clock.jump_wall(-30 * 24 * HOUR)
    bench.steps(5)
    assert [episode.part for episode in open_of(bench, "EXPIRY_LOCK")] == ["A2"]
    bench.clock.jump_wall(4_000 * 24 * HOUR)
    bench.steps(5)
    assert [episode.part for episode in open_of(bench, "EXPIRY_LOCK")] == ["A2"]
    bench.agent.cabinet.remove(moved("A2", 2, "L9"))
    bench.steps(5)
    assert open_of(bench, "EXPIRY_LOCK") == [], "taken out is taken out, whatever the date"
    assert raised(bench, "EXPIRY_LOCK") == [("A2", "C")]


def test_a_wear_that_cannot_be_read_any_more_leaves_the_fault(
    make_bench: Made, tmp_path: Path
) -> None:
    worn: list[int | None] = [79, 80, None, 10]
    bench = make_bench(tmp_path / "kept", storage_life=lambda: worn[0])
    for expected in (False, True, True, False):
        bench.steps(1, seconds=24.1 * HOUR)
        bench.steps(2)
        assert bool(open_of(bench, "STORAGE_WEAR")) is expected
        worn.pop(0)


def test_service_mode_ends_by_the_clock(bench: Bench) -> None:
    CORE_FAULTS["SERVICE_MODE"].raises(bench)
    bench.steps(59, seconds=60.0)
    assert open_of(bench, "SERVICE_MODE")
    bench.steps(2, seconds=60.0)
    assert open_of(bench, "SERVICE_MODE") == []
