"""The embedded broker in a thread, and clients that note what is delivered to them.

Access is judged by delivery: a broker may acknowledge what it then drops (P-20).
"""

import asyncio
import queue
import threading
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from fleet_server.broker.service import broker_secret, serve
from fleet_server.settings import Settings
from protocol.identity import SERVER_USER

WAIT_SECONDS = 10.0
"""Bound of every wait; what is expected comes within milliseconds."""
KEEP_ALIVE_SECONDS = 60


class RealBroker:
    """Our broker on a free port, in a thread with its own loop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)

    def start(self) -> None:
        """Start and wait until it takes connections."""
        self._thread.start()
        with Client(self, SERVER_USER, broker_secret(self.settings.data_dir)) as probe:
            probe.must_connect(patiently=True)

    def stop(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(WAIT_SECONDS)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(serve(self.settings, self._stop))
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


class Client:
    """One MQTT connection; does not come back by itself."""

    def __init__(
        self,
        broker: RealBroker,
        user: str | None,
        password: str | None,
        client_id: str | None = None,
        will: tuple[str, bytes] | None = None,
    ) -> None:
        self._port = broker.settings.broker_port
        self.received: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._connack: queue.Queue[bool] = queue.Queue()
        self._suback: queue.Queue[bool] = queue.Queue()
        self.gone = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id or user or "nobody",
            clean_session=True,
            reconnect_on_failure=False,
        )
        if user is not None:
            self._client.username_pw_set(user, password)
        if will is not None:
            self._client.will_set(*will, qos=1, retain=True)
        self._client.on_connect = lambda *args: self._connack.put(not args[3].is_failure)
        self._client.on_subscribe = lambda *args: self._suback.put(
            not any(reason.is_failure for reason in args[3])
        )
        self._client.on_message = self._on_message
        self._client.on_disconnect = lambda *_: self.gone.set()

    def connects(self, *, patiently: bool = False) -> bool:
        """Whether the broker lets it in."""
        for _ in range(100 if patiently else 1):
            try:
                self._client.connect("127.0.0.1", self._port, KEEP_ALIVE_SECONDS)
                break
            except ConnectionRefusedError:
                self.gone.wait(0.1)
        self._client.loop_start()
        return self._connack.get(timeout=WAIT_SECONDS)

    def must_connect(self, *, patiently: bool = False) -> Self:
        """Connect; a refusal fails the test."""
        assert self.connects(patiently=patiently)
        return self

    def subscribes(self, topic: str) -> bool:
        """Whether the broker says yes; what counts is what is delivered."""
        self._client.subscribe(topic, 1)
        return self._suback.get(timeout=WAIT_SECONDS)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish at QoS 0: a refused message may never be acknowledged."""
        info = self._client.publish(topic, payload, 0, retain)
        info.wait_for_publish(WAIT_SECONDS)

    def hears(self) -> tuple[str, bytes]:
        """The next message that is delivered."""
        return self.received.get(timeout=WAIT_SECONDS)

    def break_off(self) -> None:
        """Go without a word, so that the broker publishes the will."""
        self._client.loop_stop()
        sock = self._client.socket()
        assert sock is not None
        sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        self.received.put((message.topic, bytes(message.payload)))
