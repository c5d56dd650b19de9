"""`make bench-edge`: the agent's numbers, and the same faults for it and for its peer.

One run, one machine, both at once: a quiet minute, then five faults. What a phase lost is what the
device had answered and the server never got. The figures of wear, traffic and gate are played on a
manual clock in this process.
"""

import shutil
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from edge_agent.clock import SystemClock
from fleet_server.broker.service import broker_secret
from protocol.identity import SERVER_USER
from tests.benchmarks.edge import quiet, wear
from tests.benchmarks.edge.gate import gate_p99_ms
from tests.benchmarks.edge.ours import Ear, Ours
from tests.benchmarks.edge.peer import VERSION, Peer, installed
from tests.benchmarks.edge.phases import play
from tests.benchmarks.edge.quiet import Quiet
from tests.benchmarks.edge.subject import Tally
from tests.benchmarks.figures import BUILD, Goal, report

POLL_SECONDS = 1.0
GOALS = {
    "pss_mb": Goal("<=", 27),
    "start_to_first_report_s": Goal("<=", 1.5),
    "cpu_percent_1s_poll": Goal("<=", 2),
    "change_to_mqtt_p99_ms": Goal("<=", 50),
    "gate_p99_ms": Goal("<=", 2),
    "idle_mb_month": Goal("<=", 5),
    "disk_gb_year": Goal("<=", 1),
    "memory_ratio_to_peer": Goal("<=", 0.5),
    "cpu_ratio_to_peer": Goal("<=", 0.25),
    "lost": Goal("<=", 0),
    "doubled": Goal("<=", 0),
}
SECONDS_A_YEAR = 365 * 86_400
GIGABYTE = 1_000_000_000


def run(console: Console) -> None:
    """Measure and report."""
    if shutil.which("mosquitto") is None:
        console.print("[red]the peer needs Mosquitto: apt-get install mosquitto[/]")
        raise SystemExit(2)
    folder = Path(tempfile.mkdtemp(prefix="bench-edge-"))
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        progress.add_task("bench-edge", total=None)
        played = _played(progress)
        quiet_minute, tallies = _side_by_side(folder, progress)
    shutil.rmtree(folder, ignore_errors=True)
    ours, theirs = quiet_minute.values()
    console.print(_table(quiet_minute, tallies))
    figures = {**played, **_figures(ours, theirs, list(tallies.values()))}
    note = f"telemetry every reading, real ingest on SQLite; peer thingsboard-gateway {VERSION}"
    report(console, "edge", figures, GOALS, note)


def _played(progress: Progress) -> dict[str, float]:
    task = progress.add_task("gate, wear, traffic", total=3)
    gate = gate_p99_ms()
    progress.advance(task)
    written = wear.bytes_written_per_10k_readings()
    progress.advance(task)
    traffic = wear.idle_mb_month()
    progress.advance(task)
    return {
        "gate_p99_ms": gate,
        "bytes_written_per_10k_readings": written,
        "disk_gb_year": written / wear.READINGS * SECONDS_A_YEAR / GIGABYTE,
        "idle_mb_month": traffic,
    }


def _side_by_side(
    folder: Path, progress: Progress
) -> tuple[dict[str, Quiet], dict[str, dict[str, Tally]]]:
    clock = SystemClock()
    task = progress.add_task("the peer is installed", total=1)
    peer = Peer(folder / "peer", clock, installed(BUILD / "peer-venv"))
    ours = Ours(folder / "ours", clock)
    progress.advance(task)
    try:
        ours.start(POLL_SECONDS)
        peer.start(POLL_SECONDS)
        server = ours.stage.server
        secret = broker_secret(server.data_dir)
        ear = Ear(clock, "127.0.0.1", server.broker_port, SERVER_USER, secret)
        task = progress.add_task("a quiet minute", total=1)
        quiet_minute = quiet.measured(clock, (ours, peer), ear)
        ear.close()
        progress.advance(task)
        return quiet_minute, play(clock, (ours, peer), progress)
    finally:
        peer.stop()
        ours.stop()


def _figures(ours: Quiet, theirs: Quiet, phases: list[dict[str, Tally]]) -> dict[str, float]:
    mine = [tallies["edge-agent"] for tallies in phases]
    others = [one for tallies in phases for name, one in tallies.items() if name != "edge-agent"]
    return {
        "pss_mb": ours.pss_mb,
        "start_to_first_report_s": ours.start_seconds,
        "cpu_percent_1s_poll": ours.cpu_percent,
        "change_to_mqtt_p99_ms": ours.latency_p99_ms,
        "memory_ratio_to_peer": ours.pss_mb / theirs.pss_mb,
        "cpu_ratio_to_peer": ours.cpu_percent / theirs.cpu_percent,
        "peer_pss_mb": theirs.pss_mb,
        "peer_cpu_percent": theirs.cpu_percent,
        "peer_start_s": theirs.start_seconds,
        "lost": sum(one.lost for one in mine),
        "doubled": sum(one.doubled for one in mine),
        "readings": sum(one.taken for one in mine),
        "peer_lost": sum(one.lost for one in others),
        "peer_doubled": sum(one.doubled for one in others),
        "peer_readings": sum(one.taken for one in others),
    }


def _table(quiet_minute: dict[str, Quiet], tallies: dict[str, dict[str, Tally]]) -> Table:
    table = Table(title="the same faults, the same moments", title_justify="left")
    for column in ("", *quiet_minute):
        table.add_column(column)
    for name, one in tallies.items():
        cells = [f"lost {row.lost}, doubled {row.doubled} of {row.taken}" for row in one.values()]
        table.add_row(name.replace("_", " "), *cells)
    for title, value in (
        ("PSS after 60 s, MB", lambda one: f"{one.pss_mb:.1f}"),
        ("CPU, % of a core", lambda one: f"{one.cpu_percent:.2f}"),
        ("start to first report, s", lambda one: f"{one.start_seconds:.2f}"),
        ("change to MQTT p99, ms", lambda one: f"{one.latency_p99_ms:.0f}"),
    ):
        table.add_row(title, *(value(one) for one in quiet_minute.values()))
    return table
