"""Reactions of the rule set to its own facts."""

from fleet_server.auth.rules import Role
from fleet_server.notifications.rules import About, Urgency, Words, to_role
from fleet_server.notifications.service import notify
from fleet_server.rules.events import RulesOvertaken
from fleet_server.transactions import Transaction

RECALL_STAFF = (Role.RECALL_AUTHOR, Role.RECALL_APPROVER, Role.SUPERVISOR)


def on_rules_overtaken(tx: Transaction, fact: RulesOvertaken) -> None:
    """Tell who answers for recalls, at once: what the database forgot is on sale again."""
    words = Words(
        "数据库疑似由旧备份恢复：请立即核对召回与停售",
        "The database looks restored: check recalls and holds now",
        f"柜机持有本库未签发的规则，已另行签发版本 {fact.version}。"
        "备份之后发起的召回与停售已失效，请重新发起。",
        f"Cabinets held rules this database never issued; version {fact.version} replaces them. "
        "Recalls and holds begun after the backup are lifted: begin them again.",
    )
    for role in RECALL_STAFF:
        notify(tx, to_role(role), words, About("rules", str(fact.version)), Urgency.URGENT)
