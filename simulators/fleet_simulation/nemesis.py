"""Everything that goes wrong, drawn step by step; each trouble ends by itself after a while."""

from collections.abc import Callable

from protocol.events import FaultRaised, StockMoved
from protocol.faults import Severity
from protocol.journal import Lane
from protocol.topics import UpKind, up
from simulators.fleet_simulation.broker import Broker
from simulators.fleet_simulation.cabinet import SimulatedCabinet
from simulators.fleet_simulation.ground import Ground
from simulators.fleet_simulation.server import SimulatedServer

CUT_SECONDS = (5.0, 240.0)
DOWN_SECONDS = (1.0, 60.0)
TROUBLE_SECONDS = (10.0, 300.0)
JUMPS_SECONDS = (2, 40, 200)
"""Below 5 min a clock still counts as right (fault catalogue, CLOCK_UNTRUSTED)."""
COPY_EVERY = 0.02
DEVICE_TROUBLE = 0.03
MOMENTS_MAX = 40
"""Moments of a store in which a crash may come: some three transactions."""
RUBBISH = (b"", b"{", b"\x1f\x8b\x08broken", b'{"v":1}', b"[]", b"\xff\xfe", b'{"v":99,"epoch":1}')


class Nemesis:
    """What may happen in a step."""

    def __init__(
        self,
        ground: Ground,
        broker: Broker,
        server: SimulatedServer,
        cabinets: dict[str, SimulatedCabinet],
    ) -> None:
        self._options = ground.options
        self._dice = ground.dice.stream("nemesis")
        self._trace = ground.trace
        self._broker = broker
        self._server = server
        self._cabinets = cabinets
        self._poisons = 0
        self.poisoned: set[tuple[str, str, int]] = set()
        """(cabinet, epoch, sequence) of events that must end as dead letters."""
        self.is_over = False

    def act(self) -> None:
        """Draw what goes wrong in this step."""
        troubles: tuple[tuple[float, Callable[[], None]], ...] = (
            (self._options.partition, self.cut),
            (self._options.broker_restart, self.restart_broker),
            (self._options.server_crash, self._server.arm),
            (self._options.server_restore, self.restore_server),
            (self._options.rival_ingest / 30, self.rival),
            (self._options.agent_crash, self.crash_agent),
            (self._options.store_loss, self.lose_store),
            (self._options.store_rollback, self.roll_back),
            (self._options.clock_jump, self.jump),
            (self._options.poison, self.poison),
            (self._options.rubbish, self.rubbish),
            (self._options.replay, self._broker.replay),
            (self._options.telemetry_flood, self.flood),
            (COPY_EVERY, self.copy),
            (DEVICE_TROUBLE, self.break_a_device),
        )
        for probability, trouble in troubles:
            if self._dice.happens(probability):
                trouble()

    def end(self) -> None:
        """All is well from now on; machines that are off start."""
        self.is_over = True
        self._broker.network.heal()
        self._server.end_rival()
        self._server.disarm()
        for cabinet in self._cabinets.values():
            cabinet.crash_in = None
            cabinet.clock.wrong_seconds = 0.0
            shelves = cabinet.shelves
            shelves.stuck = shelves.dead = cabinet.probe_dead = False
            if cabinet.agent is None:
                cabinet.boot()
        if self._server.app is None:
            self._server.boot()

    def revive(self) -> None:
        """Start what crashed, after a while: whoever is off is started by its own supervisor."""
        if self._server.app is None and self._dice.happens(0.25):
            self._server.boot()
        for cabinet in self._cabinets.values():
            if cabinet.agent is None and self._dice.happens(0.2):
                cabinet.boot(power=self._dice.happens(0.5))

    def cut(self) -> None:
        """A cabinet, or the server, is not reached for some time."""
        network = self._broker.network
        if self._dice.happens(0.3):
            network.server_cut = True
            self._trace.note("network", "cuts the server")
            self._later(self._mend_server, CUT_SECONDS)
            return
        cabinet = self._any().id
        self._broker.cut_off(cabinet)
        self._trace.note("network", "cuts", cabinet)
        self._later(lambda: network.cut.discard(cabinet), CUT_SECONDS)

    def restart_broker(self) -> None:
        """The broker goes and comes back empty."""
        self._broker.network.down = True
        self._broker.restart()
        self._trace.note("broker", "restarts")
        self._later(self._broker_is_back, DOWN_SECONDS)

    def restore_server(self) -> None:
        """The server's disk is lost; its newest backup is put back."""
        if self._server.can_restore():
            self._server.crash()
            self._server.restore()

    def rival(self) -> None:
        """Two ingests believe that they own the same shards."""
        self._server.begin_rival()
        self._later(self._server.end_rival, CUT_SECONDS)

    def crash_agent(self) -> None:
        """A board loses its power in one of its next transactions, or at once."""
        cabinet = self._any()
        if cabinet.await_contact:
            return
        if self._dice.happens(0.7):
            cabinet.crash_in = self._dice.number(1, MOMENTS_MAX)
        else:
            cabinet.crash()

    def lose_store(self) -> None:
        """A board gets a new disk."""
        cabinet = self._any()
        cabinet.crash()
        cabinet.lose_store()

    def roll_back(self) -> None:
        """A board gets an older image of its disk."""
        cabinet = self._any()
        if cabinet.can_roll_back() and not cabinet.await_contact:
            cabinet.crash()
            cabinet.roll_back()

    def jump(self) -> None:
        """A clock is set, a little or wildly; the next start sets it right."""
        cabinet = self._any()
        jump = self._dice.one_of(JUMPS_SECONDS) * self._dice.one_of((-1, 1))
        cabinet.clock.wrong_seconds = float(jump)
        self._trace.note(cabinet.id, "clock is wrong by", jump)

    def poison(self) -> None:
        """A cabinet writes an event that no handler of the server can take."""
        cabinet, other = self._any(), self._any()
        agent = cabinet.agent
        if agent is None or cabinet is other:
            return
        self._poisons += 1
        now = agent.cabinet.parts.time.now()
        body: FaultRaised | StockMoved
        if self._dice.happens(0.5):
            kind = "fault.raised"
            body = FaultRaised("x" * 100, "TEMP_HIGH", "cabinet", Severity.N, now)
        else:
            kind = "stock.loaded"
            body = StockMoved("A1", f"bad{self._poisons}", "L1", 1, "nobody")

        def write() -> None:
            with agent.cabinet.parts.store.transaction():
                seq = agent.outbox.append(kind, body)
            self.poisoned.add((cabinet.id, agent.outbox.position(Lane.JOURNAL).epoch, seq))

        cabinet.acting(write)
        self._trace.note(cabinet.id, "writes poison", kind)

    def rubbish(self) -> None:
        """Bytes that nobody can read arrive under the name of a cabinet."""
        kind = self._dice.one_of((UpKind.JOURNAL, UpKind.PRESENCE, UpKind.TELEMETRY))
        topic = up("fleet", self._any().id, kind)
        if self._broker.reachable and self._broker.server_listens:
            self._broker.hear(topic, self._dice.one_of(RUBBISH))
        self._trace.note("network", "rubbish", topic)

    def is_rubbish(self, _reason: str) -> bool:
        """Whether unreadable messages are to be expected at all."""
        return self._options.rubbish > 0

    def flood(self) -> None:
        """The air swings: many samples in a short time."""
        self._any().celsius = self._dice.seconds(-5.0, 30.0)

    def copy(self) -> None:
        """Backups are made."""
        if self._dice.happens(0.5) and self._server.app is not None:
            self._server.keep_copy()
        else:
            self._any().keep_copy()

    def break_a_device(self) -> None:
        """A lock sticks, a board or a probe dies, a door stands open, it becomes warm."""
        cabinet = self._any()
        shelves = cabinet.shelves
        what = self._dice.one_of(("stuck", "board", "probe", "warm"))
        if what == "stuck":
            shelves.stuck = True
        elif what == "board":
            shelves.dead = True
        elif what == "probe":
            cabinet.probe_dead = True
        else:
            cabinet.celsius = 14.0
        self._trace.note(cabinet.id, "breaks", what)
        if self._dice.happens(0.7):
            self._later(lambda: self._repair(cabinet, what), TROUBLE_SECONDS)

    def _repair(self, cabinet: SimulatedCabinet, what: str) -> None:
        if what == "stuck":
            cabinet.shelves.stuck = False
        elif what == "board":
            cabinet.shelves.dead = False
        elif what == "probe":
            cabinet.probe_dead = False
        else:
            cabinet.celsius = 3.0

    def _mend_server(self) -> None:
        self._broker.network.server_cut = False

    def _broker_is_back(self) -> None:
        self._broker.network.down = False

    def _later(self, end: Callable[[], None], seconds: tuple[float, float]) -> None:
        self._broker.later(self._dice.seconds(*seconds), end)

    def _any(self) -> SimulatedCabinet:
        return self._cabinets[self._dice.one_of(sorted(self._cabinets))]
