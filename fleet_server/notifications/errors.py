"""Errors of notices."""

from collections.abc import Iterable

from fleet_server.errors import FleetError


class NoticeError(FleetError):
    """A notice cannot be made or sent."""

    slug = "notice"


class NoticeTemplateError(NoticeError):
    """There is no template of that kind, or not these fields: a fault of ours."""

    def __init__(self, kind: str, given: Iterable[str], wanted: Iterable[str]) -> None:
        self.kind = kind
        self.given = sorted(given)
        self.wanted = sorted(wanted)
        super().__init__(f"notice {kind!r} takes {self.wanted}, not {self.given}")


class PrivateHostError(NoticeError):
    """A name that should be public leads into a house."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} has an address that is not public")
        self.host = host
