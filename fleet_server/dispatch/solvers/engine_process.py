"""The child's side of a worker: read a question, think, answer, again, until the parent is gone.

Run as `python -m fleet_server.dispatch.solvers.engine_process FD ENGINE`; FD is one end of a socket
pair. What an engine prints goes to standard error: standard output is nobody's here.
"""

import sys
from multiprocessing.connection import Connection

from fleet_server.dispatch.solvers.engines import Engine, Solve, solve_of

READY = "ready"
ROUTES = "routes"
FAILED = "failed"


def serve(connection: Connection, solve: Solve) -> None:
    """Answer questions until the other end is closed."""
    connection.send((READY, None))
    while True:
        try:
            question, budget, seed = connection.recv()
        except EOFError:
            return
        try:
            routes = solve(question, budget, seed)
        except Exception as error:  # noqa: BLE001  # whatever an engine raises is its answer
            connection.send((FAILED, f"{type(error).__name__}: {error}"))
        else:
            connection.send((ROUTES, tuple(tuple(route) for route in routes)))


def main() -> None:
    """Serve the engine named on the command line."""
    serve(Connection(int(sys.argv[1])), solve_of(Engine(sys.argv[2])))


if __name__ == "__main__":
    main()
