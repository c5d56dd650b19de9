"""Reactions of the rule set to its own facts."""

from datetime import timedelta

from fleet_server.auth.rules import Role
from fleet_server.notifications.queries import was_told_since
from fleet_server.notifications.rules import About, Urgency, Words, to_role
from fleet_server.notifications.service import notify
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
    words = Words(
        "有柜机持有本库未签发的规则：请核对召回与停售",
        "Cabinets hold rules this database never issued: check recalls and holds",
        f"{names} 等 {len(fact.cabinet_ids)} 台柜机如此上报，已另行签发版本 {fact.version}。"
        "若数据库由旧备份恢复，备份之后发起的召回与停售已失效，请重新发起；否则请检查这些柜机。",
        f"{len(fact.cabinet_ids)} said so ({names}); version {fact.version} replaces those rules. "
        "If the database was restored, recalls and holds begun after the backup are lifted: begin "
        "them again. If not, look at these cabinets.",
    )
    for role in RECALL_STAFF:
        notify(tx, to_role(role), words, About(ABOUT, str(fact.version)), Urgency.URGENT)
