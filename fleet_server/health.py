"""Routes for those who operate the server: alive, ready, metrics.

Beside `app` in the order of packages: it looks at the whole server.
"""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from fleet_server.cabinets.models import CabinetPresence
from fleet_server.ingest.models import DeadLetter
from fleet_server.notifications.queries import count_in
from fleet_server.notifications.states import WAITING, NoticeState
from fleet_server.outbox.queries import count_of
from fleet_server.parts import Part

router = APIRouter(tags=["operations"])


@router.get("/health/live")
def live() -> dict[str, str]:
    """Say that the process serves requests."""
    return {"status": "live"}


@router.get("/health/ready")
def ready(request: Request) -> JSONResponse:
    """Database and broker: 200 when both are there, 503 with what is missing."""
    server = request.app.state.server
    try:
        with server.transactions.read() as tx:
            tx.session.execute(text("select 1"))
        database = True
    except SQLAlchemyError:
        database = False
    checks = {"database": database}
    if server.parts & {Part.INGEST, Part.WORKER}:
        checks["broker"] = server.link.ready.is_set()
    return JSONResponse(checks, status_code=200 if all(checks.values()) else 503)


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Figures for Prometheus, counted now."""
    server = request.app.state.server
    registry = CollectorRegistry()
    figures = {
        "fleet_inbound_waiting": ("messages waiting for ingest", len(server.link.inbox)),
        "fleet_inbound_peak": ("most messages that ever waited", server.link.inbox.peak),
        "fleet_inbound_dropped": ("messages dropped, to be sent again", server.link.inbox.dropped),
    }
    with server.transactions.read() as tx:
        waiting, aside = (count_of(tx.session, set_aside=aside) for aside in (False, True))
        figures["fleet_outbox_waiting"] = ("messages waiting for the broker", waiting)
        figures["fleet_outbox_set_aside"] = ("messages the broker never took", aside)
        failed, queued = count_in(tx.session, NoticeState.FAILED), count_in(tx.session, *WAITING)
        figures["fleet_notices_failed"] = ("deliveries of notices no channel took", failed)
        figures["fleet_notices_waiting"] = ("deliveries of notices that wait", queued)
        letters = tx.session.scalar(select(func.count(DeadLetter.id))) or 0
        figures["fleet_dead_letters"] = ("dead letters ever", letters)
        online = select(func.count()).where(CabinetPresence.online)
        figures["fleet_cabinets_online"] = ("cabinets online", tx.session.scalar(online) or 0)
    for name, (meaning, value) in figures.items():
        Gauge(name, meaning, registry=registry).set(value)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
