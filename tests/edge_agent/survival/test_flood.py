"""Many clients at the local API at once, half of them talking rubbish: the core steps on and sells.

Real sockets and threads. The answer to a flood is a closed door (503, or a hang-up), never a slow
core or a thread for everyone.
"""

import http.client
import json
import random  # noqa: TID251  # rubbish repeats from its seed
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Self

import pytest

from edge_agent.clock import SystemClock
from edge_agent.local_api.calls import CALLS_MAX
from edge_agent.local_api.desk import ROUTES
from tests.edge_agent.survival.test_rubbish import spoiled
from tests.edge_agent.workbench import Bench, ready

CLIENTS = 40
SECONDS = 1.5
STEP_SECONDS_MAX = 1.0
"""A turn answers what waits (16 calls) and more; on a busy test machine this is generous."""
BODIES = {
    "/v1/vends": {"payment_reference": "p", "slot": "A1", "contact": "1"},
    "/v1/sessions": {"payment_reference": "p"},
    "/v1/service/login": {"pin": "123456"},
    "/v1/rules": {"key": "00", "sig": "00", "payload": "{}"},
}


class Crowd:
    """Clients that ask without end."""

    def __init__(self, port: int) -> None:
        self.answers: Counter[object] = Counter()
        self._port = port
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(seed,), daemon=True) for seed in range(CLIENTS)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(10.0)

    def _ask(self, seed: int) -> None:
        chance = random.Random(seed)
        while not self._stop.is_set():
            method, path = chance.choice(list(ROUTES))
            body = json.dumps(spoiled(BODIES.get(path, {}), chance)).encode()
            if chance.random() < 0.2:
                body = chance.randbytes(chance.randrange(200))
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5.0)
            try:
                connection.request(method, path, body, {"Authorization": "Bearer x"})
                self.answers[connection.getresponse().status] += 1
            except (OSError, http.client.HTTPException) as error:
                self.answers[type(error).__name__] += 1
            finally:
                connection.close()


@pytest.fixture
def serving(make_bench: Callable[..., Bench]) -> Iterator[Bench]:
    bench = ready(make_bench(serving=True))
    yield bench
    bench.agent._server.stop()


def test_a_flood_of_calls_neither_slows_the_core_nor_stops_sale(serving: Bench) -> None:
    clock = SystemClock()
    slowest, ends = 0.0, clock.elapsed() + SECONDS
    with Crowd(serving.agent.local_port) as crowd:
        while clock.elapsed() < ends:
            began = clock.elapsed()
            serving.step(0.01)
            slowest = max(slowest, clock.elapsed() - began)
            time.sleep(0.002)
        threads = sum("process_request_thread" in thread.name for thread in threading.enumerate())
        assert threads <= CALLS_MAX
    for _ in range(200):
        serving.step(0.01)
        time.sleep(0.005)
    crowd.join()
    assert slowest < STEP_SECONDS_MAX
    assert sum(crowd.answers.values()) > 2 * CLIENTS
    assert crowd.answers[500] == 0, crowd.answers
    serving.close_doors()
    serving.steps(100)
    assert serving.vend("pay-1", "A1").outcome == "dispensed"
