"""Reactions of notices to facts of earlier features."""

from fleet_server.auth.rules import Role
from fleet_server.notifications.rules import About, Words, to_role
from fleet_server.notifications.service import notify
from fleet_server.outbox.events import MessageSetAside
from fleet_server.transactions import Transaction


def on_message_set_aside(tx: Transaction, fact: MessageSetAside) -> None:
    """Tell the operators: the broker refuses something, and they run the broker."""
    words = Words(
        "消息代理拒收一条消息",
        "The broker does not take a message",
        fact.topic,
        fact.topic,
    )
    notify(tx, to_role(Role.OPERATOR), words, About("outbox", str(fact.seq)))
