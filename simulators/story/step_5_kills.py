"""Step 5: the broker, the server and an agent are killed in mid-traffic.

Proven: every outbox row (epoch, sequence, hash of the body) = a journal row, both ways.
"""

import threading
import time

from simulators.errors import NotProvenError
from simulators.hosts.cabinet_host import CabinetHost
from simulators.hosts.server_host import ServerHost
from simulators.people.shopper import Shopper
from simulators.story.proofs import journals_equal, wait_until_committed
from simulators.story.stage import Stage
from simulators.story.step_1_sell import prove_sales

PAUSE_SECONDS = 1.0
SLOT = "A4"


def play(stage: Stage) -> dict[str, object]:
    """Play the step; what was measured."""
    stop = threading.Event()
    cabinets = list(stage.cabinets.values())
    helpers = [Shopper(f"late-{cabinet.cabinet_id}") for cabinet in cabinets]
    buying = [
        threading.Thread(target=_buy, args=(shopper, cabinet, stop))
        for shopper, cabinet in zip(helpers, cabinets, strict=True)
    ]
    for thread in buying:
        thread.start()
    try:
        _kill_everything(stage, cabinets)
    finally:
        stop.set()
        for thread in buying:
            thread.join()
    stage.shoppers += helpers
    idle = [shopper.name for shopper in helpers if not shopper.taken]
    if idle:
        raise NotProvenError("sales go on between the kills", f"nothing sold to {idle}")
    stage.server.wait_ready()
    wait_until_committed(cabinets)
    proof = journals_equal(cabinets, stage.server.database_url)
    prove_sales(stage)
    return {"kills": 3, "events": proof.events, "lost": proof.lost, "doubled": proof.doubled}


def _kill_everything(stage: Stage, cabinets: list[CabinetHost]) -> None:
    server = stage.server
    assert isinstance(server, ServerHost)  # noqa: S101  # the story runs on one machine
    time.sleep(PAUSE_SECONDS)
    server.kill_part("broker")
    time.sleep(PAUSE_SECONDS)
    server.kill_part("app")
    time.sleep(PAUSE_SECONDS)
    cabinets[0].agent.kill()
    time.sleep(PAUSE_SECONDS / 2)
    cabinets[0].agent.start()
    server.wait_ready()


def _buy(shopper: Shopper, cabinet: CabinetHost, stop: threading.Event) -> None:
    while not stop.is_set():
        shopper.buy(cabinet, SLOT)
        stop.wait(0.3)
