"""Errors of the wire: all of them say "they are wrong", with the facts in fields."""


class ProtocolError(Exception):
    """A message breaks protocol v1."""


class MalformedMessageError(ProtocolError):
    """The bytes are no message of the expected kind."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MessageTooLargeError(ProtocolError):
    """A message exceeds its bound on the wire or unpacked."""

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"{size_bytes} bytes exceed the limit of {limit_bytes}")
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class BadTopicError(ProtocolError):
    """A topic or one of its parts is not spelled as protocol v1 says."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text!r}: {reason}")
        self.text = text
        self.reason = reason


class SignatureRejectedError(ProtocolError):
    """A signed envelope is forged, of an unknown key, or meant for someone else (P-12)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SealBrokenError(ProtocolError):
    """A sealed safety contact cannot be opened with this key (P-21)."""


class UnreadableScanError(ProtocolError):
    """What a scanner typed is no trade item; `fault` is a slug of `gs1_scan.ScanFault`."""

    def __init__(self, fault: str, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


class MalformedPacketError(ProtocolError):
    """Bytes that are no MQTT packet a client may get, or one that cannot be built."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
