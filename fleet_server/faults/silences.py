"""Silences of many cabinets at once, as episodes; and which of them are one bad connection.

Split from `service.py` because a region that goes dark is thousands of episodes in a second: few
statements for all of them. Each silence is an episode of its own, with its true beginning and
end; `count` says how many the cabinet had within the window, so more than three are flapping.
"""

from collections.abc import Mapping

from fleet_server.faults.queries import active_of_many, episodes_since
from fleet_server.faults.rules import OFFLINE, flapping_window, is_flapping
from fleet_server.faults.service import count_once_more, open_server_fault
from fleet_server.ingest.events import CabinetFellSilent
from fleet_server.service_levels.queries import policy_in_force
from fleet_server.transactions import Transaction


def begin_silences(tx: Transaction, facts: Mapping[str, CabinetFellSilent]) -> None:
    """Begin an episode for each cabinet (by its id), or count the one that stands once more."""
    window = flapping_window(policy_in_force(tx.session).site_silent_seconds)
    standing = active_of_many(tx.session, facts, OFFLINE)
    earlier = episodes_since(tx.session, facts, OFFLINE, tx.now - window)
    for cabinet_id, fact in facts.items():
        evidence = f"nothing heard since {fact.since.isoformat(timespec='seconds')}"
        fault = standing.get(cabinet_id)
        if fault is not None:
            count_once_more(tx, fault, evidence)
            continue
        silences = earlier.get(cabinet_id, 0) + 1
        if is_flapping(silences):
            evidence += f"; flapping: silence {silences} within {window.total_seconds():.0f} s"
        open_server_fault(tx, cabinet_id, fact.site_id, OFFLINE, evidence, fact.since, silences)
