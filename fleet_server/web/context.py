"""What a route needs to do its work, put on the application once by `app.build`."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.requests import HTTPConnection

from fleet_server.clock import Clock
from fleet_server.settings import Settings
from fleet_server.signing import SigningService
from fleet_server.transactions import Transactions


@dataclass(frozen=True)
class Context:
    """Parts shared by all routes of one application."""

    settings: Settings
    clock: Clock
    transactions: Transactions
    signing: SigningService


def context_of(connection: HTTPConnection) -> Context:
    """Context of the application that serves this connection."""
    context: Context = connection.app.state.context
    return context


def _context(request: Request) -> Context:
    return context_of(request)


WebContext = Annotated[Context, Depends(_context)]
