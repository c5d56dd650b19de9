"""Joins the parts into one server. `build` reads like a table of contents.

`FleetServer` is an ASGI application, so tests and servers can serve it as it is; `start` adds
what runs beside it: the link to the broker, ingest, the outbox and the sweeps.
"""

import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from functools import partial
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from fleet_server import wiring
from fleet_server.broker.service import broker_secret
from fleet_server.clock import Clock, SystemClock
from fleet_server.console.api import router as console_router
from fleet_server.database import connect
from fleet_server.health import router as health_router
from fleet_server.ingest.batcher import Batcher
from fleet_server.ingest.last_heard import FLUSH_SECONDS, LastHeard
from fleet_server.ingest.presence import declare_silent, expect_those_online, flush
from fleet_server.ingest.service import Ingest
from fleet_server.logs import get_logger
from fleet_server.migrations import migrate
from fleet_server.mqtt_link import MqttLink
from fleet_server.notifications.apprise_sender import AppriseSender
from fleet_server.notifications.service import Deliverer
from fleet_server.outbox.publisher import OutboxPublisher
from fleet_server.rules.service import ensure_first_bundle
from fleet_server.seed import Chance
from fleet_server.service_levels.service import use_policy
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
    """One server process: web, ingest, outbox, sweeps."""

    def __init__(self, settings: Settings, clock: Clock, chance: Chance) -> None:
        self.settings = settings
        self.clock = clock
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
            server_subscriptions(settings.fleet, range(SHARD_COUNT)),
            settings.downlink_qos,
        )
        self.publisher = OutboxPublisher(
            self.transactions, self.link.publish, wake, self.link.ready.is_set
        )
        self.deliverer = Deliverer(settings.notice_channels)
        self.batcher = Batcher(self.link, self.ingest)
        self.sweeps = wiring.sweeps(self.signing)
        self.web = _web(Context(settings, clock, self.transactions, self.signing), self)
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
            ensure_first_bundle(tx, self.signing)
            use_policy(tx, self.settings.service_policy)
            expect_those_online(tx, self.board, self.clock.elapsed())

    def start(self) -> None:
        """Begin to work: connect, ingest, publish, sweep."""
        self.link.start()
        self.batcher.start()
        self.publisher.start()
        every = self.settings.sweep_period.total_seconds()
        once = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler.add_job(self.sweep, "interval", seconds=every, **once)
        self._scheduler.add_job(self._deliver, "interval", seconds=every, **once)
        self._scheduler.add_job(self._flush, "interval", seconds=FLUSH_SECONDS, **once)
        self._scheduler.start()
        log.info("server.started", epoch=self.epoch)

    def stop(self) -> None:
        """End cleanly: what is in hand is finished, the rest is still in the database."""
        self._scheduler.shutdown()
        self.batcher.stop()
        self.publisher.stop()
        self.link.stop()
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def sweep(self) -> None:
        """Look at every deadline once. One sweep that fails does not hold up the others."""
        self._greet()
        for name, one in (("ingest.silence", self._find_silent), *self._sweeps()):
            try:
                one()
            except Exception:  # the rows are still there: the next sweep looks again
                log.exception("sweep.failed", sweep=name)

    def _sweeps(self) -> Iterator[tuple[str, Callable[[], None]]]:
        for name, one in self.sweeps:
            yield name, partial(self._in_transaction, name, one)

    def _in_transaction(self, name: str, sweep: wiring.Sweep) -> None:
        with self.transactions.write(f"system:{name}") as tx:
            sweep(tx)

    def _greet(self) -> None:
        """Deaf while the broker is away; once back, ask every cabinet for a birth (P-0, P-10)."""
        if not self.link.ready.is_set():
            self.board.went_deaf(self.clock.elapsed())
        if self.link.became_ready.is_set():
            self.link.became_ready.clear()
            self.board.went_deaf(self.clock.elapsed())
            state = ServerState(WIRE_VERSION, self.epoch, PresenceState.ONLINE)
            topic = broadcast(self.settings.fleet, AllKind.SERVER)
            self.link.publish(topic, encode(state), 1)

    def _find_silent(self) -> None:
        with self.transactions.write("system:ingest.silence") as tx:
            silent = declare_silent(tx, self.board, self.clock.elapsed())
        for cabinet_id in silent:
            self.board.went_offline(cabinet_id)

    def _deliver(self) -> None:
        try:
            self.deliverer.deliver_due(self.transactions, AppriseSender())
        except Exception:  # the notices are rows: tried again a second later
            log.exception("notices.failed")

    def _flush(self) -> None:
        try:
            with self.transactions.write("system:ingest.flush") as tx:
                flush(tx, self.board)
        except SQLAlchemyError:  # only "last heard" is lost, for five seconds
            log.exception("flush.failed")


def build(
    settings: Settings | None = None, *, clock: Clock | None = None, chance: Chance | None = None
) -> FleetServer:
    """Join the parts. Nothing runs and nothing is asked of broker or network until `start`."""
    settings = settings or Settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return FleetServer(settings, clock or SystemClock(), chance or Chance.system())


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
    web.add_middleware(BodyLimit)
    problems.install(web)
    for router in wiring.ROUTERS:
        web.include_router(router, prefix="/api/v1")
    web.include_router(health_router)
    web.include_router(console_router)
    return web
