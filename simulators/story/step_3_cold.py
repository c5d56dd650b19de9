"""Step 3: a compressor dies -> food-safety hold, sales refused -> repaired -> released on site.

Proven: no vend between latch and release. The air warms while step 2 plays: after loading, a
grace of 30 minutes (here: seconds) runs before the limit counts.
"""

from typing import Any

from simulators.errors import NotProvenError
from simulators.hosts.cabinet_host import COLD_CELSIUS
from simulators.story.stage import Stage
from simulators.story.step_2_door import (
    asked,
    close_ticket,
    prove_history,
    ticket_of_fault,
    visit_of,
)
from simulators.waiting import wait_until

CABINET, SLOT = "harbour-2", "A1"
WARM_CELSIUS = 14.0
HOLD = "TEMP_SAFETY_HOLD"
HOLD_SECONDS_MAX = 75.0
VISIT_STATES = ["offered", "accepted", "travelling", "on_site", "done"]


def break_compressor(stage: Stage) -> None:
    """Let the air warm; played before step 2."""
    stage.cabinets[CABINET].probe.temperature_celsius = WARM_CELSIUS


def play(stage: Stage) -> dict[str, object]:
    """Play the step; what was measured."""
    cabinet = stage.cabinets[CABINET]
    wait_until(
        "the hold is latched",
        lambda: any(fault["code"] == HOLD for fault in cabinet.state()["faults"]),
        HOLD_SECONDS_MAX,
    )
    refused = [shopper.buy(cabinet, SLOT) for shopper in stage.shoppers]
    if [one.reason for one in refused] != ["temperature"] * len(refused):
        raise NotProvenError("the gate refuses for the temperature", str(refused))
    ticket = ticket_of_fault(stage, CABINET, HOLD)
    visit_id = visit_of(stage, ticket["id"])
    technician = asked(stage, visit_id)
    technician.accept_when_asked(visit_id)
    technician.drive(visit_id)
    technician.check_in(visit_id)
    cabinet.probe.temperature_celsius = COLD_CELSIUS
    service = technician.at_service_side(visit_id, cabinet)
    service.post("/service/release-hold", {"code": HOLD})
    service.post("/service/logout")
    service.close()
    measures = "更换启动继电器 / replaced the start relay"
    technician.write_record(ticket["id"], "component_failure", measures)
    technician.finish(visit_id)
    close_ticket(stage, ticket["id"])
    history = prove_history(stage, ticket["id"], visit_id, VISIT_STATES)
    return {**history, **_prove_no_vend_under_hold(stage)}


def _prove_no_vend_under_hold(stage: Stage) -> dict[str, object]:
    """Walk the journal the server holds: between latch and release nothing was sold."""
    held, refused, holds = False, 0, 0
    for event in timeline(stage, CABINET):
        if event["type"] == "hold.latched":
            held, holds = True, holds + 1
        elif event["type"] == "hold.released":
            held = False
        elif event["type"] == "sale.completed" and held:
            raise NotProvenError("no vend under the hold", str(event["body"]))
        elif event["type"] == "sale.refused" and held:
            refused += 1
    if held or holds == 0 or refused == 0:
        raise NotProvenError("a hold was latched, refused sales and was released", f"{holds=}")
    return {"vends under hold": 0, "sales refused": refused}


def timeline(stage: Stage, cabinet_id: str) -> list[dict[str, Any]]:
    """All events of a cabinet at the server, in the order of the journal."""
    events: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        more: dict[str, str] = {"after": after} if after else {}
        page = stage.operator.get(f"/cabinets/{cabinet_id}/timeline", limit=500, **more)
        events += page["items"]
        after = page["next"]
        if after is None:
            return sorted(events, key=lambda event: event["seq"])
