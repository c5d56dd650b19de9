"""AsyncAPI 3.0 document of protocol v1, generated from topics and message types.

A reader finds every channel, its direction, QoS and the JSON schema of its messages; signed
channels carry the envelope, and their payload's schema stands beside it.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from protocol.commands import ARGUMENTS, Command
from protocol.desired import Desired
from protocol.events import BODIES
from protocol.journal import JournalBatch, Receipt, TelemetryBatch
from protocol.presence import Heartbeat, Presence, ServerState, TimeRequest
from protocol.rules import RuleBundle
from protocol.signatures import Envelope
from protocol.time_reply import TimeReply
from protocol.topics import VERSION, AllKind, DownKind, UpKind
from protocol.work_order import WorkOrder

_SCHEMA = "#/components/schemas/{name}"


@dataclass(frozen=True)
class Channel:
    """One row of the table of kinds (protocol v1, Topics)."""

    way: str
    kind: str
    qos: int
    message: type[msgspec.Struct]
    payload: type[msgspec.Struct] | None = None
    """What a signed envelope carries."""

    @property
    def name(self) -> str:
        """Key of the channel in the document."""
        return f"{self.way}_{self.kind}"

    @property
    def address(self) -> str:
        """Topic with its parameters."""
        if self.way == "all":
            return f"{{fleet}}/{VERSION}/all/{self.kind}"
        return f"{{fleet}}/{VERSION}/{{shard}}/{self.way}/{{cabinet}}/{self.kind}"


CHANNELS: tuple[Channel, ...] = (
    Channel("up", UpKind.PRESENCE, 1, Presence),
    Channel("up", UpKind.HEARTBEAT, 0, Heartbeat),
    Channel("up", UpKind.JOURNAL, 1, JournalBatch),
    Channel("up", UpKind.TELEMETRY, 1, TelemetryBatch),
    Channel("up", UpKind.REQUEST, 1, TimeRequest),
    Channel("down", DownKind.RECEIPT, 0, Receipt),
    Channel("down", DownKind.COMMAND, 1, Envelope, Command),
    Channel("down", DownKind.DESIRED, 1, Envelope, Desired),
    Channel("down", DownKind.RULES, 1, Envelope, RuleBundle),
    Channel("down", DownKind.REPLY, 1, Envelope, TimeReply),
    Channel("all", AllKind.RULES, 1, Envelope, RuleBundle),
    Channel("all", AllKind.SERVER, 1, ServerState),
)


def document() -> dict[str, Any]:
    """Build the document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Cabinet Fleet protocol",
            "version": "1.0.0",
            "description": "MQTT 3.1.1, JSON; bodies over 1 KiB are gzip-compressed.",
        },
        "defaultContentType": "application/json",
        "channels": {channel.name: _channel(channel) for channel in CHANNELS},
        "operations": {channel.name: _operation(channel) for channel in CHANNELS},
        "components": {"messages": _messages(), "schemas": _schemas()},
    }


def _channel(channel: Channel) -> dict[str, Any]:
    parameters = {"fleet": {"description": "name of the fleet"}}
    if channel.way != "all":
        parameters["shard"] = {"description": "CRC-32 of the cabinet id modulo 64, two digits"}
        parameters["cabinet"] = {"description": "[A-Za-z0-9_-]{1,32}"}
    return {
        "address": channel.address,
        "parameters": parameters,
        "messages": {channel.name: {"$ref": f"#/components/messages/{channel.name}"}},
    }


def _operation(channel: Channel) -> dict[str, Any]:
    """The document is the server's: it receives what goes up and sends the rest."""
    return {
        "action": "receive" if channel.way == "up" else "send",
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "bindings": {"mqtt": {"qos": channel.qos, "retain": False}},
    }


def _messages() -> dict[str, Any]:
    messages: dict[str, Any] = {}
    for channel in CHANNELS:
        message = {"payload": {"$ref": _SCHEMA.format(name=channel.message.__name__)}}
        if channel.payload is not None:
            message["x-signed-payload"] = {"$ref": _SCHEMA.format(name=channel.payload.__name__)}
        messages[channel.name] = message
    return messages


def _schemas() -> dict[str, Any]:
    kinds: list[type[msgspec.Struct]] = [WorkOrder, *BODIES.values(), *ARGUMENTS.values()]
    for channel in CHANNELS:
        kinds += [channel.message] + ([channel.payload] if channel.payload else [])
    unique = list(dict.fromkeys(kinds))
    _, schemas = msgspec.json.schema_components(unique, ref_template=_SCHEMA)
    # Bodies of events are told apart by the event's `type`; JSON Schema cannot say so by itself.
    event = schemas["Event"]
    event["x-bodies-by-type"] = {
        name: {"$ref": _SCHEMA.format(name=kind.__name__)} for name, kind in BODIES.items()
    }
    return schemas
