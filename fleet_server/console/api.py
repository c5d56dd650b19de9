"""The plain overview page: server-rendered, no script, one look at the fleet."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

from fleet_server.auth.api import actor_of, open_session
from fleet_server.auth.rules import Permission
from fleet_server.console.queries import active_faults, cabinet_lines, open_tickets
from fleet_server.errors import RequestError
from fleet_server.web.context import WebContext
from protocol.faults import CATALOGUE

router = APIRouter(include_in_schema=False)

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=select_autoescape()
)


@router.get("/")
def overview(request: Request, context: WebContext) -> HTMLResponse:
    """One look at the fleet, or the form to sign in."""
    try:
        scope = actor_of(request).must_somewhere(Permission.VIEW)
    except RequestError:
        return _page("sign_in.html", problem="")
    with context.transactions.read() as tx:
        return _page(
            "overview.html",
            now=tx.now,
            cabinets=cabinet_lines(tx.session, scope),
            tickets=open_tickets(tx.session, scope),
            faults=active_faults(tx.session, scope),
            catalogue=CATALOGUE,
        )


@router.post("/sign-in", response_model=None)
def sign_in(
    username: Annotated[str, Form()], password: Annotated[str, Form()], context: WebContext
) -> HTMLResponse | RedirectResponse:
    """Sign in by form; wrong input shows the form again with the reason."""
    onward = RedirectResponse("/", status_code=303)
    try:
        open_session(context, onward, username, password)
    except RequestError as error:
        return _page("sign_in.html", problem=str(error), status=error.status)
    return onward


def _page(template: str, status: int = 200, **values: object) -> HTMLResponse:
    return HTMLResponse(_templates.get_template(template).render(**values), status_code=status)
