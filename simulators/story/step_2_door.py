"""Step 2: a door stays open -> fault -> ticket -> visit declined by one, accepted by the other.

Proven: the full history of states, every clock met.
"""

from typing import Any

from simulators.errors import NotProvenError
from simulators.people.technician import OFFER_SECONDS_MAX, Technician
from simulators.story.stage import Stage
from simulators.waiting import wait_until

CABINET, SLOT = "harbour-1", "A3"
FAULT_SECONDS_MAX = 20.0
STEP_SECONDS_MAX = 20.0
CLOCKS = {"acknowledge", "arrival", "resolution"}
TICKET_STATES = ["triaged", "scheduled", "in_progress", "resolved", "verified", "closed"]
VISIT_STATES = ["offered", "planned", "offered", "accepted", "travelling", "on_site", "done"]


def play(stage: Stage) -> dict[str, object]:
    """Play the step; what was measured."""
    cabinet = stage.cabinets[CABINET]
    stage.shoppers[0].buy(cabinet, SLOT, closes=False)
    ticket = ticket_of_fault(stage, CABINET, "DOOR_OPEN_LONG")
    visit_id = visit_of(stage, ticket["id"])
    technician = _declined_then_accepted(stage, visit_id)
    technician.drive(visit_id)
    technician.check_in(visit_id)
    cabinet.locks.close_door(cabinet.lock_of(SLOT))
    technician.write_record(
        ticket["id"], "left_open", "关好柜门，检查闭门器 / shut the door, checked"
    )
    technician.finish(visit_id)
    close_ticket(stage, ticket["id"])
    return prove_history(stage, ticket["id"], visit_id, VISIT_STATES)


def ticket_of_fault(stage: Stage, cabinet_id: str, code: str) -> dict[str, Any]:
    """Wait for the fault of a cabinet and for its ticket."""
    fault = wait_until(
        f"{cabinet_id} reports {code}",
        lambda: _first(stage, "/faults", cabinet_id=cabinet_id, code=code),
        FAULT_SECONDS_MAX,
    )
    fault_id = str(fault["id"])
    return wait_until(
        f"{code} opens a ticket",
        lambda: _ticket_with(stage, cabinet_id, fault_id),
        FAULT_SECONDS_MAX,
    )


def visit_of(stage: Stage, ticket_id: str) -> str:
    """Wait until a technician is asked for the ticket; id of the visit."""
    return wait_until(
        "a visit is offered", lambda: _offered_visit(stage, ticket_id), OFFER_SECONDS_MAX
    )


def close_ticket(stage: Stage, ticket_id: str) -> None:
    """Wait until the cabinet itself proved the repair, then follow up and close."""
    path = f"/tickets/{ticket_id}"
    wait_until(
        "the cabinet proves the repair",
        lambda: stage.operator.get(path)["state"] == "verified",
        STEP_SECONDS_MAX,
    )
    order = {"to": "closed", "follow_up": "回访：现场正常 / called the site, all well"}
    stage.operator.post(f"{path}/transitions", order)


def prove_history(
    stage: Stage, ticket_id: str, visit_id: str, visit_states: list[str]
) -> dict[str, object]:
    """Every state in its order, every clock stopped in time."""
    ticket = stage.operator.get(f"/tickets/{ticket_id}")
    states = _after(ticket["history"])
    if states != TICKET_STATES:
        raise NotProvenError("history of the ticket", f"{states} is not {TICKET_STATES}")
    visit = stage.operator.get(f"/visits/{visit_id}")
    steps = _after(visit["history"])
    if steps != visit_states:
        raise NotProvenError("history of the visit", f"{steps} is not {visit_states}")
    late = [clock["name"] for clock in ticket["clocks"] if clock["breached_at"] is not None]
    running = [clock["name"] for clock in ticket["clocks"] if clock["stopped_at"] is None]
    missing = CLOCKS - {clock["name"] for clock in ticket["clocks"]}
    if late or running or missing:
        found = f"late: {late}, still running: {running}, never started: {missing}"
        raise NotProvenError("every clock met", found)
    return {"clocks met": len(ticket["clocks"]), "hand-overs": len(ticket["hand_overs"])}


def asked(stage: Stage, visit_id: str) -> Technician:
    """Wait until one of the technicians has the offer on the phone."""
    return wait_until(
        "somebody is asked",
        lambda: next((one for one in stage.technicians if one.has_offer(visit_id)), None),
        OFFER_SECONDS_MAX,
    )


def _declined_then_accepted(stage: Stage, visit_id: str) -> Technician:
    first = asked(stage, visit_id)
    offer = first.has_offer(visit_id)
    if offer is None:
        raise NotProvenError("the offer", "was gone before it was answered")
    first.answer(offer, "declined", "在另一处 / at another site")
    second = next(one for one in stage.technicians if one is not first)
    second.accept_when_asked(visit_id)
    return second


def _first(stage: Stage, path: str, **filters: str) -> dict[str, Any] | None:
    items = stage.operator.get(path, **filters)["items"]
    return items[0] if items else None


def _ticket_with(stage: Stage, cabinet_id: str, fault_id: str) -> dict[str, Any] | None:
    for one in stage.operator.get("/tickets", cabinet_id=cabinet_id)["items"]:
        ticket: dict[str, Any] = stage.operator.get(f"/tickets/{one['id']}")
        if fault_id in [fault["id"] for fault in ticket["faults"]]:
            return ticket
    return None


def _offered_visit(stage: Stage, ticket_id: str) -> str | None:
    for visit in stage.operator.get("/visits", limit=100)["items"]:
        if ticket_id in visit["ticket_ids"] and visit["state"] == "offered":
            return str(visit["id"])
    return None


def _after(history: list[dict[str, Any]]) -> list[str]:
    """States in the order they were entered; entries that change no state are left out."""
    return [step["after"] for step in history if step["after"] != step["before"]]
