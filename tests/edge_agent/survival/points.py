"""Every point of a day where the agent may die: taken, and lived on from.

A run of a day passes thousands of points: before each BEGIN, after each statement, before and
after each COMMIT, after each pulse and each message. At each of them the folder is copied as a
power cut would leave it and the world is frozen; points that left the same bytes and the same
world are one death. `killed` does the same with a process that really kills itself.
"""

import hashlib
import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from edge_agent.store import STORE_FILE
from tests.edge_agent.survival.checkers import check
from tests.edge_agent.survival.day import Day, Scenario
from tests.edge_agent.survival.world import World


@dataclass(frozen=True)
class Point:
    """One point: its number and kind, the action under way, and what is left of the world."""

    number: int
    kind: str
    action: int
    world: bytes
    folder: Path

    def copied(self, folder: Path) -> "Point":
        """The same death once more, in a folder of its own."""
        copy_store(self.folder, folder)
        return replace(self, folder=folder)

    def __str__(self) -> str:
        return f"point {self.number} ({self.kind}, in action {self.action})"


class Camera:
    """Takes every point of a run that no other before it equals."""

    def __init__(self, world: World, folder: Path, kept: Path) -> None:
        self.points: list[Point] = []
        self.passed = 0
        self.kinds: set[str] = set()
        self.day: Day | None = None
        self._world = world
        self._folder = folder
        self._kept = kept
        self._seen: set[bytes] = set()

    def __call__(self, kind: str) -> None:
        self.passed += 1
        self.kinds.add(str(kind))
        digest = hashlib.blake2b(self._world.essence() + files_digest(self._folder)).digest()
        if digest in self._seen:
            return
        self._seen.add(digest)
        target = self._kept / str(self.passed)
        copy_store(self._folder, target)
        action = 0 if self.day is None else self.day.done
        self.points.append(Point(self.passed, kind, action, self._world.freeze(), target))


def photographed(
    scenario: Scenario, folder: Path, seed: int, *, since: Point | None = None
) -> Camera:
    """Play a whole day, or the rest of it `since` a death; every death it holds."""
    world, first = scenario.world(), 0
    if since is not None:
        copy_store(since.folder, folder / "day")
        world, first, seed = World.thaw(since.world), since.action, seed + since.number
    camera = Camera(world, folder / "day", folder / "points")
    camera.day = Day(scenario, folder / "day", world, witness=camera, seed=seed)
    if since is not None:
        camera.day.step(count=2)
    camera.day.play(first)
    passed = camera.passed
    check(camera.day)
    assert camera.passed == passed, "checking is no part of the day"
    camera.day.bench.crash()
    return camera


def live_on(scenario: Scenario, point: Point, seed: int, *, shut: bool = False) -> None:
    """Start anew on what a death left, play the rest of the day, check everything.

    `shut`: whoever stood at an open door closed it while the agent was dead.
    """
    world = World.thaw(point.world)
    if shut:
        world.shut()
    day = Day(scenario, point.folder, world, seed=seed + point.number)
    day.step(count=2)
    day.play(point.action)
    check(day)
    day.bench.crash()


def killed(scenario: Scenario, folder: Path, number: int, seed: int) -> Point:
    """Have a process of its own play the day and SIGKILL itself at a point."""
    black_box = folder / "world"
    folder.mkdir(parents=True)
    process = os.fork()
    if process == 0:
        _die_at(scenario, folder, black_box, number, seed)
    _, status = os.waitpid(process, 0)
    assert os.WIFSIGNALED(status), f"it did not come to point {number}: status {status}"
    assert os.WTERMSIG(status) == signal.SIGKILL
    kind, action, world = black_box.read_bytes().split(b" ", 2)
    return Point(number, kind.decode(), int(action), world, folder / "day")


def _die_at(scenario: Scenario, folder: Path, black_box: Path, number: int, seed: int) -> None:
    world = scenario.world()
    passed = 0
    day: Day | None = None

    def witness(kind: str) -> None:
        nonlocal passed
        passed += 1
        if passed == number:
            action = 0 if day is None else day.done
            black_box.write_bytes(f"{kind} {action} ".encode() + world.freeze())
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        day = Day(scenario, folder / "day", world, witness=witness, seed=seed)
        day.play()
    finally:
        os._exit(1)


def files_digest(folder: Path) -> bytes:
    """What a power cut would leave, in short."""
    found = hashlib.blake2b()
    for path in store_files(folder):
        found.update(path.name.encode())
        found.update(path.read_bytes())
    return found.digest()


def contents(folder: Path) -> list[str]:
    """Every row that a death left, as the next life will read it; the folder stays as it is."""
    copy_store(folder, folder / "read")
    with closing(sqlite3.connect(folder / "read" / STORE_FILE)) as store:
        return list(store.iterdump())


def copy_store(folder: Path, target: Path) -> None:
    """Copy what a power cut leaves: never the shared memory beside the log."""
    target.mkdir(parents=True)
    for path in store_files(folder):
        shutil.copyfile(path, target / path.name)


def store_files(folder: Path) -> Iterator[Path]:
    """Database, log and birth mark."""
    for name in (STORE_FILE, f"{STORE_FILE}-wal", "agent.born"):
        path = folder / name
        if path.exists():
            yield path
