"""`make bench-presence`: who is silent is found in 45 s, and nobody else, on each broker.

Real broker, database, ingest, worker and API, and wired cabinets true to the protocol, all on the
same cores, behind a link on which 5 % of TCP segments wait for a retransmission
(`simulators/hosts/held_link.py` has the model). For each broker, in this order:

1. all connect; then the broker is killed and started, and all come back over 60 s (P-11): who is
   away for longer than the server is deaf is rightly called offline (`storm_offline`);
2. a while of heartbeats: whoever is called offline is a false alarm;
3. a tenth falls silent at one instant. Half of these lose their link and close nothing, a quarter
   hangs while its MQTT client pings on (no will ever comes), a quarter is cut off. Counted from
   the last word of each to the moment the database shows it offline;
4. the server is stopped, another tenth falls silent, the server starts. It is deaf for 45 s after
   it is back (P-10), so this is counted from when it is back.

`SCALE=0.05` plays so much of each number of cabinets, `BROKERS=nats,amqtt` only these.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from rich.console import Console
from rich.status import Status

from protocol.intervals import DEAF_AFTER_RECONNECT_SECONDS
from simulators.errors import NotProvenError
from simulators.hosts.amqtt_host import AmqttHost
from simulators.hosts.held_link import HeldLinks
from simulators.hosts.mosquitto_host import MosquittoHost
from simulators.hosts.nats_host import NatsHost
from simulators.hosts.ports import free_ports
from simulators.hosts.process import HostedProcess
from simulators.waiting import wait_until
from tests.benchmarks.figures import Goal, report
from tests.benchmarks.ingest.stack import BrokerKind, Stack, stack
from tests.benchmarks.presence.cabinets import Cabinets
from tests.benchmarks.presence.eye import Eye

Figures = dict[str, float]
Tell = Callable[[str], None]

LOST = 0.05
SILENT_SHARE = 0.1
FOUND_SECONDS = 45.0
BACK_FOUND_SECONDS = DEAF_AFTER_RECONNECT_SECONDS + 3.0
"""After a restart: the deaf time, a sweep, and our look at the database."""
PATIENCE_SECONDS = 30.0
"""How much longer is waited, so that what is late has a figure."""
STEADY_SECONDS = 75.0
"""Five heartbeats, and longer than the deaf time after the storm: silence is judged in it."""
ALL_ONLINE_SECONDS_MAX = 300.0
BACK_SECONDS_MAX = 60.0
READY = "mqtt.ready"


@dataclass(frozen=True)
class Part:
    """One broker and how many cabinets it is for."""

    name: str
    broker: BrokerKind
    cabinets: int
    on_postgres: bool = True


PARTS = (
    Part("mosquitto", MosquittoHost, 10_000),
    Part("nats", NatsHost, 2_000),
    Part("amqtt", AmqttHost, 200, on_postgres=False),
)
GOALS = {
    "false_offline": Goal("<=", 0),
    "missed_offline": Goal("<=", 0),
    "offline_found_s_max": Goal("<=", FOUND_SECONDS),
    "false_offline_after_restart": Goal("<=", 0),
    "missed_offline_after_restart": Goal("<=", 0),
    "offline_found_after_restart_s_max": Goal("<=", BACK_FOUND_SECONDS),
    "storm_inbox_dropped": Goal("<=", 0),
}
SUMMED = ("false_offline", "missed_offline")
"""Figures of all brokers are the sum of these and the greatest of the others."""


def run(console: Console) -> None:
    """Measure and report."""
    scale = float(os.environ.get("SCALE", "1"))
    wanted = os.environ.get("BROKERS", ",".join(part.name for part in PARTS)).split(",")
    found: dict[str, Figures] = {}
    sizes = []
    for part in PARTS:
        if part.name not in wanted:
            continue
        count = max(20, round(part.cabinets * scale))
        sizes.append(f"{count} on {part.name}")
        with console.status(part.name) as status:
            tell = partial(_show, status, part.name)
            found[part.name] = _play(part, count, tell)
        console.print(f"{part.name}: {found[part.name]}")
    figures = _overall(found)
    for name, ones in found.items():
        figures |= {f"{figure}_{name}": value for figure, value in ones.items()}
    report(console, "presence", figures, GOALS, f"{', '.join(sizes)}; everything on the same cores")


def _show(status: Status, name: str, text: str) -> None:
    status.update(f"{name}: {text}")


def _overall(found: dict[str, Figures]) -> Figures:
    overall: Figures = {}
    first = next(iter(found.values()))
    for figure in [*GOALS, *(one for one in first if one not in GOALS)]:
        values = [ones[figure] for ones in found.values()]
        overall[figure] = sum(values) if figure.startswith(SUMMED) else max(values)
    return overall


def _play(part: Part, count: int, tell: Tell) -> Figures:
    tell(f"{count} cabinets join")
    with stack(part.broker, count, on_postgres=part.on_postgres) as made:
        (port,) = free_ports(1)
        target = urlsplit(made.broker.url).port or 0
        links = HeldLinks(made.folder / "links", port, target, LOST, count)
        cabinets = Cabinets(made.roll, f"mqtt://127.0.0.1:{port}")
        eye = Eye(made)
        try:
            links.start()
            eye.start()
            cabinets.start()
            return _measure(made, cabinets, eye, tell)
        finally:
            cabinets.stop()
            eye.stop()
            links.stop()


def _measure(made: Stack, cabinets: Cabinets, eye: Eye, tell: Tell) -> Figures:
    tell(f"{cabinets.count} cabinets connect")
    _all_online(cabinets, tell)
    false = len(eye.episodes())
    figures = _storm(made, cabinets, eye, tell)
    # Away for longer than the server is deaf: they are offline, and no false alarm.
    before = eye.episodes()
    figures["storm_offline"] = len(before) - false
    tell(f"heartbeats for {STEADY_SECONDS:.0f} s")
    time.sleep(STEADY_SECONDS)
    eye.found.clear()
    tell("a tenth falls silent")
    silent = cabinets.silence(SILENT_SHARE)
    spoke = cabinets.silenced
    last = max(spoke[one] for one in silent)
    _all_found(eye, silent, last + FOUND_SECONDS + PATIENCE_SECONDS, cabinets)
    took = [eye.found.get(one, float("inf")) - spoke[one] for one in silent]
    false += _false(eye, before, cabinets)
    figures |= _verdict(took, FOUND_SECONDS, false, "")
    return figures | _restart(made, cabinets, eye, tell)


def _false(eye: Eye, before: dict[str, str], cabinets: Cabinets) -> int:
    """Episodes since then of cabinets that were not silenced."""
    new = (one for fault, one in eye.episodes().items() if fault not in before)
    return sum(one not in cabinets.silenced for one in new)


def _storm(made: Stack, cabinets: Cabinets, eye: Eye, tell: Tell) -> Figures:
    tell("the broker is killed; all come back")
    made.broker.kill()
    began = cabinets.clock.elapsed()
    made.broker.start()
    wait_until("they noticed", lambda: cabinets.answered < cabinets.count, BACK_SECONDS_MAX)
    _all_online(cabinets, tell)
    return {
        "storm_online_s": cabinets.clock.elapsed() - began,
        "storm_inbox_peak": eye.inbox_peak,
        "storm_inbox_dropped": eye.inbox_dropped,
        "storm_ingest_peak_mb": eye.ingest_peak_mb,
        "storm_broker_peak_mb": eye.broker_peak_mb,
    }


def _restart(made: Stack, cabinets: Cabinets, eye: Eye, tell: Tell) -> Figures:
    tell("the server is stopped, another tenth falls silent, the server starts")
    (ingest,) = made.fleet.ingests
    greeted = _ready(ingest)
    made.fleet.stop()
    before = eye.episodes()
    silent = cabinets.silence(SILENT_SHARE)
    made.fleet.start()
    wait_until("the server is back", lambda: _ready(ingest) > greeted, BACK_SECONDS_MAX)
    back = cabinets.clock.elapsed()
    tell("the server is back")
    _all_found(eye, silent, back + BACK_FOUND_SECONDS + PATIENCE_SECONDS, cabinets)
    took = [eye.found.get(one, float("inf")) - back for one in silent]
    return _verdict(took, BACK_FOUND_SECONDS, _false(eye, before, cabinets), "_after_restart")


def _ready(ingest: HostedProcess) -> int:
    """How often this process said that it hears the broker."""
    return ingest.log.read_text().count(READY)


def _verdict(took: list[float], within: float, false: int, ending: str) -> Figures:
    seen = [one for one in took if one != float("inf")]
    return {
        f"false_offline{ending}": false,
        f"missed_offline{ending}": sum(one > within for one in took),
        f"offline_found{ending}_s_max": max(seen, default=0.0),
    }


def _all_online(cabinets: Cabinets, tell: Tell) -> None:
    def is_so() -> bool:
        tell(f"{cabinets.answered} of {cabinets.count} are online")
        return cabinets.all_answered

    wait_until("all are online", is_so, ALL_ONLINE_SECONDS_MAX)


def _all_found(eye: Eye, silent: list[str], until: float, cabinets: Cabinets) -> None:
    try:
        wait_until(
            "all silent ones are found",
            lambda: all(one in eye.found for one in silent),
            until - cabinets.clock.elapsed(),
        )
    except NotProvenError:
        return  # counted as missed
