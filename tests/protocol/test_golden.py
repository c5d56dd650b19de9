"""Every message of protocol v1 has its bytes in `tests/golden/`: a wire change shows as a diff.

`python -m tests.protocol.test_golden` writes the files anew; the diff is then read by a person.
"""

from pathlib import Path

import msgspec
import pytest

from protocol.asyncapi import CHANNELS, document
from protocol.commands import ARGUMENTS, CommandName, read_command
from protocol.desired import read_desired
from protocol.events import BODIES, read_body
from protocol.journal import (
    Event,
    JournalBatch,
    TelemetryBatch,
    read_journal_batch,
    read_telemetry_batch,
)
from protocol.rules import read_rule_bundle
from protocol.signatures import Envelope, Keyring, SignedKind, read_envelope
from protocol.wire import decode, decode_json
from tests.protocol.golden_messages import ARGUMENTS as GOLDEN_ARGUMENTS
from tests.protocol.golden_messages import BODIES as GOLDEN_BODIES
from tests.protocol.golden_messages import GOLDEN, SIGNER, Golden

FOLDER = Path(__file__).parents[1] / "golden"
ASYNCAPI = "asyncapi"
SIGNED = sorted(name for name in GOLDEN if name.startswith("envelope."))


def path_of(name: str) -> Path:
    return FOLDER / f"{name}.json"


def text_of(golden: Golden) -> bytes:
    return msgspec.json.encode(golden.message) + b"\n"


def asyncapi_text() -> bytes:
    return msgspec.json.format(msgspec.json.encode(document(), order="sorted"), indent=1) + b"\n"


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_a_message_is_written_as_its_golden_file_says(name: str) -> None:
    assert text_of(GOLDEN[name]) == path_of(name).read_bytes()


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_a_golden_file_is_read_back_as_the_message(name: str) -> None:
    golden = GOLDEN[name]
    read = decode(path_of(name).read_bytes(), golden.read_as)
    assert msgspec.json.encode(read) == msgspec.json.encode(golden.message)


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_a_field_this_version_does_not_know_is_ignored(name: str) -> None:
    golden = GOLDEN[name]
    message = msgspec.json.decode(path_of(name).read_bytes())
    newer = msgspec.json.encode({"field_of_a_newer_version": {"x": [1]}, **message})
    assert text_of(Golden(decode(newer, golden.read_as), golden.read_as)) == text_of(golden)


def test_no_golden_file_is_left_without_its_message() -> None:
    files = {path.stem for path in FOLDER.glob("*.json")}
    assert files == {*GOLDEN, ASYNCAPI}


def test_every_event_type_has_a_golden_body_of_its_own_struct() -> None:
    assert set(GOLDEN_BODIES) == set(BODIES)
    for kind, body in GOLDEN_BODIES.items():
        assert type(body) is BODIES[kind]


@pytest.mark.parametrize("kind", sorted(BODIES))
def test_the_body_of_an_event_is_read_by_its_type(kind: str) -> None:
    event = decode(path_of(f"event.{kind}").read_bytes(), Event)
    assert read_body(event) == GOLDEN_BODIES[kind]


def test_every_command_has_golden_arguments() -> None:
    assert set(GOLDEN_ARGUMENTS) == set(CommandName) == set(ARGUMENTS)


@pytest.mark.parametrize("name", list(CommandName))
def test_every_command_is_read_by_its_strict_reader(name: CommandName) -> None:
    assert read_command(path_of(f"payload.command.{name}").read_text()).name is name


def test_documents_and_batches_pass_their_strict_readers() -> None:
    assert read_desired(path_of("payload.desired").read_text()).version == 4
    assert read_rule_bundle(path_of("payload.rules").read_text()).version == 17
    journal: JournalBatch = read_journal_batch(path_of("up.journal").read_bytes())
    telemetry: TelemetryBatch = read_telemetry_batch(path_of("up.telemetry").read_bytes())
    assert (journal.last, telemetry.last) == (102, 88)


def test_every_channel_has_a_golden_file() -> None:
    for channel in CHANNELS:
        if channel.message is not Envelope:
            assert f"{channel.way}.{channel.kind}" in GOLDEN
        else:
            assert any(name.startswith(f"envelope.{channel.kind}") for name in SIGNED)


@pytest.mark.parametrize("name", SIGNED)
def test_p12_a_golden_envelope_is_true_and_its_payload_is_the_golden_payload(name: str) -> None:
    envelope = read_envelope(path_of(name).read_bytes())
    rest = name.removeprefix("envelope.")
    kind = SignedKind(rest.partition(".")[0])
    payload = Keyring([SIGNER.public_key]).open(envelope, kind, "fleet", "C1")
    assert payload == path_of(f"payload.{rest}").read_text().strip()
    assert decode_json(payload, GOLDEN[f"payload.{rest}"].read_as) is not None


def test_the_asyncapi_document_is_its_golden_file() -> None:
    assert asyncapi_text() == path_of(ASYNCAPI).read_bytes()


def write() -> None:
    """Write every golden file anew."""
    for name, golden in GOLDEN.items():
        path_of(name).write_bytes(text_of(golden))
    path_of(ASYNCAPI).write_bytes(asyncapi_text())


if __name__ == "__main__":
    write()
