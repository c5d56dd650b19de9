"""Configuration of a NATS server with its MQTT listener, generated; one node or three.

A topic level is a subject token (`fleet/v1/07/up/C1/x` is `fleet.v1.07.up.C1.x`), which is why
cabinet ids have no dots. Everything QoS 1 passes through JetStream inside; nobody but NATS itself
touches those streams.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet_server.broker.limits import PACKET_BYTES_MAX
from fleet_server.broker.queries import CabinetLogin
from fleet_server.cabinets.credentials import nats_form
from fleet_server.settings import Settings
from protocol.identity import SERVER_USER
from protocol.topics import VERSION, cabinet_publications, cabinet_subscriptions

PID_FILE = "nats.pid"

CONFIGURATION = """\
# Written by `fleet-server broker-config nats`: changes here are overwritten.
# Reasons for each number: docs/operations.md, Brokers.

# MQTT needs JetStream, and JetStream a name that stays.
server_name: {node}
# NATS' own protocol: nobody of ours speaks it (every user is allowed MQTT alone).
listen: "127.0.0.1:{client_port}"
pid_file: "{folder}/{pid_file}"

max_connections: {connections}
# Largest message: a bundle of rules (512 KiB). A larger one ends the connection.
max_payload: {payload}
# What may wait for one connection before it is closed as too slow.
max_pending: {pending}

jetstream {{
  store_dir: "{folder}"
  max_memory_store: {memory}
  max_file_store: {file}
  # Two subscriptions a cabinet, a consumer each, in one stream; since 2.15 shipped with 1,000.
  limits {{ default_max_consumers: {consumers} }}
}}

mqtt {{
  listen: "{host}:{port}"
  # QoS 1 messages on their way to one subscription. A session may have 65,535 over all of its
  # subscriptions, and a server that owns all shards one by one holds 64.
  max_ack_pending: {ack_pending}
  # An unacknowledged message comes again after this; the server acknowledges within milliseconds.
  ack_wait: "30s"
  # Nothing of ours uses QoS 2.
  reject_qos2_publish: true
  # Sessions are clean: what a consumer knows is worth nothing after a restart.
  consumer_memory_storage: true
  # Consumers that a crash left behind.
  consumer_inactive_threshold: "5m"
{replicas}}}

authorization {{
  # A storm of reconnects waits for its bcrypts.
  timeout: 10
  include "users.conf"
}}
{cluster}"""

CLUSTER = """
cluster {{
  name: {fleet}
  listen: "{host}:{port}"
  # The same on all nodes, made from the server's secret.
  authorization {{ user: "node", password: "{password}", timeout: 5 }}
  routes: {routes}
}}
"""

CONSUMERS_EACH = 2
"""Subscriptions of a cabinet (P-0). At the shipped 1,000 the 500th cabinet heard nothing more."""
ACK_PENDING_MAX = 1_000
"""NATS: 65,535 over all subscriptions of a session; 64 shards times this stay below it."""
PENDING_BYTES_MAX = 256 * 1024 * 1024
JETSTREAM_MEMORY_BYTES_MAX = 512 * 1024 * 1024
JETSTREAM_FILE_BYTES_MAX = 10 * 1024 * 1024 * 1024
"""Streams hold what is on its way and not acknowledged; they are emptied as the server reads."""


@dataclass(frozen=True)
class NatsNode:
    """Which server this is. `routes`: host:port of the other nodes; none means it is alone."""

    name: str = "fleet-1"
    client_port: int = 4222
    cluster_port: int = 6222
    routes: tuple[str, ...] = ()


class NatsFiles:
    """The files of one server; `folder` is where they will lie."""

    def __init__(self, settings: Settings, folder: Path, secret: str, node: NatsNode) -> None:
        self._settings = settings
        self._folder = folder
        self._node = node
        self._secret = secret
        # Salted once, so that writing the files again changes nothing that did not change.
        self._server_form = nats_form(secret)

    def render(self, logins: Sequence[CabinetLogin]) -> dict[str, str]:
        """Return name -> text of each file."""
        users = [self._server(), *(self._cabinet(one) for one in logins if one.nats)]
        lines = "".join(f"  {json.dumps(one)}\n" for one in users)
        return {"nats.conf": self._configuration(), "users.conf": f"users: [\n{lines}]\n"}

    def _server(self) -> dict[str, Any]:
        head = f"{self._settings.fleet}.{VERSION}"
        return _user(
            SERVER_USER,
            self._server_form,
            publish=[f"{head}.*.down.*.*", f"{head}.all.*"],
            subscribe=[f"{head}.*.up.*.*"],
        )

    def _cabinet(self, login: CabinetLogin) -> dict[str, Any]:
        fleet, cabinet = self._settings.fleet, login.cabinet_id
        return _user(
            cabinet,
            str(login.nats),
            publish=[_subject(cabinet_publications(fleet, cabinet))],
            subscribe=[_subject(one) for one in cabinet_subscriptions(fleet, cabinet)],
        )

    def _configuration(self) -> str:
        settings, node = self._settings, self._node
        return CONFIGURATION.format(
            node=json.dumps(node.name),
            client_port=node.client_port,
            folder=self._folder,
            pid_file=PID_FILE,
            connections=settings.broker_connections_max,
            consumers=CONSUMERS_EACH * settings.broker_connections_max,
            payload=PACKET_BYTES_MAX,
            pending=PENDING_BYTES_MAX,
            memory=JETSTREAM_MEMORY_BYTES_MAX,
            file=JETSTREAM_FILE_BYTES_MAX,
            host=settings.broker_host,
            port=settings.broker_port,
            ack_pending=ACK_PENDING_MAX,
            replicas="  stream_replicas: 3\n  consumer_replicas: 3\n" if node.routes else "",
            cluster=self._cluster() if node.routes else "",
        )

    def _cluster(self) -> str:
        password = hmac.digest(self._secret.encode(), b"nats cluster", hashlib.sha256).hex()
        routes = [f"nats-route://node:{password}@{one}" for one in self._node.routes]
        return CLUSTER.format(
            fleet=json.dumps(self._settings.fleet),
            host=self._settings.broker_host,
            port=self._node.cluster_port,
            password=password,
            routes=json.dumps(routes),
        )


def _user(
    name: str, form: str, *, publish: Sequence[str], subscribe: Sequence[str]
) -> dict[str, Any]:
    """Return one entry of the users' list. NATS delivers QoS 1 on `$MQTT.sub`, filtered already.

    A client cannot subscribe there itself: the MQTT listener refuses `$MQTT/...`.
    """
    return {
        "user": name,
        "password": form,
        "allowed_connection_types": ["MQTT"],
        "permissions": {"publish": list(publish), "subscribe": [*subscribe, "$MQTT.sub.>"]},
    }


def _subject(topic_filter: str) -> str:
    """MQTT filter -> NATS subject (NATS, MQTT: topics and subjects)."""
    return topic_filter.replace("/", ".").replace("+", "*")
