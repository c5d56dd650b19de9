"""Routes that play a request again when its transaction lost a deadlock.

Two transactions that wait for each other are a fact of a database with many writers: PostgreSQL
ends one of them, and nothing of it happened. Each request is one transaction whose messages to the
outside are rows of it, so playing it again is safe, and nobody is shown an error for it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.exc import OperationalError

from fleet_server.logs import get_logger

log = get_logger("web")

PLAYS_MAX = 4
"""A request that loses four times in a row meets more than bad luck: 503, and the caller's turn."""
WAIT_SECONDS = 0.02
"""First wait before it is played again, doubled each time: the other transaction ends meanwhile."""
LOST_TO_ANOTHER = frozenset({"40001", "40P01"})
"""serialization_failure and deadlock_detected (PostgreSQL, Appendix A)."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class ReplayedRoute(APIRoute):
    """A route of the API."""

    def get_route_handler(self) -> Handler:
        """Wrap the handler FastAPI makes; the request's body is read once and kept by it."""
        once = super().get_route_handler()

        async def handler(request: Request) -> Response:
            for play in range(1, PLAYS_MAX):
                try:
                    return await once(request)
                except OperationalError as error:
                    if getattr(error.orig, "sqlstate", None) not in LOST_TO_ANOTHER:
                        raise
                    log.warning("request.replayed", path=request.url.path, play=play)
                await asyncio.sleep(WAIT_SECONDS * 2**play)
            return await once(request)

        return handler


class Router(APIRouter):
    """Router of a feature."""

    def __init__(self, prefix: str = "", *, tags: list[str] | None = None) -> None:
        """`prefix` below `/api/v1`; `tags` group the routes in the OpenAPI document."""
        super().__init__(prefix=prefix, tags=[*(tags or [])], route_class=ReplayedRoute)
