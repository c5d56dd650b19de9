"""P-12, P-21: the server's two private keys; who holds them, what they open."""

from pathlib import Path

import pytest

from fleet_server.errors import ConfigurationError
from fleet_server.signing import SigningService
from protocol.errors import SealBrokenError, SignatureRejectedError
from protocol.sealing import seal
from protocol.signatures import Keyring, SignedKind, read_envelope
from tests.protocol.golden_messages import REPLY


def test_p12_keys_are_made_once_and_readable_by_their_owner_alone(tmp_path: Path) -> None:
    first = SigningService.load(tmp_path, "fleet")
    again = SigningService.load(tmp_path, "fleet")
    assert again.public_keys == first.public_keys
    assert again.sealing_public_key == first.sealing_public_key
    for name in ("signing.key", "sealing.key"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"signing.key", "sealing.key"}


def test_p12_what_it_signs_opens_with_its_public_key_and_no_other(tmp_path: Path) -> None:
    ours = SigningService.load(tmp_path / "a", "fleet")
    other = SigningService.load(tmp_path / "b", "fleet")
    envelope = read_envelope(ours.signed(REPLY))
    assert Keyring(ours.public_keys).open(envelope, SignedKind.REPLY, "fleet", "C1")
    with pytest.raises(SignatureRejectedError):
        Keyring(other.public_keys).open(envelope, SignedKind.REPLY, "fleet", "C1")


def test_p12_a_damaged_key_is_refused_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "signing.key").write_bytes(b"short")
    with pytest.raises(ConfigurationError):
        SigningService.load(tmp_path, "fleet")
    assert (tmp_path / "signing.key").read_bytes() == b"short"


def test_p21_only_this_server_opens_what_is_sealed_to_it(tmp_path: Path) -> None:
    ours = SigningService.load(tmp_path / "a", "fleet")
    other = SigningService.load(tmp_path / "b", "fleet")
    sealed = seal("+86 138 0000 0000", ours.sealing_public_key)
    assert "138" not in sealed
    assert ours.unsealed(sealed) == "+86 138 0000 0000"
    with pytest.raises(SealBrokenError):
        other.unsealed(sealed)
