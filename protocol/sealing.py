"""The buyer's safety contact: sealed in the cabinet, opened only by the server (P-21).

libsodium sealed boxes: the cabinet needs only the public key and keeps nothing that opens them.
"""

import base64
import binascii

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from protocol.errors import SealBrokenError


def seal(contact: str, public_key: bytes) -> str:
    """Contact -> base64 of a sealed box for the server's 32-byte public key."""
    return base64.b64encode(SealedBox(PublicKey(public_key)).encrypt(contact.encode())).decode()


def unseal(sealed: str, private_key: bytes) -> str:
    """Sealed box -> contact; SealBrokenError when it was not sealed for this key."""
    try:
        box = base64.b64decode(sealed, validate=True)
        return SealedBox(PrivateKey(private_key)).decrypt(box).decode()
    except (CryptoError, binascii.Error, ValueError) as error:
        raise SealBrokenError("the contact was not sealed for this key") from error
