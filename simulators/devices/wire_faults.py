"""What can happen to an answer on its way: bytes lost, checksum broken, silence.

One place for all devices, so that each shows the same field pains (hardware reference 6.1).
"""

from dataclasses import dataclass

from edge_agent.seed import Chance


@dataclass(slots=True)
class WireFaults:
    """Probabilities 0..1 for each answer; all 0 is a good wire."""

    silent: bool = False
    lose_byte: float = 0.0
    wrong_checksum: float = 0.0

    def applied_to(self, answer: bytes, chance: Chance) -> bytes:
        """Return what arrives of the answer."""
        if self.silent or not answer:
            return b""
        if chance.happens(self.wrong_checksum):
            answer = answer[:-1] + bytes((answer[-1] ^ 0xFF,))
        if chance.happens(self.lose_byte):
            lost = int(chance.uniform(0, len(answer) - 1e-9))
            answer = answer[:lost] + answer[lost + 1 :]
        return answer
