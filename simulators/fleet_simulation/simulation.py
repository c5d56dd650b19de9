"""One run: set up, let everything go wrong for a number of steps, heal, and prove the promises.

A step: time passes, something may go wrong, people act, messages arrive, every machine takes its
turn, the checkers look. Nothing waits and nothing runs beside it.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from fleet_server.cabinets.service import (
    Registration,
    add_site,
    enrol,
    keys_for_cabinet,
    make_claim,
    register,
)
from protocol.enrolment import EnrolmentAnswer
from protocol.identity import shard_of
from protocol.intervals import Uplink
from simulators.fleet_simulation.broker import Broker
from simulators.fleet_simulation.cabinet import SLOTS, SimulatedCabinet
from simulators.fleet_simulation.checkers.all import Checkers
from simulators.fleet_simulation.dice import Dice
from simulators.fleet_simulation.errors import InvariantBrokenError
from simulators.fleet_simulation.goods import desired
from simulators.fleet_simulation.ground import Ground
from simulators.fleet_simulation.nemesis import Nemesis
from simulators.fleet_simulation.on_site import OnSite
from simulators.fleet_simulation.options import drawn_options
from simulators.fleet_simulation.people import People
from simulators.fleet_simulation.server import SimulatedServer
from simulators.fleet_simulation.trace import Trace
from simulators.fleet_simulation.virtual_clock import Timeline

SITES = 2
QUIET_SECONDS_MAX = 3_600.0
"""Virtual time in which everything has to drain once all is well: the longest pause of the
protocol is the 5 min of P-2, and a cabinet that gave its connection up waits some minutes more."""
QUIET_STEP_SECONDS = 5.0
OPENING_STEPS = 30


class Simulation:
    """One run of one seed."""

    def __init__(
        self,
        seed: int,
        folder: Path,
        *,
        steps: int,
        cabinets: int | None = None,
        trace_file: Path | None = None,
    ) -> None:
        timeline = Timeline()
        dice = Dice(f"seed {seed}")
        options = drawn_options(dice.stream("options"), steps, cabinets)
        self.trace = Trace(timeline, trace_file)
        self.ground = Ground(folder, timeline, dice, self.trace, options)
        self._dice = dice.stream("steps")
        self.broker = Broker(timeline, dice.stream("broker"), self.trace)
        self.server = SimulatedServer(self.ground, self.broker)
        self.cabinets: dict[str, SimulatedCabinet] = {}
        self.hands = OnSite(self.broker)
        self.people = People(self.ground, self.server, self.hands, self.cabinets)
        self.nemesis = Nemesis(self.ground, self.broker, self.server, self.cabinets)
        self.checkers = Checkers(self.server, self.cabinets, self.nemesis)
        self.trace.note("run", "options", options.described)

    def run(self, progress: Callable[[int], None] = lambda _step: None) -> None:
        """Play it. Raises InvariantBrokenError."""
        try:
            self._open()
            for step in range(self.ground.options.steps):
                self._step()
                progress(step)
            self._heal()
        finally:
            self._close()

    def _open(self) -> None:
        self.server.boot()
        self._enrol()
        self.people.join()
        for cabinet in self.cabinets.values():
            cabinet.boot()
            self.people.admin.put(f"/cabinets/{cabinet.id}/desired", desired(1000))
        for step in range(OPENING_STEPS):
            self._turn(1.0)
            if step == OPENING_STEPS // 2:
                self._load_all()
        self.broker.network.use(self.ground.options)

    def _load_all(self) -> None:
        for cabinet in self.cabinets.values():
            for slot in SLOTS:
                self.hands.load(cabinet, slot)

    def _step(self) -> None:
        self.nemesis.revive()
        self.nemesis.act()
        for cabinet in self.cabinets.values():
            if self._dice.happens(0.25):
                self.hands.buy(cabinet)
            if self._dice.happens(0.02):
                self.hands.load(cabinet, self._dice.one_of(SLOTS))
        if self._dice.happens(0.3) and self.server.app is not None:
            self.people.act()
        self._turn(self._dice.weighted({1.0: 8.0, 0.3: 1.0, 4.0: 1.0, 9.0: 0.6}))

    def _turn(self, seconds: float) -> None:
        self.ground.timeline.advance(seconds)
        self.broker.deliver()
        for name in self._dice.shuffled(sorted(self.cabinets)):
            self.cabinets[name].step()
        self.broker.deliver()
        self.server.step()
        self.checkers.look()

    def _heal(self) -> None:
        """No more troubles; then everything drains in bounded time."""
        self.nemesis.end()
        self.trace.note("run", "heals")
        until = self.ground.timeline.seconds + QUIET_SECONDS_MAX
        while self.ground.timeline.seconds < until:
            self._turn(QUIET_STEP_SECONDS)
            if not self.checkers.undrained():
                break
        else:
            raise InvariantBrokenError("liveness", "; ".join(self.checkers.undrained()))
        self.trace.note("run", "drained")
        self.checkers.end()

    def _close(self) -> None:
        for cabinet in self.cabinets.values():
            cabinet.crash()
        self.server.crash()
        self.checkers.close()
        self.trace.close()

    def _enrol(self) -> None:
        app = self.server.running
        with app.transactions.write("system:simulation") as tx:
            sites = [
                add_site(
                    tx,
                    name=f"Site {number}",
                    address="1 Century Avenue",
                    region="east",
                    latitude=31.23 + number / 100,
                    longitude=121.47,
                    time_zone="Asia/Shanghai",
                ).id
                for number in range(SITES)
            ]
        for number in range(self.ground.options.cabinets):
            self._add_cabinet(f"C{number}", sites[number % SITES])

    def _add_cabinet(self, cabinet_id: str, site: str) -> None:
        app = self.server.running
        draft = Registration(
            f"SN-{cabinet_id}", site, "slot", Uplink.WIRED, perishable=True, cabinet_id=cabinet_id
        )
        with app.transactions.write("system:simulation") as tx:
            register(tx, app.signing, draft, "demo")
        with app.transactions.write("system:simulation") as tx:
            code, _ = make_claim(tx, cabinet_id, timedelta(hours=1))
        with app.transactions.write("system:simulation") as tx:
            credential = enrol(tx, app.signing, code, f"SN-{cabinet_id}").credential
        signing_keys, sealing_key = keys_for_cabinet(app.signing)
        identity = EnrolmentAnswer(
            cabinet=cabinet_id,
            fleet=app.settings.fleet,
            shard=shard_of(cabinet_id),
            brokers=["mqtt://simulated:1883"],
            credential=credential,
            signing_keys=signing_keys,
            sealing_key=sealing_key,
        )
        dice = self.ground.dice.stream(cabinet_id)
        cabinet = SimulatedCabinet(self.ground.folder, identity, self.broker, dice, self.ground)
        cabinet.site = site
        self.cabinets[cabinet_id] = cabinet
