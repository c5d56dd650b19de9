"""Lives of the agent: reasons of their beginnings, and too many that were cut."""

from collections.abc import Callable
from pathlib import Path

from tests.edge_agent.workbench import Bench

Made = Callable[..., Bench]


def codes(bench: Bench) -> list[object]:
    return [body["code"] for body in bench.bodies("fault.raised")]


def reasons(bench: Bench) -> list[object]:
    return [body["reason"] for body in bench.bodies("agent.started")]


def again(make_bench: Made, bench: Bench, seed: int, **more: object) -> Bench:
    made = make_bench(server=bench.server, clock=bench.clock, doors=bench.doors, seed=seed, **more)
    made.steps(3)
    return made


def test_more_than_three_cut_lives_in_a_day_are_a_fault_that_ends_with_a_clean_day(
    make_bench: Made,
) -> None:
    bench = make_bench()
    for seed in range(2, 5):
        bench.crash()
        bench = again(make_bench, bench, seed)
        assert "CPU_RESETS" not in codes(bench)
    bench.crash()
    bench = again(make_bench, bench, 6)
    assert codes(bench).count("CPU_RESETS") == 1
    bench.clock.advance(25 * 3_600.0)
    bench.steps(3)
    assert "CPU_RESETS" in [body["code"] for body in bench.bodies("fault.cleared")]


def test_lives_that_ended_cleanly_are_not_counted(make_bench: Made) -> None:
    bench = make_bench()
    for seed in range(2, 9):
        bench.stop()
        bench = again(make_bench, bench, seed)
    assert "CPU_RESETS" not in codes(bench)
    assert set(reasons(bench)[1:]) == {"restart"}


def test_a_machine_that_started_anew_tells_the_power_cut(make_bench: Made, tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "cabinet")
    bench.crash()
    bench = again(make_bench, bench, 2, machine_boot="machine-2")
    assert reasons(bench)[-1] == "power"
    assert "POWER_BACK" in codes(bench)
    assert "POWER_BACK" in [body["code"] for body in bench.bodies("fault.cleared")]


def test_a_worn_out_flash_is_a_fault(make_bench: Made) -> None:
    bench = make_bench(storage_life=lambda: 90)
    bench.steps(3)
    assert codes(bench) == ["STORAGE_WEAR"]
