"""Errors of maps: caught by `tables`, which then estimates."""

from fleet_server.errors import FleetError


class MapError(FleetError):
    """A map gave no table."""

    slug = "map"

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url}: {reason}")
        self.url = url
        self.reason = reason


class MapUnreachableError(MapError):
    """The map did not answer in time, or not at all."""


class MapAnswerError(MapError):
    """The map answered something that is no table of the places it was asked for."""
