"""An agent that serves and steps in a thread, and a client that asks it as the screen does."""

import http.client
import json
import threading
from contextlib import closing
from datetime import timedelta
from typing import Any

import msgspec

from protocol.signatures import SignedKind
from protocol.work_order import WorkOrder, WorkOrderAction
from tests.edge_agent.model_server import CABINET, FLEET, START, ModelServer
from tests.edge_agent.selling.open_door import OpenDoor
from tests.edge_agent.workbench import Bench

PIN = "4711"
ANSWER_SECONDS_MAX = 20.0


class Screen:
    """A client, and a thread that steps the agent until the test ends.

    Time runs fast, ten times for people: `pause_seconds` is the real time between two steps.
    """

    def __init__(self, bench: Bench, pause_seconds: float = 0.005) -> None:
        self.bench = bench
        self._pause_seconds = pause_seconds
        self.lock = threading.Lock()
        """Held while the agent steps, so that a test can touch it in between."""
        bench.stepping = self.lock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._step, daemon=True)
        self._thread.start()

    def _step(self) -> None:
        while not self._stopping.wait(self._pause_seconds):
            with self.lock:
                self.turn()

    def turn(self) -> None:
        """Let a little time pass."""
        self.bench.step(0.2)

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(10.0)
        assert not self._thread.is_alive()
        self.bench.stepping = None

    def bodies(self, kind: str) -> list[dict[str, object]]:
        """Bodies of the events of one type, read between two steps."""
        with self.lock:
            return self.bench.bodies(kind)

    def ask(
        self, method: str, path: str, body: object = None, token: str = ""
    ) -> tuple[int, dict[str, Any], str]:
        data = (
            b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        )
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.bench.agent.local_port, timeout=ANSWER_SECONDS_MAX
        )
        with closing(connection):
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read()), answer.headers["Content-Type"]

    def login(self, body: object) -> str:
        status, answer, _ = self.ask("POST", "/v1/service/login", body)
        assert status == 201, answer
        token = answer["token"]
        assert isinstance(token, str)
        return token


class OpenDoorScreen(Screen):
    """The same for an open-door cabinet, whose scales are read too."""

    def __init__(self, door: OpenDoor, pause_seconds: float = 0.005) -> None:
        self.door = door
        super().__init__(door.bench, pause_seconds)

    def turn(self) -> None:
        self.door.steps(1, 0.5)


def work_order(server: ModelServer, *actions: WorkOrderAction, **changes: object) -> dict[str, str]:
    order = WorkOrder(
        SignedKind.WORK_ORDER,
        FLEET,
        CABINET,
        "visit-1",
        "tech-1",
        list(actions),
        START + timedelta(days=1),
    )
    envelope = server.signer.sign(msgspec.structs.replace(order, **changes))
    built: dict[str, str] = msgspec.to_builtins(envelope)
    return built
