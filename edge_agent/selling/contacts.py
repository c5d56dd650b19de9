"""The buyer's safety contact, sealed before it is kept anywhere (P-21)."""

from dataclasses import dataclass

from edge_agent.selling.errors import SealingKeyMissingError
from protocol.sealing import seal


@dataclass(frozen=True)
class Contacts:
    """Seals to the server's key; None where the cabinet was given none."""

    sealing_key: bytes | None

    def sealed(self, contact: str) -> str:
        """Sealed contact; empty for none. Raises SealingKeyMissingError."""
        if not contact:
            return ""
        if self.sealing_key is None:
            raise SealingKeyMissingError
        return seal(contact, self.sealing_key)
