"""Charts: few points, no extreme lost, whole hours once however often samples are sent."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from fleet_server.clock import ManualClock
from fleet_server.ingest.telemetry import Bucket
from protocol.journal import ClockQuality, Sample, TelemetryBatch
from protocol.topics import UpKind
from tests.registry import speaking_cabinet
from tests.speaking_cabinet import SpeakingCabinet
from tests.web_client import WebClient

HOUR = timedelta(hours=1)


def send(cabinet: SpeakingCabinet, first: int, values: list[float], begins: datetime) -> None:
    """One batch with a sample a minute, sent twice as a cabinet without a receipt does."""
    samples = [
        Sample(
            first + n, begins + timedelta(minutes=n), 0, "boot-1", "air", "temperature_celsius", one
        )
        for n, one in enumerate(values)
    ]
    last = first + len(values) - 1
    batch = TelemetryBatch(1, "t", first, first, last, begins, ClockQuality.SYNCED, samples)
    for _ in range(2):
        cabinet.server.ingest.accept([cabinet.inbound(UpKind.TELEMETRY, batch)])


def series(
    api: WebClient, since: datetime, until: datetime, points: int
) -> list[dict[str, object]]:
    path = "/cabinets/C1/telemetry/series"
    asked = {"since": since.isoformat(), "until": until.isoformat(), "points": points}
    found: list[dict[str, object]] = api.as_(Role.VIEWER).get(path, **asked)
    assert [(one["part"], one["metric"]) for one in found] == [("air", "temperature_celsius")]
    shown: list[dict[str, object]] = found[0]["points"]  # type: ignore[assignment]  # JSON
    return shown


def figures(points: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return [(one["count"], one["low"], one["high"], one["mean"]) for one in points]


def test_a_day_is_drawn_from_samples_and_a_month_from_hours_with_the_same_extremes(
    server: FleetServer, api: WebClient, clock: ManualClock
) -> None:
    cabinet = speaking_cabinet(server)
    begins = clock.now()
    send(cabinet, 1, [4.0, 8.0, 6.0], begins)
    send(cabinet, 4, [5.0], begins + HOUR)
    day = series(api, begins, begins + 24 * HOUR, 24)
    month = series(api, begins - 15 * 24 * HOUR, begins + 15 * 24 * HOUR, 720)
    assert figures(day) == figures(month) == [(3, 4.0, 8.0, 6.0), (1, 5.0, 5.0, 5.0)]


def test_fewer_points_hold_more_samples_each_and_no_extreme_is_lost(
    server: FleetServer, api: WebClient, clock: ManualClock
) -> None:
    cabinet = speaking_cabinet(server)
    begins = clock.now()
    values = [float(n % 7) for n in range(60)]
    values[31] = 21.5  # the one warm minute
    send(cabinet, 1, values, begins)
    one, two = (series(api, begins, begins + HOUR, points) for points in (1, 2))
    assert figures(one) == [(60, 0.0, 21.5, sum(values) / 60)]
    assert [(point["count"], point["high"]) for point in two] == [(30, 6.0), (30, 21.5)]


def test_a_span_that_is_none_or_too_long_is_refused(
    server: FleetServer, api: WebClient, clock: ManualClock
) -> None:
    speaking_cabinet(server)
    path = "/cabinets/C1/telemetry/series"
    for since in (clock.now() + HOUR, clock.now() - timedelta(days=5000)):
        answer = api.as_(Role.VIEWER).try_get(path, since=since.isoformat())
        assert (answer.status_code, "since" in answer.json()["detail"]) == (422, True)


@given(st.lists(st.floats(-40, 90), min_size=1))
def test_buckets_added_up_say_what_one_over_all_says(values: list[float]) -> None:
    at = datetime(2026, 1, 1)  # noqa: DTZ001  # no matter here
    whole = Bucket(at, 1, values[0], values[0], values[0])
    for value in values[1:]:
        whole.add(Bucket(at, 1, value, value, value))
    assert (whole.count, whole.low, whole.high) == (len(values), min(values), max(values))
    assert abs(whole.mean - sum(values) / len(values)) < 1e-9
