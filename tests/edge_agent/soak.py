"""SIGKILL of real agents under load, a thousand times: nothing lost, doubled or wrongly sold.

`python -m tests.edge_agent.soak --kills 1000 --seed N`: real `edge-agent run` processes on
simulated hardware over pseudo-terminals, shoppers buying by HTTP, a real server with its broker.
Each agent has an executioner of its own, who strikes while it starts, in its first moments, right
after its lock was pulsed, or at any time. Two holds are put on lots in mid-run. In the end both
journals are compared event by event. Ends with 1 when anything is wrong.
"""

import argparse
import random  # noqa: TID251  # the seed is drawn here and printed
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from edge_agent.clock import SystemClock
from edge_agent.seed import Chance
from simulators.errors import NotProvenError, SimulatorError
from simulators.hosts.cabinet_host import CabinetHost
from simulators.hosts.server_host import ServerHost
from simulators.people.shopper import Shopper
from simulators.story.proofs import cabinets_rows, server_rows, wait_until_committed
from simulators.story.stage import SANDWICH, WATER, Load, Stage
from simulators.waiting import wait_until
from tests.benchmarks.figures import Goal, report

UNITS = 1_000
EXPIRY = "2099-01-01"
SLOTS = {"A1": SANDWICH, "A2": WATER, "A3": WATER, "A4": SANDWICH}
LOTS = {"A1": "L1", "A2": "W1", "A3": "HOLD-1", "A4": "HOLD-2"}
HELD = (("A3", 0.3), ("A4", 0.6))
"""Slots whose lot is put on hold, and after which share of the kills."""
GOALS = {
    name: Goal("<=", 0)
    for name in ("lost", "doubled", "forbidden", "moved_twice", "stock_wrong", "fell")
}
REST_SECONDS = 60.0


@dataclass
class Executioner:
    """Kills one agent again and again, and starts it anew at once."""

    cabinet: CabinetHost
    chance: random.Random
    kills: int = 0
    ways: Counter[str] = field(default_factory=Counter)
    fell: list[str] = field(default_factory=list)
    """Last words of an agent that ended by itself."""

    def strike(self) -> None:
        """Wait for the moment, kill, start anew."""
        way = self.chance.choices(["start", "first", "vend", "any"], [2, 3, 3, 2])[0]
        self._wait(way)
        agent = self.cabinet.agent
        if not agent.running:
            self.fell.append(agent.tail())
        agent.kill()
        self.kills += 1
        self.ways[way] += 1
        agent.start()

    def _wait(self, way: str) -> None:
        if way == "vend":
            before = self._pulses()
            ends = SystemClock().elapsed() + 6.0
            while self._pulses() == before and SystemClock().elapsed() < ends:
                time.sleep(0.005)
            time.sleep(self.chance.uniform(0.0, 0.2))
            return
        low, high = {"start": (0.02, 0.5), "first": (0.4, 1.2), "any": (1.0, 4.0)}[way]
        time.sleep(self.chance.uniform(low, high))

    def _pulses(self) -> int:
        return sum(self.cabinet.locks.pulses(self.cabinet.lock_of(slot)) for slot in SLOTS)


class Soak:
    """One run on one stage."""

    def __init__(self, stage: Stage, seed: int, agents: int) -> None:
        self.stage = stage
        self._chance = random.Random(seed)
        self._stop = threading.Event()
        site = stage.add_site("Tower", 31.23, 121.47)
        self.cabinets = [stage.add_cabinet(f"C{number}", site) for number in range(1, agents + 1)]
        for cabinet in self.cabinets:
            stage.plan(cabinet, SLOTS)
            loads = [Load(slot, SLOTS[slot], LOTS[slot], UNITS, EXPIRY) for slot in SLOTS]
            stage.load(cabinet, loads)
        self.shoppers = [Shopper(f"shopper-{cabinet.cabinet_id}") for cabinet in self.cabinets]
        self.executioners = [
            Executioner(cabinet, random.Random(f"{seed} {cabinet.cabinet_id}"))
            for cabinet in self.cabinets
        ]
        self.errors: list[str] = []

    @property
    def kills(self) -> int:
        """Kills so far."""
        return sum(one.kills for one in self.executioners)

    def run(self, kills: int, seconds_max: float, progress: Progress) -> None:
        """Kill until enough are dead or the time is up; then let all come to rest."""
        share = -(-kills // len(self.cabinets))
        threads = [
            *(threading.Thread(target=self._kill, args=(one, share)) for one in self.executioners),
            *(
                threading.Thread(target=self._buy, args=pair)
                for pair in zip(self.shoppers, self.cabinets, strict=True)
            ),
        ]
        for thread in threads:
            thread.start()
        task = progress.add_task("kills", total=share * len(self.cabinets))
        holds = list(HELD)
        ends = SystemClock().elapsed() + seconds_max
        while any(one.kills < share for one in self.executioners):
            if SystemClock().elapsed() > ends or self.errors:
                break
            if holds and self.kills >= holds[0][1] * kills:
                self._hold(holds.pop(0)[0])
            progress.update(task, completed=self.kills)
            time.sleep(0.2)
        self._stop.set()
        for thread in threads:
            thread.join()
        progress.update(task, completed=self.kills)

    def _kill(self, one: Executioner, kills: int) -> None:
        while one.kills < kills and not self._stop.is_set():
            one.strike()

    def _buy(self, shopper: Shopper, cabinet: CabinetHost) -> None:
        slots = list(SLOTS)
        while not self._stop.is_set():
            try:
                shopper.buy(cabinet, slots[len(shopper.log) % len(slots)])
            except SimulatorError as error:
                self.errors.append(f"{cabinet.cabinet_id}: {error}; {cabinet.agent.tail(5)}")
                return

    def _hold(self, slot: str) -> None:
        draft = {
            "scope": {"gtins": [SLOTS[slot].gtin], "lots": {"exact": [LOTS[slot]]}},
            "reason": "soak",
            "notice": {"zh": "该批次暂停销售", "en": "This lot is on hold"},
        }
        self.stage.operator.post("/holds", draft, key=f"hold-{slot}")

    def rest(self) -> None:
        """Wait until nothing is under way and the server has everything."""
        for cabinet in self.cabinets:
            for slot in SLOTS:
                cabinet.locks.close_door(cabinet.lock_of(slot))
        for cabinet in self.cabinets:
            wait_until(
                f"{cabinet.cabinet_id} is at rest",
                lambda cabinet=cabinet: _is_at_rest(cabinet),
                REST_SECONDS,
            )
        wait_until_committed(self.cabinets)

    def figures(self, seconds: float) -> dict[str, float]:
        """What is proven, from both journals and the locks."""
        ours, theirs = cabinets_rows(self.cabinets), server_rows(self.stage.server.database_url)
        bodies = {cabinet.cabinet_id: cabinet.journal() for cabinet in self.cabinets}
        ends = Counter(
            line["body"]["payment_reference"]
            for lines in bodies.values()
            for line in lines
            if line["type"] in {"sale.completed", "vend.failed"}
        )
        sold = {
            line["body"]["payment_reference"]
            for lines in bodies.values()
            for line in lines
            if line["type"] == "sale.completed"
        }
        taken = [one.payment_reference for shopper in self.shoppers for one in shopper.taken]
        return {
            "kills": self.kills,
            "lost": (ours - theirs).total() + len(set(taken) - sold),
            "doubled": (theirs - ours).total() + sum(times - 1 for times in ends.values()),
            "forbidden": sum(_sold_after_block(lines) for lines in bodies.values()),
            "moved_twice": sum(self._moves_too_many(cabinet) for cabinet in self.cabinets),
            "stock_wrong": sum(_stock_wrong(cabinet, bodies) for cabinet in self.cabinets),
            "fell": sum(len(one.fell) for one in self.executioners),
            "events": ours.total(),
            "sales": len(sold),
            "seconds": round(seconds),
        }

    def _moves_too_many(self, cabinet: CabinetHost) -> int:
        """Pulses beyond one an order of the shoppers."""
        orders = Counter(
            one.slot
            for shopper in self.shoppers
            for one in shopper.log
            if one.cabinet_id == cabinet.cabinet_id
        )
        return sum(
            max(0, cabinet.locks.pulses(cabinet.lock_of(slot)) - orders[slot]) for slot in SLOTS
        )


def _is_at_rest(cabinet: CabinetHost) -> bool:
    state = cabinet.state()
    shut = all(slot["door_state"] == "closed" for slot in state["slots"])
    busy = any(slot["detail"] == "busy" for slot in state["slots"])
    return bool(shut and not busy and state["connected"])


def _sold_after_block(lines: Sequence[dict[str, object]]) -> int:
    """Sales out of a slot after the acknowledgement of the rules that block it."""
    blocked: set[str] = set()
    found = 0
    for line in lines:
        body: dict[str, list[dict[str, str]]] = line["body"]  # type: ignore[assignment]
        if line["type"] == "rules.applied":
            blocked = {row["slot"] for row in body.get("blocked", [])}
        elif line["type"] == "sale.completed":
            found += sum(row["slot"] in blocked for row in body["lines"])
    return found


def _stock_wrong(cabinet: CabinetHost, bodies: dict[str, list[dict[str, object]]]) -> int:
    """Units by which the book differs from what was loaded and sold."""
    sold: Counter[str] = Counter()
    for line in bodies[cabinet.cabinet_id]:
        if line["type"] == "sale.completed":
            for row in line["body"]["lines"]:  # type: ignore[index]
                sold[row["slot"]] += row["quantity"]
    return sum(abs(UNITS - sold[slot["slot"]] - slot["units"]) for slot in cabinet.state()["slots"])


def soak(kills: int, seed: int, agents: int, minutes: float, console: Console) -> dict[str, float]:
    """Run it all in a folder of its own; what was found."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder), ServerHost(Path(folder)), Chance.from_seed(seed))
        try:
            stage.open()
            run = Soak(stage, seed, agents)
            began = clock.elapsed()
            with Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=console,
            ) as progress:
                run.run(kills, minutes * 60, progress)
            if run.errors:
                raise NotProvenError("every agent comes back", "; ".join(run.errors))
            run.rest()
            figures = run.figures(clock.elapsed() - began)
            for one in run.executioners:
                console.print(one.cabinet.cabinet_id, dict(one.ways), *one.fell)
            return figures
        finally:
            stage.close()


def commit() -> str:
    """Which code this is."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description="SIGKILL agents under load; nothing may be lost.")
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))  # noqa: TID251  # printed
    parser.add_argument("--agents", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=20.0, help="give up after so long")
    options = parser.parse_args(arguments)
    console = Console()
    note = f"seed {options.seed}, commit {commit()}, {options.agents} agents"
    console.print(f"soak: {options.kills} kills, {note}")
    figures = soak(options.kills, options.seed, options.agents, options.minutes, console)
    goals = {**GOALS, "kills": Goal(">=", options.kills)}
    report(console, "edge_soak", figures, goals, note)
    good = all(goal.met(figures[name]) for name, goal in goals.items())
    console.print(f"{'good' if good else 'WRONG'}: {note}, {figures}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
