"""Command line of the server: `fleet-server VERB`. Settings are built here and nowhere else."""

import gc
import json
import signal
import threading
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from fleet_server import logs, operations, supervisor
from fleet_server.app import build
from fleet_server.audit.service import verify
from fleet_server.auth.rules import Grant, Role
from fleet_server.auth.service import add_user, hash_password
from fleet_server.broker import service as broker
from fleet_server.broker.configuration import (
    BrokerKind,
    configuration_writer,
    watch_credentials,
)
from fleet_server.broker.nats import NatsNode
from fleet_server.database import connect
from fleet_server.errors import FleetError
from fleet_server.migrations import migrate as migrate_database
from fleet_server.parts import EVERYTHING, Part
from fleet_server.settings import Settings
from protocol.asyncapi import document

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
user = typer.Typer(no_args_is_help=True, help="People.")
audit = typer.Typer(no_args_is_help=True, help="The audit log.")
cli.add_typer(user, name="user")
cli.add_typer(audit, name="audit")

GARBAGE_THRESHOLD = 50_000
"""New objects before the youngest are looked through: the few batches of a second, some MB."""
STOP_SECONDS = 10
"""Requests in hand get this long when the server ends; sockets of consoles are then closed."""


@cli.command()
def run() -> None:
    """Run everything on one machine: broker and app, supervised."""
    settings = _settings()
    connect_and_migrate(settings)
    parts = {"app": "app"} if settings.broker_url else {"broker": "broker", "app": "app"}
    supervisor.run(parts)


@cli.command(name="app")
def run_app() -> None:
    """Run ingest, API, console and worker in this process."""
    supervisor.end_with_parent()
    _serve_web(EVERYTHING)


@cli.command()
def api() -> None:
    """Run API and console alone; any number of such processes."""
    _serve_web({Part.API})


@cli.command()
def ingest() -> None:
    """Run ingest alone; any number of such processes share the shards."""
    _serve({Part.INGEST})


@cli.command()
def worker() -> None:
    """Run timers, outbox and notices alone; of several such processes one leads."""
    _serve({Part.WORKER})


def _tune_memory() -> None:
    """Look for garbage less often: ingest makes and drops thousands of objects in a batch.

    What was made at the start lives as long as the process and is never looked at again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)


def _serve(parts: Collection[Part]) -> None:
    settings = _settings()
    stop = _until_signal()
    server = build(settings, parts=parts)
    server.prepare()
    _tune_memory()
    server.start()
    try:
        operations.serve(server, settings, stop)
    finally:
        server.stop()


def _serve_web(parts: Collection[Part]) -> None:
    settings = _settings()
    server = build(settings, parts=parts)
    server.prepare()
    _tune_memory()
    server.start()
    try:
        uvicorn.run(
            server.web,
            host=settings.http_host,
            port=settings.http_port,
            log_level="warning",
            timeout_graceful_shutdown=STOP_SECONDS,
        )
    finally:
        server.stop()


@cli.command(name="broker")
def run_broker() -> None:
    """Run the embedded broker in this process."""
    settings = _settings()
    supervisor.end_with_parent()
    broker.run(settings)


@cli.command(name="broker-config")
def broker_config(  # each is an option of the command line
    kind: BrokerKind,
    out: Annotated[Path, typer.Option(help="folder the files are written into")],
    *,
    watch: Annotated[
        bool, typer.Option(help="stay, and write again when a credential changed")
    ] = False,
    reload_pid_file: Annotated[
        Path | None, typer.Option(help="with --watch: SIGHUP this broker after a change")
    ] = None,
    node: Annotated[str, typer.Option(help="nats: name of this server")] = "fleet-1",
    cluster_port: Annotated[int, typer.Option(help="nats: port for the other nodes")] = 6222,
    route: Annotated[
        list[str] | None, typer.Option(help="nats: host:port of another node; repeatable")
    ] = None,
) -> None:
    """Write the whole configuration of an outside broker: access, limits, credentials (P-20)."""
    settings = _settings()
    connect_and_migrate(settings)
    node_of = NatsNode(node, settings.broker_nats_client_port, cluster_port, tuple(route or ()))
    writer = configuration_writer(settings, kind, out, node_of)
    if watch:
        watch_credentials(writer, reload_pid_file, _until_signal())
    else:
        writer.write()
    writer.close()


@cli.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    connect_and_migrate(_settings())


@cli.command(name="settings")
def show_settings() -> None:
    """Print every setting with its meaning and its default."""
    for name, field in Settings.model_fields.items():
        print(f"FLEET_{name.upper()}  (default {field.default!r})\n    {field.description}")


@cli.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    print(json.dumps(build(_settings()).web.openapi(), indent=1, ensure_ascii=False))


@cli.command()
def asyncapi() -> None:
    """Print the AsyncAPI 3.0 document of protocol v1."""
    print(json.dumps(document(), indent=1, ensure_ascii=False))


@user.command(name="add")
def add(
    username: str,
    role: Annotated[list[Role], typer.Option(help="may be given several times")],
    password_file: Annotated[Path, typer.Option(help="file that holds the password")],
    site: Annotated[str | None, typer.Option(help="limit the roles to this site id")] = None,
    region: Annotated[str | None, typer.Option(help="limit the roles to this region")] = None,
) -> None:
    """Add a person. The password is read from a file: a command line is seen by others."""
    server = build(_settings())
    migrate_database(server.engine)
    grants = [Grant(one, site, region) for one in role]
    password = hash_password(password_file.read_text().strip())
    with server.transactions.write("system:command-line") as tx:
        person = add_user(tx, username, password, grants)
    print(person.id)


@audit.command(name="verify")
def verify_audit() -> None:
    """Check the hash chain; exit 1 at the first entry that was changed or removed."""
    server = build(_settings())
    with server.transactions.read() as tx:
        broken = verify(tx)
    if broken is not None:
        print(f"broken at entry {broken}")
        raise typer.Exit(1)
    print("whole")


def connect_and_migrate(settings: Settings) -> None:
    """Migrate before anything is started, so that broker and app find the same schema."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    engine = connect(settings.resolved_database_url)
    migrate_database(engine)
    engine.dispose()


def _until_signal() -> threading.Event:
    """Event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _settings() -> Settings:
    settings = Settings()
    logs.configure(settings.log_level, as_json=settings.log_json)
    return settings


def main() -> None:
    """Entry of the command `fleet-server`."""
    try:
        cli()
    except FleetError as error:
        print(f"fleet-server: {error}")
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
