"""One HTTP exchange with a map: bounded in time and size.

`httpx2` is the one HTTP client of the project; its time limits are for each single step, so half
the budget goes to connecting, half to each read, and a trickle of bytes is cut off by the clock.
"""

import httpx2

from fleet_server.clock import Clock
from fleet_server.dispatch.maps.errors import MapAnswerError, MapUnreachableError

ANSWER_BYTES_MAX = 4 * 1024 * 1024
"""A table of 50 x 50 pairs takes at most some 250 KiB in Valhalla's words."""


def fetched(clock: Clock, client: httpx2.Client, request: httpx2.Request, seconds: float) -> bytes:
    """Return the body of a 200 answer. Raises MapUnreachableError, MapAnswerError."""
    until = clock.elapsed() + seconds
    url = str(request.url.copy_with(query=None))
    request.extensions["timeout"] = httpx2.Timeout(seconds / 2).as_dict()
    try:
        answer = client.send(request, stream=True)
        try:
            body = _body(clock, answer, until, url)
        finally:
            answer.close()
    except httpx2.HTTPError as error:
        raise MapUnreachableError(url, f"{type(error).__name__}: {error}") from error
    if answer.status_code != httpx2.codes.OK:
        raise MapAnswerError(url, f"status {answer.status_code}")
    return body


def _body(clock: Clock, answer: httpx2.Response, until: float, url: str) -> bytes:
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise MapAnswerError(url, f"more than {ANSWER_BYTES_MAX} bytes")
        if clock.elapsed() > until:
            raise MapUnreachableError(url, "answers too slowly")
    return bytes(body)
