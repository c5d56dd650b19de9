"""What a server process does: web, ingest, worker; all three with `fleet-server run`."""

import os
import socket
from collections.abc import Collection
from enum import StrEnum

from fleet_server.settings import Settings


class Part(StrEnum):
    """One job of the server; any number of processes may do each."""

    API = "api"
    INGEST = "ingest"
    WORKER = "worker"


EVERYTHING = frozenset(Part)


def process_name(settings: Settings, parts: Collection[Part]) -> str:
    """Name under which a process holds its leases.

    A server on one machine gets its own leases back at once after a restart: its port tells it
    from others there. Processes of a larger fleet are told apart by their number, and one that was
    killed is missed until its leases end.
    """
    host = socket.gethostname()[:40]
    if frozenset(parts) == EVERYTHING:
        return f"{host}/all/{settings.http_port}"
    return f"{host}/{'+'.join(sorted(parts))}/{os.getpid()}"
