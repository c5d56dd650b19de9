"""Runs amqtt with our access rules, retaining nothing.

amqtt 0.12 deletes a session of the same client id before it asks who is there, and files an
unauthenticated session as the client's: a stranger who only knows a cabinet's id could silence
it. `FleetBroker` asks first (ADR 0005; tests/fleet_server/broker holds it there).
"""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.session import Session

from fleet_server.broker.limits import PACKET_BYTES_MAX
from fleet_server.logs import get_logger
from fleet_server.seed import new_secret
from fleet_server.settings import Settings

log = get_logger("broker")

SECRET_FILE = "broker.secret"  # noqa: S105  # the name of a file


class _Subscriptions(dict[str, Any]):
    """Subscriptions by filter; whoever walks through them gets those of that moment.

    amqtt walks through them with waits in between, and loses the message in hand (acknowledged
    already) when a client comes or goes meanwhile.
    """

    def items(self) -> Any:
        """Return the entries as they are now."""
        return list(super().items())


class _BoundedReader(StreamReaderAdapter):  # type: ignore[misc]  # amqtt is untyped
    """Ends a connection whose next packet is too long; amqtt would take 256 MB of it."""

    def __init__(self, reader: Any) -> None:
        super().__init__(reader)
        self._has_ended = False

    async def read(self, n: int = -1) -> bytes:
        """Read `n` bytes. After one packet too long there is nothing more: amqtt would read on."""
        if n > PACKET_BYTES_MAX:
            log.warning("broker.packet_too_long", bytes=n, limit=PACKET_BYTES_MAX)
            self._has_ended = True
        if self._has_ended:
            raise ConnectionResetError
        data: bytes = await super().read(n)
        return data


class FleetBroker(Broker):  # type: ignore[misc]  # amqtt is untyped
    """Embedded broker: asks first, retains nothing, forgets clean sessions, loses nothing said."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._subscriptions = _Subscriptions()

    async def stream_connected(self, reader: Any, writer: Any, listener_name: str) -> None:
        """Take a new connection."""
        adapters = _BoundedReader(reader), StreamWriterAdapter(writer)
        await self._client_connected(listener_name, *adapters)

    async def _handle_client_session(
        self,
        reader: Any,
        writer: Any,
        client_session: Session,
        handler: Any,
        server: Any,
        listener_name: str,
    ) -> None:
        if not await self._authenticate(client_session, self.listeners_config[listener_name]):
            handler.attach(client_session, reader, writer)
            await handler.mqtt_connack_authorize(False)  # noqa: FBT003  # the library's signature
            await writer.close()
            return
        _, standing = self._sessions.get(client_session.client_id, (None, None))
        await super()._delete_session(client_session.client_id)
        if standing is not None:
            # MQTT 3.1.1, 3.1.4-2: the older connection ends, and with it a credential that did.
            await standing.handle_connection_closed()
        try:
            await super()._handle_client_session(
                reader, writer, client_session, handler, server, listener_name
            )
        finally:
            current, _ = self._sessions.get(client_session.client_id, (None, None))
            if current is client_session:
                await super()._delete_session(client_session.client_id)

    async def _handle_disconnect(
        self, client_session: Session, handler: Any, disconnect_waiter: Any
    ) -> None:
        """Hand on what the client said before it went: amqtt acknowledged it, and forgets it."""
        queue = client_session.delivered_message_queue
        for message in [queue.get_nowait() for _ in range(queue.qsize())]:
            said = asyncio.get_running_loop().create_future()
            said.set_result(message)
            await self._handle_message_delivery(client_session, handler, said)
        await super()._handle_disconnect(client_session, handler, disconnect_waiter)

    async def _delete_session(self, client_id: str) -> None:
        """Called by the library before it authenticates; what is due is done after it."""

    async def retain_message(self, *_args: Any, **_options: Any) -> None:
        """Nothing is retained (P-0); the message itself was delivered."""


def broker_secret(data_dir: Path) -> str:
    """Secret with which the server itself signs in at the embedded broker; made once."""
    path = data_dir / SECRET_FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(descriptor, "w") as file:
        file.write(new_secret())
    return path.read_text()


def broker_config(settings: Settings) -> dict[str, Any]:
    """Configuration of amqtt: one listener, our plugin and nothing else."""
    broker_secret(settings.data_dir)
    return {
        "listeners": {
            "default": {
                "type": "tcp",
                "bind": f"{settings.broker_host}:{settings.broker_port}",
            }
        },
        "plugins": {
            "fleet_server.broker.plugin.FleetAccessPlugin": {
                "fleet": settings.fleet,
                "database_url": settings.resolved_database_url,
                "secret_file": str(settings.data_dir / SECRET_FILE),
            }
        },
    }


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Run the broker until `stop` is set."""
    broker = FleetBroker(broker_config(settings))
    await broker.start()
    log.info("broker.listening", host=settings.broker_host, port=settings.broker_port)
    await stop.wait()
    await broker.shutdown()


def run(settings: Settings) -> None:
    """Run the broker until SIGTERM or SIGINT."""

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serve(settings, stop)

    asyncio.run(main())
