"""One WebSocket per tab: what changed, by topic, coalesced (design: HTTP API, `/live`).

The client sends `{"topics": ["fleet", "ticket/<id>", ...]}` and gets
`{"changes": [{"topic", "kind", "id"}, ...]}` at most twice a second; it then fetches what it
shows, with its own rights. Each look reads some seconds back and leaves out what was told: rows
of slow transactions become visible late. Who listens is asked anew every 30 s: the socket closes
(1008) once the session ended, the account was closed or the token revoked.
"""

import asyncio
from datetime import datetime, timedelta

import msgspec
from fastapi import WebSocket, WebSocketDisconnect

from fleet_server.auth.api import actor_of
from fleet_server.auth.rules import Actor, Permission
from fleet_server.errors import FleetError
from fleet_server.live.queries import changes_since
from fleet_server.web.context import Context, context_of
from fleet_server.web.routes import Router

router = Router()

LOOK_SECONDS = 0.5
LOOK_BACK = timedelta(seconds=10)
RECHECK_SECONDS = 30.0
"""How long a tab may listen on rights that have ended."""
TOPICS_MAX = 50
"""Topics of one tab."""
POLICY_VIOLATION = 1008
"""Close code (RFC 6455, 7.4.1)."""


class Watch(msgspec.Struct, forbid_unknown_fields=True):
    """What a tab wants to hear of."""

    topics: list[str]


@router.websocket("/live")
async def live(socket: WebSocket) -> None:
    """Serve one tab until it leaves."""
    context = context_of(socket)
    try:
        actor = await asyncio.to_thread(actor_of, socket)
        actor.must_somewhere(Permission.VIEW)
    except FleetError as error:
        await socket.close(POLICY_VIOLATION, str(error))
        return
    await socket.accept()
    try:
        await _serve(socket, context, actor)
    except WebSocketDisconnect:
        return
    except (msgspec.DecodeError, FleetError) as error:
        await socket.close(POLICY_VIOLATION, str(error)[:100])


async def _serve(socket: WebSocket, context: Context, actor: Actor) -> None:
    watch = msgspec.json.decode(await socket.receive_text(), type=Watch)
    told: set[int] = set()
    began, checked = context.clock.now(), context.clock.elapsed()
    incoming = asyncio.create_task(socket.receive_text())
    try:
        while True:
            done, _ = await asyncio.wait({incoming}, timeout=LOOK_SECONDS)
            if done:
                watch = msgspec.json.decode(incoming.result(), type=Watch)
                incoming = asyncio.create_task(socket.receive_text())
            if context.clock.elapsed() - checked >= RECHECK_SECONDS:
                actor = await asyncio.to_thread(actor_of, socket)
                checked = context.clock.elapsed()
            topics = watch.topics[:TOPICS_MAX]
            since = max(began, context.clock.now() - LOOK_BACK)
            changes = await asyncio.to_thread(_look, context, actor, topics, since, told)
            if changes:
                await socket.send_json({"changes": changes})
    finally:
        incoming.cancel()


def _look(
    context: Context, actor: Actor, topics: list[str], since: datetime, told: set[int]
) -> list[dict[str, str]]:
    """Return what is new, each thing once; `told` keeps only what a later look sees again."""
    scope = actor.must_somewhere(Permission.VIEW)
    with context.transactions.read() as tx:
        rows = changes_since(tx.session, topics, since, scope)
    fresh = [row for row in rows if row.seq not in told]
    told.clear()
    told.update(row.seq for row in rows)
    shown = dict.fromkeys((row.topic, row.kind, row.object_id) for row in fresh)
    return [{"topic": topic, "kind": kind, "id": key} for topic, kind, key in shown]
