"""Step 4: a product is recalled by lot while one cabinet is cut off.

One person stops the sale, a second approves the recall, online cabinets block; the one cut off
keeps selling and blocks before its first sale after contact. Technicians count and remove, buyers
are told or the public is. Proven: no matching vend after contact, units balance, every buyer
ended, and the recall closes.
"""

from typing import Any

from edge_agent.clock import SystemClock
from simulators.errors import NotProvenError
from simulators.hosts.cabinet_host import CabinetHost
from simulators.people.technician import Technician
from simulators.story.stage import SANDWICH, Stage
from simulators.story.step_1_sell import RECALLED_LOT
from simulators.story.step_2_door import asked, visit_of
from simulators.story.step_3_cold import timeline
from simulators.waiting import wait_until

CUT_OFF = "science-1"
RECALLED_SLOT, WATER_SLOT, SAFE_SLOT = "A1", "A2", "A3"
SCOPE = {"gtins": [SANDWICH.gtin], "lots": {"exact": [RECALLED_LOT]}}
BLOCK_SECONDS_MAX = 15.0
STATE_SECONDS_MAX = 30.0
MEASURES = "清点、装袋、下架 / counted, bagged, removed"
ENDED = {"remedied", "declined", "public_fallback"}


def play(stage: Stage) -> dict[str, object]:
    """Play the step; what was measured."""
    clock = SystemClock()
    away = stage.cabinets[CUT_OFF]
    online = [cabinet for cabinet in stage.cabinets.values() if cabinet is not away]
    away.link.cut()
    wait_until("the link is down", lambda: not away.state()["connected"], BLOCK_SECONDS_MAX)
    began = clock.elapsed()
    hold = stage.operator.post("/holds", _hold(), key="hold-1")
    wait_until("online cabinets block", lambda: all(map(_blocks, online)), BLOCK_SECONDS_MAX)
    blocked_seconds = clock.elapsed() - began
    _others_are_sold(stage, online)
    sold_offline = [stage.shoppers[1].buy(away, slot) for slot in (RECALLED_SLOT, WATER_SLOT)]
    if [one.outcome for one in sold_offline] != ["dispensed", "dispensed"]:
        raise NotProvenError("the cabinet that is cut off keeps selling", str(sold_offline))
    recall_id = _approved_by_two(stage, hold["id"])
    contact_seconds = _comes_back(stage, away)
    _remove(stage, recall_id)
    _serve_buyers(stage, recall_id)
    _close(stage, recall_id)
    facts = _prove(stage, recall_id)
    return {
        "online blocked s": round(blocked_seconds, 3),
        "sold while cut off": len(sold_offline),
        "contact to refusal s": round(contact_seconds, 3),
        **facts,
    }


def _hold() -> dict[str, object]:
    return {
        "scope": SCOPE,
        "reason": "供应商来电：批次疑似混入过敏原 / supplier: allergen suspected in this lot",
        "notice": {"zh": "该批次暂停销售", "en": "This lot is on hold"},
    }


def _blocks(cabinet: CabinetHost) -> bool:
    slot = next(one for one in cabinet.state()["slots"] if one["slot"] == RECALLED_SLOT)
    return bool(slot["reason"] == "recall")


def _others_are_sold(stage: Stage, online: list[CabinetHost]) -> None:
    for cabinet in online:
        refused = stage.shoppers[0].buy(cabinet, RECALLED_SLOT)
        safe = stage.shoppers[0].buy(cabinet, SAFE_SLOT)
        if (refused.reason, safe.outcome) != ("recall", "dispensed"):
            raise NotProvenError("the lot is blocked, the other lot is sold", f"{refused} {safe}")


def _approved_by_two(stage: Stage, hold_id: str) -> str:
    """The author drafts from the hold and submits, the approver reads and approves."""
    author, approver = stage.people["author"], stage.people["approver"]
    draft = {
        "from_hold": hold_id,
        "title": {"zh": "金枪鱼三明治 L2611A 批次", "en": "Tuna sandwich, lot L2611A"},
        "recall_class": "I",
        "initiator": {"type": "producer", "name": "Harbour Foods"},
        "source_document": "HF-2026-11-21",
        "reason": {"zh": "未标示的过敏原", "en": "Undeclared allergen"},
        "hazard": {"zh": "可致严重过敏反应", "en": "May cause a severe allergic reaction"},
        "action": {"zh": "请勿食用，丢弃或退回", "en": "Do not eat it; discard or return it"},
        "remedy": "refund",
        "contact": "400-000-0000",
    }
    recall: dict[str, Any] = author.post("/recalls", draft, key="recall-1")
    path = f"/recalls/{recall['id']}"
    author.post(f"{path}/transitions", {"to": "pending_approval"})
    alone = author.ask("POST", f"{path}/transitions", body={"to": "approved"})
    if alone.status_code != 403:
        raise NotProvenError("the author cannot approve", f"answered {alone.status_code}")
    read = approver.get(path)["content_hash"]
    approver.post(f"{path}/transitions", {"to": "approved", "content_hash": read})
    approver.post(f"{path}/transitions", {"to": "active"})
    return str(recall["id"])


def _comes_back(stage: Stage, away: CabinetHost) -> float:
    """Mend the link; the first try after contact has to be refused."""
    clock = SystemClock()
    away.link.mend()
    wait_until("contact", lambda: away.state()["connected"], BLOCK_SECONDS_MAX)
    began = clock.elapsed()
    tries = [stage.shoppers[1].buy(away, RECALLED_SLOT)]
    refused_seconds = clock.elapsed() - began
    while not _blocks(away) and clock.elapsed() - began < BLOCK_SECONDS_MAX:
        tries.append(stage.shoppers[1].buy(away, RECALLED_SLOT))
    if any(one.reason not in {"rules_pending", "recall"} for one in tries) or not _blocks(away):
        raise NotProvenError("blocks before its first sale after contact", str(tries))
    return refused_seconds


def _remove(stage: Stage, recall_id: str) -> None:
    """Technicians of both sites count, bag and remove; the ledger proves it, a person verifies."""
    rows = _rows(stage, recall_id, "acked_blocking", "visit_assigned")
    for visit_id in dict.fromkeys(visit_of(stage, row["ticket_id"]) for row in rows):
        technician = asked(stage, visit_id)
        technician.accept_when_asked(visit_id)
        technician.drive(visit_id)
        technician.check_in(visit_id)
        tickets = stage.operator.get(f"/visits/{visit_id}")["ticket_ids"]
        for row in (row for row in rows if row["ticket_id"] in tickets):
            cabinet = stage.cabinets[row["cabinet_id"]]
            stage.units_removed += _count_and_bag(technician, visit_id, cabinet)
            technician.write_record(row["ticket_id"], "recall", MEASURES)
        technician.finish(visit_id)
    for row in _rows(stage, recall_id, "reconciled"):
        path = f"/recalls/{recall_id}/cabinets/{row['cabinet_id']}/transitions"
        stage.operator.post(path, {"to": "verified", "reason": "照片已核对 / photo checked"})


def _count_and_bag(technician: Technician, visit_id: str, cabinet: CabinetHost) -> int:
    slot = next(one for one in cabinet.state()["slots"] if one["slot"] == RECALLED_SLOT)
    service = technician.at_service_side(visit_id, cabinet)
    goods = {"slot": RECALLED_SLOT, "gtin": SANDWICH.gtin, "lot": RECALLED_LOT}
    service.post("/stock/counts", {**goods, "quantity": slot["units"]})
    bag = {"quantity": slot["units"], "why": "recall", "bag": f"bag-{cabinet.cabinet_id}"}
    service.post("/stock/removals", {**goods, **bag})
    service.post("/service/logout")
    service.close()
    return int(slot["units"])


def _rows(stage: Stage, recall_id: str, *states: str) -> list[dict[str, Any]]:
    """Wait until every cabinet is in one of these states (and has its ticket); the rows."""

    def ready() -> list[dict[str, Any]] | None:
        rows: list[dict[str, Any]] = stage.operator.get(f"/recalls/{recall_id}/cabinets")["items"]
        fine = [row for row in rows if row["state"] in states and row["ticket_id"]]
        return rows if len(fine) == len(stage.cabinets) == len(rows) else None

    return wait_until(f"every cabinet is {' or '.join(states)}", ready, STATE_SECONDS_MAX)


def _serve_buyers(stage: Stage, recall_id: str) -> None:
    """Those who were told answer and get their money; the others have the public notice."""
    path = f"/recalls/{recall_id}/buyers"
    for buyer in _buyers(stage, recall_id):
        if buyer["state"] == "sent":
            steps = f"{path}/{buyer['id']}/transitions"
            stage.operator.post(steps, {"to": "answered", "answer": "discarded"})
            stage.operator.post(steps, {"to": "remedy_offered"})
            stage.operator.post(steps, {"to": "remedied"})
    wait_until(
        "every buyer ended",
        lambda: all(buyer["state"] in ENDED for buyer in _buyers(stage, recall_id)),
        STATE_SECONDS_MAX,
    )


def _buyers(stage: Stage, recall_id: str) -> list[dict[str, Any]]:
    """All buyers, once none is still on the way to its first notice."""

    def settled() -> list[dict[str, Any]] | None:
        found: list[dict[str, Any]] = stage.operator.get(f"/recalls/{recall_id}/buyers", limit=500)[
            "items"
        ]
        return found if not any(one["state"] in {"identified", "queued"} for one in found) else None

    return wait_until("every buyer is told one way or the other", settled, STATE_SECONDS_MAX)


def _close(stage: Stage, recall_id: str) -> None:
    path = f"/recalls/{recall_id}/transitions"
    stage.people["author"].post(path, {"to": "monitoring"})
    stage.people["approver"].post(path, {"to": "closed", "reason": "all accounted for"})


def _prove(stage: Stage, recall_id: str) -> dict[str, object]:
    """Read the report, the public notice and the journals."""
    report = stage.operator.get(f"/recalls/{recall_id}/report")
    if not report["units"]["balances"] or report["units"]["total"]["in_cabinet"] != 0:
        raise NotProvenError("units balance and none is left inside", str(report["units"]))
    public = stage.operator.get("/public/recalls")["items"]
    if recall_id not in [notice["recall_id"] for notice in public]:
        raise NotProvenError("class I has a public notice", "there is none")
    sold = sum(_sold_under_block(stage, cabinet_id) for cabinet_id in stage.cabinets)
    if sold:
        raise NotProvenError("no matching vend after contact", f"{sold} were sold")
    buyers = report["buyers"]
    refunded = report["refunds_minor_by_state"].get("succeeded", 0)
    # Anna left a contact at every cabinet: each of her units is told of and paid back.
    if buyers["told"] != len(stage.cabinets) or refunded != buyers["told"] * SANDWICH.price_minor:
        raise NotProvenError("who left a contact is told and refunded", f"{buyers} {refunded}")
    if buyers["late"] != 1:
        raise NotProvenError("the sale while cut off is found when it arrives", str(buyers))
    return {
        "matching vends after contact": sold,
        "removed": report["units"]["total"]["removed"],
        "buyers": buyers["sales"],
        "told": buyers["told"],
        "late found": buyers["late"],
        "refunded fen": refunded,
    }


def _sold_under_block(stage: Stage, cabinet_id: str) -> int:
    """Units of the recalled lot that a cabinet sold after it had applied the block."""
    blocked, units = False, 0
    for event in timeline(stage, cabinet_id):
        if event["type"] == "rules.applied":
            blocked = blocked or bool(event["body"]["blocked"])
        elif event["type"] == "sale.completed" and blocked:
            units += sum(
                line["quantity"]
                for line in event["body"]["lines"]
                if line["lot"] == RECALLED_LOT and line["gtin"] == SANDWICH.gtin
            )
    return units
