"""Joins the parts into one server. `build` reads like a table of contents.

`FleetServer` is an ASGI application, so tests and servers can serve it as it is; `start` adds
what runs beside it: the link to the broker, ingest, the outbox and the sweeps.
"""

import threading
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.schedulers.background import BackgroundScheduler
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from fleet_server import wiring
from fleet_server.attachments.rules import FORM_BYTES_MAX
from fleet_server.broker.service import broker_secret
from fleet_server.clock import Clock, SystemClock
from fleet_server.console.api import router as console_router
from fleet_server.database import alone, connect
from fleet_server.dispatch.replanning import Replanner
from fleet_server.dispatch.solvers.pool import SolverPool
from fleet_server.health import router as health_router
from fleet_server.ingest.batcher import Batcher
from fleet_server.ingest.last_heard import FLUSH_SECONDS, LastHeard
from fleet_server.ingest.partitions import Retention, make_months
from fleet_server.ingest.presence import (
    SILENT_PER_TRANSACTION,
    declare_silent,
    expect_those_online,
    flush,
)
from fleet_server.ingest.service import Ingest
from fleet_server.ingest.shards import SHARD_LEASES, ShardKeeper
from fleet_server.leases.leader import TIMERS, Leader
from fleet_server.leases.service import LOOK_SECONDS, make_leases
from fleet_server.logs import get_logger
from fleet_server.migrations import migrate
from fleet_server.mqtt_link import MqttLink, Qos
from fleet_server.notifications.delivery import Deliverer
from fleet_server.notifications.ways import ways_of
from fleet_server.outbox.publisher import OutboxPublisher
from fleet_server.parts import EVERYTHING, Part, process_name
from fleet_server.rules.service import ensure_first_bundle
from fleet_server.seed import Chance
from fleet_server.service_levels.publishing import use_policy
from fleet_server.settings import Settings
from fleet_server.signing import SigningService
from fleet_server.transactions import Transactions
from fleet_server.web import problems
from fleet_server.web.context import Context
from fleet_server.web.limits import BodyLimit
from protocol.identity import SERVER_USER, SHARD_COUNT
from protocol.journal import WIRE_VERSION
from protocol.presence import PresenceState, ServerState
from protocol.topics import AllKind, broadcast, server_subscriptions
from protocol.wire import encode

log = get_logger("app")

Scope = MutableMapping[str, Any]


class FleetServer:
    """One server process, and the parts it is to do: web, ingest, worker."""

    def __init__(
        self, settings: Settings, clock: Clock, chance: Chance, parts: frozenset[Part]
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.parts = parts
        self.process = process_name(settings, parts)
        self.signing = SigningService.load(settings.data_dir, settings.fleet)
        self.epoch = chance.new_id(clock.now())
        self.engine = connect(settings.resolved_database_url)
        wake = threading.Event()
        self.transactions = Transactions(
            self.engine,
            clock,
            chance,
            wiring.reactions(self.signing),
            on_commit=wake.set,
            zone=ZoneInfo(settings.time_zone),
        )
        self.board = LastHeard(clock.elapsed())
        self.ingest = Ingest(
            self.transactions,
            self.signing,
            wiring.ingest_parts(self.signing),
            self.board,
            self.epoch,
        )
        self.link = MqttLink(
            settings.resolved_broker_url,
            f"{SERVER_USER}:{self.epoch[-12:]}",
            broker_secret(settings.data_dir),
            clock,
            Qos(settings.downlink_qos, settings.resolved_uplink_qos),
        )
        self.shards = ShardKeeper(self.transactions, self.board, self.process, self._listen)
        self.leader = Leader(self.transactions, self.process)
        self.publisher = OutboxPublisher(
            self.transactions, self.link.publish, wake, self._may_publish
        )
        ways = ways_of(settings, self.signing, clock)
        self.deliverer = Deliverer(self.transactions, ways)
        self.batcher = Batcher(self.link, self.ingest, clock)
        attachments = wiring.attachment_parts(settings.data_dir)
        zone, retention = ZoneInfo(settings.time_zone), _retention(settings)
        self.sweeps = wiring.sweeps(self.signing, retention, attachments, zone)
        self.replanner = Replanner(self.transactions, clock, _solvers(settings))
        self.web = _web(Context(settings, clock, self.transactions, self.signing), self)
        self.web.state.attachments = attachments
        self._scheduler = BackgroundScheduler(timezone="UTC")

    async def __call__(
        self,
        scope: Scope,
        receive: Callable[[], Awaitable[Scope]],
        send: Callable[[Scope], Awaitable[None]],
    ) -> None:
        """Serve as an ASGI application."""
        await self.web(scope, receive, send)

    def prepare(self) -> None:
        """Bring the database up to date and make what must exist; safe to run again."""
        migrate(self.engine)
        with self.transactions.write("system:start") as tx:
            alone(tx.session.connection())
            make_months(tx)
            make_leases(tx, (*SHARD_LEASES, TIMERS))
            ensure_first_bundle(tx, self.signing)
            use_policy(tx, self.settings.service_policy)
            expect_those_online(tx, self.board, self.clock.elapsed(), range(SHARD_COUNT))

    def start(self) -> None:
        """Begin to work: connect, ingest, publish, sweep; each as far as it is this one's part."""
        if Part.INGEST in self.parts:
            self.shards.look()
            self.batcher.start()
            self._every(LOOK_SECONDS, self.shards.look)
            self._every(self._sweep_seconds, self._look_at_cabinets)
            self._every(FLUSH_SECONDS, self._flush)
        if Part.WORKER in self.parts:
            self.leader.look()
            self.publisher.start()
            self._every(LOOK_SECONDS, self.leader.look)
            self._every(self._sweep_seconds, self._lead)
            self._every(self._sweep_seconds, self._deliver)
            self._every(self._sweep_seconds, self._replan)
        if self.parts & {Part.INGEST, Part.WORKER}:
            self.link.start()
        self._scheduler.start()
        log.info("server.started", epoch=self.epoch, parts=sorted(self.parts))

    def stop(self) -> None:
        """End cleanly: what is in hand is finished, the rest is still in the database."""
        self._scheduler.shutdown()
        self.deliverer.stop()
        self.replanner.close()
        self.batcher.stop()
        self.publisher.stop()
        self.link.stop()
        self.leader.leads = False
        self.shards.give_back()
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def sweep(self) -> None:
        """Look at every deadline once. One sweep that fails does not hold up the others."""
        self._look_at_cabinets()
        self._sweep_deadlines()

    @property
    def _sweep_seconds(self) -> float:
        return self.settings.sweep_period.total_seconds()

    def _every(self, seconds: float, job: Callable[[], None]) -> None:
        once = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler.add_job(job, "interval", seconds=seconds, **once)

    def _listen(self, shards: frozenset[int]) -> None:
        self.link.listen(server_subscriptions(self.settings.fleet, sorted(shards)))

    def _may_publish(self) -> bool:
        return self.leader.leads and self.link.ready.is_set()

    def _lead(self) -> None:
        if self.leader.leads:
            self._sweep_deadlines()

    def _replan(self) -> None:
        """Make better plans where wished; a plan takes seconds, so it holds no sweep up."""
        if self.leader.leads:
            self._guarded("dispatch.replan", self._work_off)

    def _work_off(self) -> None:
        self.replanner.work_off()

    def _sweep_deadlines(self) -> None:
        for name, one in self.sweeps:
            self._guarded(name, partial(self._in_transaction, name, one))

    def _look_at_cabinets(self) -> None:
        self._greet()
        self._guarded("ingest.silence", self.find_silent)

    def _guarded(self, name: str, sweep: Callable[[], None]) -> None:
        try:
            sweep()
        except Exception:  # the rows are still there: the next sweep looks again
            log.exception("sweep.failed", sweep=name)

    def _in_transaction(self, name: str, sweep: wiring.Sweep) -> None:
        with self.transactions.write(f"system:{name}") as tx:
            sweep(tx)

    def _greet(self) -> None:
        """Deaf while the broker is away; once back, ask every cabinet for a birth (P-0, P-10).

        Only who hears them all asks. Where several ingest processes share the fleet, the first
        receipt of a new owner names another server epoch, and that asks for a birth too.
        """
        if not self.link.ready.is_set():
            self.board.went_deaf(self.clock.elapsed())
        if self.link.became_ready.is_set():
            self.link.became_ready.clear()
            self.board.went_deaf(self.link.ready_at)
            if len(self.shards.owned) < SHARD_COUNT:
                return
            state = ServerState(WIRE_VERSION, self.epoch, PresenceState.ONLINE)
            topic = broadcast(self.settings.fleet, AllKind.SERVER)
            self.link.publish(topic, encode(state), 1)

    def find_silent(self) -> None:
        """Declare everyone silent who is, some hundreds in a transaction (P-10)."""
        was_ready, is_more = self.link.ready.is_set(), True
        while is_more:
            if self.link.ready.is_set() != was_ready or self.link.became_ready.is_set():
                return  # the broker was lost meanwhile: `_greet` first makes us deaf
            until = self.batcher.heard_until(self.clock.elapsed())
            with self.transactions.write("system:ingest.silence") as tx:
                silent = declare_silent(tx, self.board, until)
            for cabinet_id in silent:
                self.board.went_offline(cabinet_id)
            is_more = len(silent) == SILENT_PER_TRANSACTION

    def _deliver(self) -> None:
        try:
            self.deliverer.deliver_due()
        except Exception:  # the notices are rows: tried again a second later
            log.exception("notices.failed")

    def _flush(self) -> None:
        try:
            with self.transactions.write("system:ingest.flush") as tx:
                flush(tx, self.board)
        except SQLAlchemyError:
            self.board.not_flushed()
            log.exception("flush.failed")


def build(
    settings: Settings | None = None,
    *,
    clock: Clock | None = None,
    chance: Chance | None = None,
    parts: Iterable[Part] = EVERYTHING,
) -> FleetServer:
    """Join the parts. Nothing runs and nothing is asked of broker or network until `start`."""
    settings = settings or Settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    clock, chance = clock or SystemClock(), chance or Chance.system()
    return FleetServer(settings, clock, chance, frozenset(parts))


def _retention(settings: Settings) -> Retention:
    return Retention(settings.journal_retention_months, settings.telemetry_retention_months)


def _solvers(settings: Settings) -> SolverPool:
    """Return the engines of this machine; their processes begin with the first question."""
    if settings.dispatch_processes == 0:
        return SolverPool(())
    return SolverPool.for_machine(settings.dispatch_processes)


def _web(context: Context, server: FleetServer) -> FastAPI:
    web = FastAPI(
        title="Cabinet Fleet",
        version="1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # its page would ask foreign hosts for scripts
        redoc_url=None,
    )
    web.state.context = context
    web.state.server = server
    web.add_middleware(BodyLimit, larger={"/api/v1/attachments": FORM_BYTES_MAX})
    problems.install(web)
    for router in wiring.ROUTERS:
        web.include_router(router, prefix="/api/v1")
    web.include_router(health_router)
    web.include_router(console_router)
    return web
