"""The AsyncAPI document is whole: every channel of the design, every reference leads somewhere."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from protocol.asyncapi import CHANNELS, document
from protocol.events import BODIES
from protocol.topics import AllKind, DownKind, UpKind
from tests.protocol.golden_messages import GOLDEN

DOCUMENT = document()

QOS = {
    "up_presence": 1,
    "up_heartbeat": 0,
    "up_journal": 1,
    "up_telemetry": 1,
    "up_request": 1,
    "down_receipt": 0,
    "down_command": 1,
    "down_desired": 1,
    "down_rules": 1,
    "down_reply": 1,
    "all_rules": 1,
    "all_server": 1,
}
"""The table of protocol v1, Topics."""


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


def at(reference: str) -> Any:
    found: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def test_it_is_asyncapi_three_with_the_channels_of_the_design_and_their_quality() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"info", "channels", "operations", "components"} <= set(DOCUMENT)
    assert set(DOCUMENT["channels"]) == set(QOS)
    bindings = {
        name: one["bindings"]["mqtt"]["qos"] for name, one in DOCUMENT["operations"].items()
    }
    assert bindings == QOS


def test_p00_no_channel_is_retained() -> None:
    assert all(
        one["bindings"]["mqtt"]["retain"] is False for one in DOCUMENT["operations"].values()
    )


def test_every_kind_of_topic_has_a_channel_and_no_other_has() -> None:
    rows = {(channel.way, channel.kind) for channel in CHANNELS}
    kinds = {("up", kind) for kind in UpKind} | {("down", kind) for kind in DownKind}
    assert rows == kinds | {("all", kind) for kind in AllKind}


def test_the_server_receives_what_goes_up_and_sends_the_rest() -> None:
    for name, operation in DOCUMENT["operations"].items():
        assert operation["action"] == ("receive" if name.startswith("up_") else "send")


def test_every_reference_leads_somewhere() -> None:
    found = list(references(DOCUMENT))
    assert len(found) > len(CHANNELS)
    for reference in found:
        assert isinstance(at(reference), dict), reference


def test_the_parameters_of_an_address_are_described() -> None:
    for channel in DOCUMENT["channels"].values():
        for parameter in channel["parameters"]:
            assert f"{{{parameter}}}" in channel["address"]
        assert channel["address"].count("{") == len(channel["parameters"])


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_a_schema_is_a_true_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_a_golden_message_fits_the_schema_of_its_struct(name: str) -> None:
    golden = GOLDEN[name]
    schemas = DOCUMENT["components"]["schemas"]
    kind = golden.read_as.__name__
    if name.startswith("enrolment."):
        assert kind not in schemas  # HTTP, described by OpenAPI
        return
    whole = {**schemas[kind], "components": {"schemas": schemas}}
    message = msgspec.json.decode(msgspec.json.encode(golden.message))
    Draft202012Validator(whole).validate(message)


def test_every_event_type_names_the_schema_of_its_body() -> None:
    by_type = DOCUMENT["components"]["schemas"]["Event"]["x-bodies-by-type"]
    assert {kind: one["$ref"].rsplit("/", 1)[-1] for kind, one in by_type.items()} == {
        kind: struct.__name__ for kind, struct in BODIES.items()
    }
