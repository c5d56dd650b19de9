"""A reading transaction looks once: what is committed meanwhile does not mix in."""

from sqlalchemy import func, select

from fleet_server.app import FleetServer
from fleet_server.cabinets.models import Site
from tests.registry import add_a_site


def test_all_selects_of_one_look_see_the_same_instant(server: FleetServer) -> None:
    count = select(func.count()).select_from(Site)
    add_a_site(server, "First")
    with server.transactions.read() as tx:
        assert tx.session.scalar(count) == 1
        add_a_site(server, "Second")
        assert tx.session.scalar(count) == 1
    with server.transactions.read() as tx:
        assert tx.session.scalar(count) == 2


def test_a_writing_transaction_looks_anew_with_each_statement(server: FleetServer) -> None:
    """PostgreSQL: a row is locked, then read; SQLite has one writer, so nothing changes."""
    wanted = {"postgresql": "READ COMMITTED", "sqlite": "SERIALIZABLE"}
    with server.transactions.read():
        pass  # what a look asked for must not stay with its connection
    with server.transactions.write("system:test") as tx:
        level = tx.session.connection().get_isolation_level()
    assert level == wanted[server.engine.dialect.name]
