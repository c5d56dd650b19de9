"""OSRM's table service: `GET /table/v1/{profile}/{lon,lat;...}` (OSRM HTTP API v1, Table service).

`sources` and `destinations` are indices into the coordinates; `durations` come back in seconds,
null where there is no way. A server takes 100 coordinates in its default settings.
"""

from collections.abc import Sequence

import httpx2
import msgspec

from fleet_server.clock import Clock
from fleet_server.dispatch.maps.errors import MapAnswerError
from fleet_server.dispatch.maps.http import fetched
from fleet_server.dispatch.planner.travel import Place

PROFILE = "driving"
SIDE_MAX = 50
"""Sources, and destinations, of one request: 100 coordinates together."""


class _Table(msgspec.Struct):
    code: str
    durations: list[list[float | None]] = []
    message: str = ""


class Osrm:
    """An OSRM server at `url`, such as `http://map.example:5000`."""

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
        request = self._request(sources, targets)
        body = fetched(self._clock, self._client, request, seconds)
        try:
            answer = msgspec.json.decode(body, type=_Table)
        except msgspec.DecodeError as error:
            raise MapAnswerError(self.url, f"no table: {error}") from error
        if answer.code != "Ok":
            raise MapAnswerError(self.url, f"{answer.code} {answer.message}")
        return answer.durations

    def _request(self, sources: Sequence[Place], targets: Sequence[Place]) -> httpx2.Request:
        places = [*sources, *targets]
        coordinates = ";".join(f"{place.longitude:.6f},{place.latitude:.6f}" for place in places)
        numbers = [str(number) for number in range(len(places))]
        return self._client.build_request(
            "GET",
            f"{self.url}/table/v1/{PROFILE}/{coordinates}",
            params={
                "sources": ";".join(numbers[: len(sources)]),
                "destinations": ";".join(numbers[len(sources) :]),
                "annotations": "duration",
            },
        )
