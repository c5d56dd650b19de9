"""The command `cabinet-sim load`: a table that lives while it runs, and a summary at the end."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from simulators.load.processes import LoadProcesses
from simulators.load.runner import Load, LoadOrder, LoadReport, Standing

NOT_IN_FILE = frozenset({"heads", "positions", "hashes", "latencies"})
"""What a report has for each cabinet or event; `heads` becomes the list of cabinets."""


def play(console: Console, order: LoadOrder, json_file: Path | None, processes: int = 1) -> int:
    """Run the load; exit code 1 when something that was written is not committed.

    The first Ctrl-C ends the writing and waits for the last receipts, the second does not wait.
    """
    load = Load(order) if processes == 1 else LoadProcesses(order, processes)

    def end(*_: object) -> None:
        (load.abandon if load.stop.is_set() else load.stop).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    with Live(console=console, refresh_per_second=2, transient=True) as live:
        report = load.run(_watcher(live, len(order.roll.members)))
    console.print(_summary(report))
    if json_file is not None:
        json_file.write_text(json.dumps(figures(report), indent=1))
    return 0 if report.committed >= report.written else 1


def figures(report: LoadReport) -> dict[str, object]:
    """Report as it is written to a file: figures, and where each cabinet stands."""
    found: dict[str, object] = {
        name: value for name, value in vars(report).items() if name not in NOT_IN_FILE
    }
    found["events_per_second"] = report.events_per_second
    found["cabinets"] = {
        name: {"epoch": epoch, "head": head, "committed": report.positions[name], "sha256": digest}
        for name, (epoch, head, digest) in report.heads.items()
    }
    return found


def _watcher(live: Live, cabinets: int) -> Callable[[Standing], None]:
    before: list[Standing] = []

    def watch(now: Standing) -> None:
        last = before[-1] if before and before[-1].elapsed < now.elapsed else now
        before[:] = [now]
        seconds = max(now.elapsed - last.elapsed, 0.001)
        table = Table(show_header=False, box=None)
        for name, value in (
            ("s", f"{now.elapsed:.0f}"),
            ("已连接 · connected", f"{now.connected:,} / {cabinets:,}"),
            ("写入 · written /s", f"{(now.written - last.written) / seconds:,.0f}"),
            ("提交 · committed /s", f"{(now.committed - last.committed) / seconds:,.0f}"),
            ("待提交 · backlog", f"{now.backlog:,}"),
            ("重发 · resent", f"{now.resent:,}"),
            ("p50 / p99 ms", f"{now.latency_p50_ms:.0f} / {now.latency_p99_ms:.0f}"),
        ):
            table.add_row(name, value)
        live.update(table)

    return watch


def _summary(report: LoadReport) -> Table:
    table = Table(title="load", title_justify="left")
    for column in ("", "值 · value"):
        table.add_column(column)
    cpu = report.play_cpu_seconds / report.written * 1e6 if report.written else 0.0
    for name, value in (
        ("写入 · written", f"{report.written:,}"),
        ("提交 · committed", f"{report.committed:,}"),
        ("每秒提交 · committed /s", f"{report.events_per_second:,.0f}"),
        ("重发批次 · batches resent", f"{report.resent:,}"),
        ("断线 · connections lost", f"{report.lost_connections:,}"),
        ("拒绝的指令 · orders refused", f"{report.refused_orders:,}"),
        (
            "回执 p50 / p99 · receipt ms",
            f"{report.latency_p50_ms:.1f} / {report.latency_p99_ms:.1f}",
        ),
        ("连接用时 · connected in s", f"{report.connect_seconds:.1f}"),
        ("本工具 CPU · CPU of this tool, us an event", f"{cpu:.1f}"),
    ):
        table.add_row(name, value)
    return table
