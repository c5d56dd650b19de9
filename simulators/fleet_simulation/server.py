"""The server as one machine: the real `FleetServer`, not started, driven by the loop.

Ingest, outbox and sweeps are called as its threads would call them. It crashes at a commit: right
before it, so that nothing of the transaction is there, or right after it, so that everything is
and nobody heard of it. Its database may be put back to an older copy, and a second ingest (a late
owner of the shards) may take messages beside it at any time.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fleet_server.app import FleetServer, build
from fleet_server.ingest.presence import flush
from fleet_server.mqtt_inbox import Inbound
from fleet_server.mqtt_link import Outgoing
from fleet_server.outbox.publisher import OutboxPublisher
from fleet_server.seed import Chance
from fleet_server.settings import Settings
from fleet_server.transactions import Transaction
from protocol.journal import WIRE_VERSION
from protocol.presence import PresenceState, ServerState
from protocol.topics import AllKind, broadcast
from protocol.wire import encode
from simulators.fleet_simulation.broker import Broker
from simulators.fleet_simulation.errors import InvariantBrokenError, MachineCrashed, shortly
from simulators.fleet_simulation.ground import Ground
from simulators.fleet_simulation.virtual_clock import VirtualClock

DATABASE = "fleet.sqlite"
SEED_MAX = 2**62
INBOX_MAX = 5_000
BATCH_MAX = 12
SWEEP_SECONDS = (2.0, 12.0)
PORTIONS_MAX = 20
RIVAL_SHARE = 0.4
"""Of the messages while two ingests listen: which of them takes one is chance."""


class SimulatedServer:
    """The server and what may happen to it."""

    def __init__(self, ground: Ground, broker: Broker) -> None:
        self._ground = ground
        self._broker = broker
        self._dice = ground.dice.stream("server")
        self._trace = ground.trace
        self._folder = ground.folder / "server"
        self._folder.mkdir(parents=True)
        self._inbox: list[Inbound] = []
        self._lives = 0
        self._sweep_at = 0.0
        self._rival: FleetServer | None = None
        self._was_reachable = False
        self._copy: Path | None = None
        self._crash_in: int | None = None
        self._crash_after_commit = False
        self.app: FleetServer | None = None
        self.clock = VirtualClock(ground.timeline)
        self.watch_receipt: Callable[[Outgoing], None] = lambda _receipt: None
        """Called with each receipt before it is published."""
        self.before_restore: list[Callable[[], None]] = []
        """Called before the database file is replaced: who reads it lets go."""
        self.on_restore: list[Callable[[], None]] = []
        """Called when an older database is in place."""
        self.on_start: list[Callable[[FleetServer], None]] = []
        """Called with each new life: people sign in, mutations are put in."""
        self._write_keys()
        broker.hear = self._hear

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self._folder / DATABASE

    @property
    def running(self) -> FleetServer:
        """The server; it must be up."""
        if self.app is None:
            raise AssertionError("the server is down")
        return self.app

    def boot(self) -> None:
        """Start."""
        self._lives += 1
        self.clock.restart()
        self.app = self._built()
        try:
            self.app.prepare()
        except MachineCrashed:
            self.crash()
            return
        self._publisher = OutboxPublisher(
            self.app.transactions, self._publish, threading.Event(), lambda: self._broker.reachable
        )
        self._was_reachable = False
        self._broker.server_listens = True
        self._sweep_at = 0.0
        self._trace.note("server", "boots", self._lives)
        for hook in self.on_start:
            hook(self.app)

    def crash(self) -> None:
        """Stop as a kill does."""
        app, self.app = self.app, None
        self._crash_in = None
        self._broker.server_listens = False
        self._inbox.clear()
        self.end_rival()
        if app is not None:
            app.close()
            self._trace.note("server", "crashes")

    def arm(self) -> None:
        """Crash at one of the next commits."""
        self._crash_in = self._dice.number(1, 12)
        self._crash_after_commit = self._dice.happens(0.5)

    def disarm(self) -> None:
        """Crash no more."""
        self._crash_in = None

    def begin_rival(self) -> None:
        """A second ingest takes messages over the same database."""
        if self._rival is None and self.app is not None:
            self._rival = self._built()
            self._trace.note("server", "rival begins")

    def end_rival(self) -> None:
        """The late owner is gone."""
        rival, self._rival = self._rival, None
        if rival is not None:
            rival.close()
            self._trace.note("server", "rival ends")

    def keep_copy(self) -> None:
        """Keep a copy of the database, as a backup does."""
        self._copy = self._folder / "copy.sqlite"
        self._copy.unlink(missing_ok=True)
        with sqlite3.connect(self.database) as source, sqlite3.connect(self._copy) as target:
            source.backup(target)
        source.close()
        target.close()
        self._trace.note("server", "database copied")

    def can_restore(self) -> bool:
        """Whether there is a copy."""
        return self._copy is not None

    def restore(self) -> None:
        """Put the copy back; the server is down."""
        if self._copy is None:
            raise AssertionError("there is no copy")
        for hook in self.before_restore:
            hook()
        for path in sorted(self._folder.glob(f"{DATABASE}*")):
            path.unlink()
        self.database.write_bytes(self._copy.read_bytes())
        self._trace.note("server", "database restored")
        for hook in self.on_restore:
            hook()

    def step(self) -> None:
        """Take messages in, publish, look at deadlines; it may crash in any of it."""
        if self.app is None:
            return
        try:
            self._turn(self.app)
        except MachineCrashed:
            self.crash()
        except InvariantBrokenError:
            raise
        except Exception as error:
            raise InvariantBrokenError("server", shortly(error)) from error

    def acting(self, act: Callable[[], None]) -> bool:
        """Let a person use it; False where it crashed in it."""
        if self.app is None:
            return False
        try:
            act()
        except MachineCrashed:
            self.crash()
            return False
        return True

    def waiting(self) -> int:
        """Messages in the inbox."""
        return len(self._inbox)

    def _turn(self, app: FleetServer) -> None:
        self._connect(app)
        self._ingest(app)
        for _ in range(PORTIONS_MAX):
            if not self._publisher.publish_waiting():
                break
        if self.clock.elapsed() >= self._sweep_at:
            self._sweep_at = self.clock.elapsed() + self._dice.seconds(*SWEEP_SECONDS)
            app.sweep()
            with app.transactions.write("system:ingest.flush") as tx:
                flush(tx, app.board)

    def _connect(self, app: FleetServer) -> None:
        """Be deaf while the broker is away, and greet once it is back, as the link would."""
        reachable = self._broker.reachable
        if reachable == self._was_reachable:
            return
        self._was_reachable = reachable
        app.board.went_deaf(self.clock.elapsed())
        if not reachable:
            app.link.ready.clear()
            return
        app.link.ready.set()
        state = ServerState(WIRE_VERSION, app.epoch, PresenceState.ONLINE)
        topic = broadcast(app.settings.fleet, AllKind.SERVER)
        self._broker.down(topic, encode(state), 1)

    def _ingest(self, app: FleetServer) -> None:
        while self._inbox:
            count = self._dice.number(1, BATCH_MAX)
            batch, self._inbox = self._inbox[:count], self._inbox[count:]
            if self._rival is not None:
                late = [one for one in batch if self._dice.happens(RIVAL_SHARE)]
                batch = [one for one in batch if one not in late]
                self._accept(self._rival, late)
            self._accept(app, batch)

    def _accept(self, app: FleetServer, batch: list[Inbound]) -> None:
        if not batch:
            return
        receipts = app.ingest.accept(batch)
        self._trace.note("server", "accepts", len(batch), len(receipts))
        for receipt in receipts:
            self.watch_receipt(receipt)
            self._broker.down(receipt.topic, receipt.payload, 0)

    def _publish(self, topic: str, payload: bytes, qos: int) -> bool:
        taken = self._broker.down(topic, payload, qos)
        self._trace.note("server", "publishes", topic, taken)
        return taken

    def _hear(self, topic: str, payload: bytes) -> None:
        if len(self._inbox) < INBOX_MAX:
            self._inbox.append(Inbound(topic, payload, self.clock.elapsed()))

    def _built(self) -> FleetServer:
        settings = Settings(
            data_dir=self._folder,
            database_url=f"sqlite:///{self.database}",
            service_policy="demo",
            threshold_profile="demo",
        )
        chance = Chance.from_seed(self._dice.number(0, SEED_MAX))
        app = build(settings, clock=self.clock, chance=chance)
        self._watch_commits(app)
        return app

    def _watch_commits(self, app: FleetServer) -> None:
        """Put our moments around each commit, from outside."""
        begin = app.transactions.write

        @contextmanager
        def write(actor: str) -> Iterator[Transaction]:
            with begin(actor) as tx:
                yield tx
                self._moment(after_commit=False)
            self._moment(after_commit=True)

        setattr(app.transactions, "write", write)  # noqa: B010  # mypy refuses the plain way

    def _moment(self, *, after_commit: bool) -> None:
        if self._crash_in is None:
            return
        if after_commit:
            self._crash_in -= 1
        if self._crash_in <= 0 and after_commit == self._crash_after_commit:
            self._crash_in = None
            raise MachineCrashed

    def _write_keys(self) -> None:
        """Keys of the seed, so that signatures and their lengths repeat."""
        for name in ("signing", "sealing"):
            key = self._dice.stream(name).number(0, 2**256 - 1).to_bytes(32, "big")
            (self._folder / f"{name}.key").write_bytes(key)
