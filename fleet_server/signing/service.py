"""Signs what cabinets obey and opens what they sealed."""

import os
from pathlib import Path

import msgspec
from nacl.public import PrivateKey

from fleet_server.errors import ConfigurationError
from fleet_server.seed import new_secret_bytes
from protocol.sealing import unseal
from protocol.signatures import Signer

KEY_BYTES = 32


class SigningService:
    """Holder of the private keys; nothing else reads them. `fleet` stands in each payload."""

    def __init__(self, fleet: str, signing_seed: bytes, sealing_key: bytes) -> None:
        self.fleet = fleet
        self._signer = Signer(signing_seed)
        self._sealing = PrivateKey(sealing_key)

    @classmethod
    def load(cls, data_dir: Path, fleet: str) -> "SigningService":
        """Keys of an installation; made on first use."""
        return cls(fleet, key_in(data_dir / "signing.key"), key_in(data_dir / "sealing.key"))

    @property
    def public_keys(self) -> list[bytes]:
        """Ed25519 public keys a cabinet has to trust."""
        return [self._signer.public_key]

    @property
    def sealing_public_key(self) -> bytes:
        """X25519 public key contacts are sealed to."""
        return bytes(self._sealing.public_key)

    def signed(self, payload: msgspec.Struct) -> bytes:
        """Payload -> JSON of its signed envelope."""
        return msgspec.json.encode(self._signer.sign(payload))

    def unsealed(self, sealed: str) -> str:
        """Sealed contact -> contact. Callers log each use with the recall it serves."""
        return unseal(sealed, bytes(self._sealing))


def key_in(path: Path) -> bytes:
    """Return the KEY_BYTES of a key file; made on first use, for nobody else to read."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _create(path, new_secret_bytes(KEY_BYTES))
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"{path} does not hold a key of {KEY_BYTES} bytes")
    return key


def _create(path: Path, key: bytes) -> None:
    """Write whole or not at all: two processes may start at once, a power cut may come between."""
    draft = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
