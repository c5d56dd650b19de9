"""The small web server of `ingest` and `worker` processes: /health and /metrics, nothing else."""

import threading
from typing import Any

import uvicorn
from fastapi import FastAPI

from fleet_server.health import router
from fleet_server.settings import Settings


def serve(server: Any, settings: Settings, stop: threading.Event) -> None:
    """Serve until `stop` is set; without an `operations_port` only wait.

    `server` is the process's FleetServer (which this module must not import: it stands beside it).
    """
    if settings.operations_port == 0:
        stop.wait()
        return
    web = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    web.state.server = server
    web.include_router(router)
    config = uvicorn.Config(
        web, host=settings.http_host, port=settings.operations_port, log_level="warning"
    )
    small = uvicorn.Server(config)
    thread = threading.Thread(target=small.run, name="operations")
    thread.start()
    stop.wait()
    small.should_exit = True
    thread.join()
