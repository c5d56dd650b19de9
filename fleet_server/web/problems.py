"""One handler renders every error as problem+json (RFC 9457)."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, StatementError
from starlette.exceptions import HTTPException

from fleet_server.errors import ConflictError, FleetError, RequestError, TooManyRequestsError
from fleet_server.logs import get_logger
from protocol.errors import ProtocolError

log = get_logger("web")

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:cabinet-fleet:problem:"
TOO_LARGE = "too-large"
OUR_FAULT = "the server is at fault; what happened is in its log"


def problem(status: int, slug: str, detail: str, **facts: object) -> JSONResponse:
    """Build the response: `type`, `title`, `status`, `detail` and the facts of the error."""
    body: dict[str, Any] = {
        "type": f"{TYPE_PREFIX}{slug}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **facts,
    }
    return JSONResponse(jsonable_encoder(body), status_code=status, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make `app` answer every error this way."""
    app.add_exception_handler(FleetError, _fleet_error)
    app.add_exception_handler(ProtocolError, _protocol_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(OperationalError, _database_busy)
    app.add_exception_handler(IntegrityError, _integrity_error)
    app.add_exception_handler(StatementError, _statement_error)
    app.add_exception_handler(Exception, _our_error)


def _fleet_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, FleetError)  # noqa: S101  # registered for this class only
    if not isinstance(error, RequestError):
        log.error("request.failed", path=request.url.path, error=str(error))
        return problem(error.status, error.slug, OUR_FAULT)
    response = problem(error.status, error.slug, str(error), **error.facts)
    if isinstance(error, TooManyRequestsError):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def _protocol_error(_request: Request, error: Exception) -> JSONResponse:
    return problem(422, "invalid", str(error))


def _validation_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # same
    errors = [
        {"field": ".".join(str(part) for part in found["loc"]), "reason": found["msg"]}
        for found in error.errors()
    ]
    detail = "; ".join(f"{found['field']}: {found['reason']}" for found in errors)
    return problem(422, "invalid", detail, errors=errors)


def _database_busy(request: Request, error: Exception) -> JSONResponse:
    """A lost connection or a deadlock: nothing was changed, so the same request may come again."""
    log.error("database.busy", path=request.url.path, error=str(error))
    response = problem(503, "busy", "the database did not answer; try again")
    response.headers["Retry-After"] = "1"
    return response


def _http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  # same
    phrase = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    slug = TOO_LARGE if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else phrase
    return problem(error.status_code, slug, str(error.detail))


def _integrity_error(request: Request, error: Exception) -> JSONResponse:
    """Two made the same thing at the same moment; the other one was first."""
    log.warning("request.conflict", path=request.url.path, error=str(error))
    return problem(409, ConflictError.slug, "somebody made the same thing at this moment")


def _statement_error(request: Request, error: Exception) -> JSONResponse:
    """A value no column holds (a NUL, a number of 70 bits, a year 0) came with the request."""
    assert isinstance(error, StatementError)  # noqa: S101  # same
    if isinstance(error, DataError) or isinstance(error.orig, ValueError | OverflowError):
        log.warning("request.unstorable", path=request.url.path, error=str(error))
        return problem(422, "invalid", "a value of the request cannot be stored")
    return _our_error(request, error)


def _our_error(request: Request, error: Exception) -> JSONResponse:
    """A fault of ours: the caller learns nothing of its inside, the log all of it."""
    log.error("request.failed", path=request.url.path, exc_info=error)
    return problem(500, FleetError.slug, OUR_FAULT)
