"""What the server says of its cabinets, read from its database while it runs, and from /metrics."""

import re
import threading

import httpx2
import psutil
from sqlalchemy import create_engine, select
from sqlalchemy.exc import OperationalError

from edge_agent.clock import SystemClock
from fleet_server.cabinets.models import CabinetPresence
from fleet_server.faults.models import Fault
from tests.benchmarks.ingest.stack import MEGABYTE, Stack

LOOK_SECONDS = 0.2
"""How much too late a finding is noted at most, beside the query itself."""
INBOX = re.compile(r"^fleet_inbound_(peak|dropped) ([0-9.e+]+)$", re.MULTILINE)


class Eye:
    """Notes when each cabinet is first seen offline, and the peaks of memory and inbox."""

    def __init__(self, made: Stack) -> None:
        self._made = made
        self._engine = create_engine(made.database_url)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="eye", daemon=True)
        self.found: dict[str, float] = {}
        """Cabinet -> when it was first seen offline since it was cleared, elapsed seconds."""
        self.ingest_peak_mb = self.broker_peak_mb = 0.0
        self.inbox_peak = self.inbox_dropped = 0.0

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._engine.dispose()

    def episodes(self) -> dict[str, str]:
        """OFFLINE episodes so far, ended or not: id -> cabinet."""
        found = select(Fault.id, Fault.cabinet_id).where(Fault.code == "OFFLINE")
        with self._engine.connect() as connection:
            return dict(connection.execute(found).all())

    def _run(self) -> None:
        clock = SystemClock()
        while not self._stop.wait(LOOK_SECONDS):
            try:
                offline = self._offline()
            except OperationalError:  # SQLite is being written to: look again
                continue
            now = clock.elapsed()
            for one in offline:
                self.found.setdefault(one, now)
            self._look_at_processes()

    def _offline(self) -> list[str]:
        rows = select(CabinetPresence.cabinet_id).where(~CabinetPresence.online)
        with self._engine.connect() as connection:
            return list(connection.scalars(rows))

    def _look_at_processes(self) -> None:
        try:
            self.ingest_peak_mb = max(self.ingest_peak_mb, self._made.ingest_megabytes())
            memory = psutil.Process(self._made.broker.pid).memory_info().rss / MEGABYTE
            self.broker_peak_mb = max(self.broker_peak_mb, memory)
            port = self._made.fleet.operations["ingest-0"]
            text = httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=2).text
        except Exception:  # noqa: BLE001  # it is being restarted: there is nothing to see
            return
        for name, value in INBOX.findall(text):
            if name == "peak":
                self.inbox_peak = max(self.inbox_peak, float(value))
            else:
                self.inbox_dropped = max(self.inbox_dropped, float(value))
