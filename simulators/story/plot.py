"""Plays the story: steps in their order, live progress, measured times, a summary, an exit code.

A step that does not come true within its bound fails the whole, with the reason and the last
lines of every log; nothing is left running either way.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from edge_agent.clock import SystemClock
from edge_agent.seed import Chance
from simulators.errors import SimulatorError
from simulators.hosts.server_host import ServerHost
from simulators.story import step_1_sell, step_2_door, step_3_cold, step_4_recall, step_5_kills
from simulators.story.stage import Stage

OPENING = "启动 · server, broker, people"
STORY_SECONDS_MAX = 120.0
"""The design's bound for the story; past it the demo says so and fails."""


@dataclass(frozen=True)
class Step:
    """One step: what it is called and what plays it."""

    title_zh: str
    title_en: str
    play: Callable[[Stage], dict[str, object]]

    @property
    def title(self) -> str:
        """Both languages."""
        return f"{self.title_zh} · {self.title_en}"


@dataclass(frozen=True)
class Played:
    """What became of a step."""

    step: Step
    seconds: float
    facts: dict[str, object]


STEPS = (
    Step("入网、按批次上货、销售", "enrol, load by lot, sell", step_1_sell.play),
    Step("柜门未关：派单、拒单、接单、到场、关单", "a door stays open", step_2_door.play),
    Step("压缩机故障：食品安全锁定与现场解除", "a compressor dies", step_3_cold.play),
    Step("按批次召回：断网柜机联网后先锁定再销售", "a lot is recalled", step_4_recall.play),
    Step("中断代理、服务与柜机进程：不丢不重", "broker, server, agent killed", step_5_kills.play),
)


def play_story(
    console: Console,
    seed: int,
    folder: Path | None = None,
    seconds_max: float = STORY_SECONDS_MAX,
) -> int:
    """Play all steps; 0 when every step was proven, 1 with the reason when one was not."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="cabinet-fleet-") as made:
        place = folder or Path(made)
        console.print(f"seed {seed}, logs in {place}")
        stage = Stage(place, ServerHost(place), Chance.from_seed(seed))
        began = clock.elapsed()
        played: list[Played] = []
        try:
            _play(console, stage, played, clock)
        except (SimulatorError, OSError) as error:
            title = STEPS[len(played)].title if stage.is_open else OPENING
            _explain(console, stage, title, error)
            return 1
        finally:
            stage.close()
        whole = clock.elapsed() - began
    console.print(_summary(played, whole))
    if whole > seconds_max:
        console.print(f"[red]the story took {whole:.0f} s, more than {seconds_max:.0f} s[/]")
        return 1
    return 0


def _play(console: Console, stage: Stage, played: list[Played], clock: SystemClock) -> None:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        opening = progress.add_task(OPENING, total=1)
        stage.open()
        progress.update(opening, completed=1)
        for number, step in enumerate(STEPS, 1):
            task = progress.add_task(f"{number} {step.title}", total=1)
            began = clock.elapsed()
            facts = step.play(stage)
            if step.play is step_1_sell.play:
                step_3_cold.break_compressor(stage)
            played.append(Played(step, clock.elapsed() - began, facts))
            progress.update(task, completed=1)


def _summary(played: list[Played], whole: float) -> Table:
    table = Table(title=f"{whole:.1f} s", title_justify="left")
    for column in ("", "步骤 · step", "s", "证明 · proven"):
        table.add_column(column, overflow="fold")
    for number, one in enumerate(played, 1):
        facts = ", ".join(f"{name} {value}" for name, value in one.facts.items())
        table.add_row(str(number), one.step.title, f"{one.seconds:.1f}", facts)
    return table


def _explain(console: Console, stage: Stage, title: str, error: Exception) -> None:
    console.print(f"[red]失败 · failed:[/] {title}")
    console.print(f"[red]原因 · reason:[/] {error}", markup=True, highlight=False)
    for name, process in (
        *((process.name, process) for process in stage.server.processes),
        *((cabinet.cabinet_id, cabinet.agent) for cabinet in stage.cabinets.values()),
    ):
        console.print(f"--- {name}", highlight=False)
        console.print(process.tail(), markup=False, highlight=False)
