"""The server's two private keys: Ed25519 for orders (P-12), X25519 for sealed contacts (P-21).

Kept in `data_dir` with mode 0600, made once. Rotation comes later; `keys` is a list already.
"""

from fleet_server.signing.service import SigningService

__all__ = ["SigningService"]
