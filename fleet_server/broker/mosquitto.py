"""Configuration of Mosquitto (2.0 and later), generated: listeners, access, limits, credentials.

Two listeners. The cabinets' takes the user name for the client id, whatever a client calls itself:
a thief of an id meets only itself. Several server processes are one user and would throw each
other out there, so they have a listener of their own, with a password file that knows nobody else.
"""

import getpass
from collections.abc import Sequence
from pathlib import Path

from fleet_server.broker.limits import (
    INFLIGHT_MAX,
    PACKET_BYTES_MAX,
    QUEUED_BYTES_MAX,
    QUEUED_MAX,
)
from fleet_server.broker.queries import CabinetLogin
from fleet_server.cabinets.credentials import mosquitto_form
from fleet_server.settings import Settings
from protocol.identity import SERVER_USER
from protocol.topics import VERSION

PID_FILE = "mosquitto.pid"

CONFIGURATION = """\
# Written by `fleet-server broker-config mosquitto`: changes here are overwritten.
# Reasons for each number: docs/operations.md, Brokers.

# Each listener has its own people and its own rules.
per_listener_settings true

# Nothing is kept over a restart: sessions are clean and whoever is ahead sends again (P-0).
persistence false
# A session that is not clean is nobody's of ours; this is the shortest it can be kept for.
persistent_client_expiration 1h
# A client that asks for retention is disconnected.
retain_available false
# No $SYS: nobody may read it, so it need not be published.
sys_interval 0

# What is over these is dropped without a word. With the 20 and 1,000 Mosquitto ships a server that
# paused for a moment lost 94 % of what cabinets sent meanwhile; they send again, but at once.
max_inflight_messages {inflight}
max_queued_messages {queued}
max_queued_bytes {queued_bytes}
# Largest packet: a bundle of rules (512 KiB) with its topic. Larger ones end the connection.
max_packet_size {packet}
# Our filters never overlap; looking for duplicates costs the square of the cabinets in a broadcast.
allow_duplicate_messages true
set_tcp_nodelay true

pid_file {folder}/{pid_file}
# Started as root, Mosquitto becomes this user: the one that may read the files here.
user {user}
log_dest stderr
log_type error
log_type warning
log_type notice

# Cabinets.
listener {port} {host}
max_connections {connections}
allow_anonymous false
use_username_as_clientid true
password_file {folder}/cabinets.passwd
acl_file {folder}/cabinets.acl

# The server's own processes; keep this port from the cabinets' network.
listener {server_port} {server_host}
max_connections {server_connections}
allow_anonymous false
password_file {folder}/server.passwd
acl_file {folder}/server.acl
"""

CABINET_RULES = """\
# Deny by default (P-20). %u is the user: a cabinet id.
pattern write {fleet}/{version}/+/up/%u/+
pattern read {fleet}/{version}/+/down/%u/+
pattern read {fleet}/{version}/all/+
"""

SERVER_RULES = """\
# Deny by default (P-20).
user {user}
topic read {fleet}/{version}/+/up/+/+
topic write {fleet}/{version}/+/down/+/+
topic write {fleet}/{version}/all/+
"""

SERVER_CONNECTIONS_MAX = 200
"""Processes of ours, with room for the connections a broken link leaves until they time out."""


class MosquittoFiles:
    """The files of one broker; `folder` is where they will lie."""

    def __init__(self, settings: Settings, folder: Path, secret: str) -> None:
        self._settings = settings
        self._folder = folder
        # Salted once, so that writing the files again changes nothing that did not change.
        self._server_form = mosquitto_form(secret)

    def render(self, logins: Sequence[CabinetLogin]) -> dict[str, str]:
        """Return name -> text of each file."""
        names = {"fleet": self._settings.fleet, "version": VERSION, "user": SERVER_USER}
        known = (f"{one.cabinet_id}:{one.mosquitto}\n" for one in logins if one.mosquitto)
        return {
            "mosquitto.conf": self._configuration(),
            "cabinets.acl": CABINET_RULES.format(**names),
            "cabinets.passwd": "".join(known),
            "server.acl": SERVER_RULES.format(**names),
            "server.passwd": f"{SERVER_USER}:{self._server_form}\n",
        }

    def _configuration(self) -> str:
        settings = self._settings
        return CONFIGURATION.format(
            inflight=INFLIGHT_MAX,
            queued=QUEUED_MAX,
            queued_bytes=QUEUED_BYTES_MAX,
            packet=PACKET_BYTES_MAX,
            folder=self._folder,
            pid_file=PID_FILE,
            user=getpass.getuser(),
            port=settings.broker_port,
            host=settings.broker_host,
            connections=settings.broker_connections_max,
            server_port=settings.broker_server_port,
            server_host=settings.broker_server_host,
            server_connections=SERVER_CONNECTIONS_MAX,
        )
