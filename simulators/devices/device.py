"""What a simulated bus needs of a device."""

from typing import Protocol


class SimulatedDevice(Protocol):
    """A device that hears every byte of its bus and answers what is meant for it."""

    def answer(self, heard: bytes) -> bytes:
        """Take the bytes just heard, in pieces as they come; return what to send back."""
        ...

    def tick(self, elapsed: float) -> bytes:
        """Let the device's own time come to `elapsed`; return what it sends unasked."""
        ...
