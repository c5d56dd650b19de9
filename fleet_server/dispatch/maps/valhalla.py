"""Valhalla's matrix service: `POST /sources_to_targets` (Valhalla API, Time-distance matrix).

Each row of the answer is one source, each entry holds `time` in seconds and `distance` in km, null
where there is no way. A server takes 50 sources and 50 targets in its default settings.
"""

from collections.abc import Sequence

import httpx2
import msgspec

from fleet_server.clock import Clock
from fleet_server.dispatch.maps.errors import MapAnswerError
from fleet_server.dispatch.maps.http import fetched
from fleet_server.dispatch.planner.travel import Place

COSTING = "auto"
SIDE_MAX = 50


class _Entry(msgspec.Struct):
    time: float | None = None


class _Matrix(msgspec.Struct):
    sources_to_targets: list[list[_Entry]]


class Valhalla:
    """A Valhalla server at `url`, such as `http://map.example:8002`."""

    side_max = SIDE_MAX

    def __init__(self, url: str, clock: Clock) -> None:
        self.url = url.rstrip("/")
        self._clock = clock
        self._client = httpx2.Client(trust_env=False)  # a map is asked directly, not by a proxy

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def table(
        self, sources: Sequence[Place], targets: Sequence[Place], seconds: float
    ) -> list[list[float | None]]:
        """Driving seconds from each source to each target, None where there is no way.

        Raises MapUnreachableError, MapAnswerError.
        """
        asked = {
            "sources": [_location(place) for place in sources],
            "targets": [_location(place) for place in targets],
            "costing": COSTING,
        }
        request = self._client.build_request("POST", f"{self.url}/sources_to_targets", json=asked)
        body = fetched(self._clock, self._client, request, seconds)
        try:
            answer = msgspec.json.decode(body, type=_Matrix)
        except msgspec.DecodeError as error:
            raise MapAnswerError(self.url, f"no matrix: {error}") from error
        return [[entry.time for entry in row] for row in answer.sources_to_targets]


def _location(place: Place) -> dict[str, float]:
    return {"lat": round(place.latitude, 6), "lon": round(place.longitude, 6)}
