"""P-12: everything a cabinet obeys is signed, and meant for it. P-21: sealed contacts."""

import base64
import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.public import PrivateKey

from protocol.errors import MalformedMessageError, SealBrokenError, SignatureRejectedError
from protocol.sealing import seal, unseal
from protocol.signatures import Envelope, Keyring, SignedKind, Signer, key_id, read_envelope
from tests.protocol.golden_messages import BUNDLE, REPLY, SIGNER, WORK_ORDER

KEYRING = Keyring([SIGNER.public_key])
OTHER = Signer(b"another key of thirty-two bytes.")


def opened(envelope: Envelope, fleet: str = "fleet", cabinet: str = "C1") -> str:
    return KEYRING.open(envelope, SignedKind.REPLY, fleet, cabinet)


def changed(envelope: Envelope, **fields: str) -> Envelope:
    return msgspec.structs.replace(envelope, **fields)


def test_p12_a_key_is_named_by_the_first_sixteen_hex_digits_of_its_sha_256() -> None:
    digest = hashlib.sha256(SIGNER.public_key).hexdigest()
    assert key_id(SIGNER.public_key) == digest[:16]
    assert SIGNER.sign(REPLY).key == digest[:16]


def test_p12_a_true_envelope_gives_exactly_the_text_that_was_signed() -> None:
    envelope = SIGNER.sign(REPLY)
    assert opened(envelope) == envelope.payload


def test_p12_every_key_of_the_ring_is_trusted() -> None:
    ring = Keyring([SIGNER.public_key, OTHER.public_key])
    for signer in (SIGNER, OTHER):
        assert ring.open(signer.sign(REPLY), SignedKind.REPLY, "fleet", "C1")


def test_p12_an_unknown_key_is_refused() -> None:
    with pytest.raises(SignatureRejectedError, match="unknown key"):
        opened(OTHER.sign(REPLY))


def test_p12_another_key_under_a_known_name_is_refused() -> None:
    with pytest.raises(SignatureRejectedError, match="does not match"):
        opened(changed(OTHER.sign(REPLY), key=SIGNER.key_id))


@given(st.data())
def test_p12_one_changed_character_of_the_payload_breaks_the_signature(data: st.DataObject) -> None:
    envelope = SIGNER.sign(REPLY)
    place = data.draw(st.integers(0, len(envelope.payload) - 1))
    other = data.draw(st.characters().filter(lambda one: one != envelope.payload[place]))
    forged = envelope.payload[:place] + other + envelope.payload[place + 1 :]
    with pytest.raises(SignatureRejectedError):
        opened(changed(envelope, payload=forged))


@pytest.mark.parametrize("sig", ["", "not base64!", "AAAA", base64.b64encode(bytes(64)).decode()])
def test_p12_a_signature_that_is_none_is_refused(sig: str) -> None:
    with pytest.raises(SignatureRejectedError):
        opened(changed(SIGNER.sign(REPLY), sig=sig))


def test_p12_a_document_of_another_kind_is_refused() -> None:
    with pytest.raises(SignatureRejectedError, match="came as"):
        opened(SIGNER.sign(WORK_ORDER))


def test_p12_a_document_of_another_fleet_is_refused() -> None:
    with pytest.raises(SignatureRejectedError, match="fleet"):
        opened(SIGNER.sign(REPLY), fleet="other")


def test_p12_a_document_of_another_cabinet_is_refused() -> None:
    with pytest.raises(SignatureRejectedError, match="cabinet"):
        opened(SIGNER.sign(REPLY), cabinet="C2")


def test_p12_a_document_for_the_whole_fleet_is_for_every_cabinet() -> None:
    envelope = SIGNER.sign(BUNDLE)
    for cabinet in ("C1", "C2"):
        assert KEYRING.open(envelope, SignedKind.RULES, "fleet", cabinet)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"key":"k","sig":"s"}', b'{"key":"k","sig":"s","payload":""}'],
)
def test_p12_what_is_no_envelope_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedMessageError):
        read_envelope(body)


def test_p12_a_signed_payload_without_an_address_is_malformed() -> None:
    class Nowhere(msgspec.Struct):
        kind: str = "reply"

    with pytest.raises(MalformedMessageError):
        opened(SIGNER.sign(Nowhere()))


@given(st.text())
def test_p21_only_the_server_opens_a_sealed_contact(contact: str) -> None:
    server, stranger = PrivateKey(b"s" * 32), PrivateKey(b"t" * 32)
    sealed = seal(contact, bytes(server.public_key))
    assert unseal(sealed, bytes(server)) == contact
    with pytest.raises(SealBrokenError):
        unseal(sealed, bytes(stranger))


def test_p21_the_same_contact_is_never_sealed_to_the_same_text() -> None:
    key = bytes(PrivateKey(b"s" * 32).public_key)
    assert seal("+86 138 0000 0000", key) != seal("+86 138 0000 0000", key)


@pytest.mark.parametrize("sealed", ["", "nonsense!", "AAAA", "柜"])
def test_p21_what_is_no_sealed_contact_is_refused(sealed: str) -> None:
    with pytest.raises(SealBrokenError):
        unseal(sealed, b"s" * 32)
