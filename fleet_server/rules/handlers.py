"""Reactions of the rule set to its own facts."""

from datetime import timedelta

from fleet_server.auth.rules import Role
from fleet_server.notifications.queries import was_told_since
from fleet_server.notifications.rules import About, Urgency, to_role
from fleet_server.notifications.service import notify
from fleet_server.notifications.templates import said
from fleet_server.rules.events import RulesOvertaken
from fleet_server.transactions import Transaction

RECALL_STAFF = (Role.RECALL_AUTHOR, Role.RECALL_APPROVER, Role.SUPERVISOR)
NAMED_MAX = 5
"""Cabinets a notice names; it counts them all."""
ABOUT = "rules"
PACE = timedelta(hours=1)
"""One cabinet that names what it does not hold must not make an alarm of every minute."""


def on_rules_overtaken(tx: Transaction, fact: RulesOvertaken) -> None:
    """Tell who answers for recalls: what the database forgot, if it did, is on sale again."""
    if was_told_since(tx.session, ABOUT, tx.now - PACE):
        return
    names = ", ".join(fact.cabinet_ids[:NAMED_MAX])
    message = said(
        "rules.overtaken", names=names, count=len(fact.cabinet_ids), version=fact.version
    )
    for role in RECALL_STAFF:
        notify(tx, to_role(role), message, About(ABOUT, str(fact.version)), Urgency.URGENT)
