"""Bound of a request's body, kept while it arrives: a client need not tell its length truly."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fleet_server.web.problems import TOO_LARGE, problem

BODY_LIMIT_BYTES = 512 * 1024
"""The largest honest body is a desired state of 1,000 slots, about 250 KiB."""

_DETAIL = f"a body may have {BODY_LIMIT_BYTES} bytes"


class BodyLimit:
    """ASGI layer that answers 413 instead of reading on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > BODY_LIMIT_BYTES:
            await problem(413, TOO_LARGE, _DETAIL)(scope, receive, send)
            return
        await self._app(scope, _counted(receive), send)


def _counted(receive: Receive) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > BODY_LIMIT_BYTES:
            # FastAPI lets this one exception through while it reads a body; ours renders it.
            raise HTTPException(413, _DETAIL)
        return message

    return counted
