"""Bound of a request's body, kept while it arrives: a client need not tell its length truly."""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fleet_server.web.problems import TOO_LARGE, problem

BODY_LIMIT_BYTES = 512 * 1024
"""The largest honest body is a desired state of 1,000 slots, about 250 KiB."""

_NOTHING_LARGER: Mapping[str, int] = MappingProxyType({})


class BodyLimit:
    """ASGI layer that answers 413 instead of reading on."""

    def __init__(self, app: ASGIApp, larger: Mapping[str, int] = _NOTHING_LARGER) -> None:
        """`larger`: paths that take more, with how many bytes."""
        self._app = app
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._larger.get(scope["path"], BODY_LIMIT_BYTES)
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            await problem(413, TOO_LARGE, _detail(limit))(scope, receive, send)
            return
        await self._app(scope, _counted(receive, limit), send)


def _detail(limit: int) -> str:
    return f"a body may have {limit} bytes"


def _counted(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            # FastAPI lets this one exception through while it reads a body; ours renders it.
            raise HTTPException(413, _detail(limit))
        return message

    return counted
