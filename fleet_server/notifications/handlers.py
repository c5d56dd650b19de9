"""Reactions of notices to facts of earlier features."""

from fleet_server.auth.rules import Role
from fleet_server.notifications.rules import About, to_role
from fleet_server.notifications.service import notify
from fleet_server.notifications.templates import said
from fleet_server.outbox.events import MessageSetAside
from fleet_server.transactions import Transaction


def on_message_set_aside(tx: Transaction, fact: MessageSetAside) -> None:
    """Tell the operators: the broker refuses something, and they run the broker."""
    message = said("outbox.set_aside", topic=fact.topic)
    notify(tx, to_role(Role.OPERATOR), message, About("outbox", str(fact.seq)))
