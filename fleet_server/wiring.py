"""The map of the server: which feature reacts to what. Steps forward go through these tables.

`event_handlers`: journal events -> features, in the transaction of ingest, in this order.
`reactions`: facts of an earlier feature -> a later one, in the same transaction.
`sweeps`: what looks at deadlines every second, each in a transaction of its own.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from fastapi import APIRouter

from fleet_server.attachments.api import router as attachments_router
from fleet_server.attachments.service import AttachmentParts, OrphanSweep
from fleet_server.attachments.store import AttachmentFolder
from fleet_server.auth.api import router as auth_router
from fleet_server.auth.events import AccountClosed
from fleet_server.auth.service import forget_old_tries
from fleet_server.cabinets import orders
from fleet_server.cabinets.api import router as cabinets_router
from fleet_server.cabinets.desired import (
    desired_standings,
    find_drift,
    overtake_desired,
    resend_desired_to,
)
from fleet_server.cabinets.events import CabinetRetired, DesiredCaughtUp, DesiredDrifted
from fleet_server.cabinets.handlers import (
    on_command_finished,
    on_desired_applied,
    on_desired_rejected,
    on_rules_applied,
    on_rules_rejected,
)
from fleet_server.cabinets.repair_pace import RepairPace
from fleet_server.catalog.api import router as catalog_router
from fleet_server.dispatch import given_back, merged_tickets
from fleet_server.dispatch import handlers as dispatch
from fleet_server.dispatch import sweep as dispatch_sweep
from fleet_server.dispatch.api import router as dispatch_router
from fleet_server.dispatch.events import VisitDone
from fleet_server.dispatch.plans_api import router as plans_router
from fleet_server.dispatch.risk import draw_risks
from fleet_server.dispatch.wishes import wish_for_rounds
from fleet_server.faults import handlers as faults
from fleet_server.faults.api import router as faults_router
from fleet_server.faults.events import FaultEnded, FaultOpened, FaultRepeated
from fleet_server.ingest.api import router as ingest_router
from fleet_server.ingest.events import (
    CabinetFellSilent,
    CabinetHeardAgain,
    CabinetLooksCloned,
    EventHandlers,
    EventUnreadable,
    JournalGapFound,
    OutboxWasReset,
)
from fleet_server.ingest.handlers import on_clock_anchored
from fleet_server.ingest.partitions import MonthKeeper, Retention
from fleet_server.ingest.presence import Held
from fleet_server.ingest.service import IngestParts
from fleet_server.leases.models import Lease  # noqa: F401  # so that its table is known
from fleet_server.live.api import router as live_router
from fleet_server.live.service import forget_old_changes
from fleet_server.notifications.api import router as notifications_router
from fleet_server.notifications.events import NoticeAcknowledged
from fleet_server.notifications.handlers import on_message_set_aside
from fleet_server.notifications.noting import forget_old_deliveries
from fleet_server.notifications.personal_api import router as personal_notices_router
from fleet_server.outbox.events import MessageSetAside
from fleet_server.outbox.service import forget_set_aside
from fleet_server.payments.api import router as payments_router
from fleet_server.payments.events import RefundEnded
from fleet_server.payments.service import VisibleRoute, settle_refunds
from fleet_server.recalls import handlers as recalls
from fleet_server.recalls import sweep as recalls_sweep
from fleet_server.recalls.api import router as recalls_router
from fleet_server.recalls.buyers import VisibleChannel
from fleet_server.recalls.holds import end_holds
from fleet_server.recalls.holds_api import router as holds_router
from fleet_server.recalls.queries import acknowledged_versions
from fleet_server.reports.api import router as reports_router
from fleet_server.rules.events import RulesOvertaken, VersionNotBelieved
from fleet_server.rules.handlers import on_rules_overtaken
from fleet_server.rules.queries import newest_version
from fleet_server.rules.service import overtake, resend_rules
from fleet_server.sales import handlers as sales
from fleet_server.sales.api import router as sales_router
from fleet_server.sales.events import SalesRecorded
from fleet_server.sales.service import forget_contacts
from fleet_server.service_levels.api import router as service_levels_router
from fleet_server.service_levels.events import ClockWarned
from fleet_server.service_levels.handlers import on_notice_acknowledged
from fleet_server.service_levels.publishing import take_up_calendars, tell_of_unknown_years
from fleet_server.service_levels.sweep import look_at_clocks
from fleet_server.signing import SigningService
from fleet_server.stock import handlers as stock
from fleet_server.stock.api import router as stock_router
from fleet_server.stock.events import StockShifted
from fleet_server.technicians import handlers as technicians
from fleet_server.technicians import sweep as technicians_sweep
from fleet_server.technicians.api import router as technicians_router
from fleet_server.technicians.events import TechnicianAway, TechnicianChanged, TechnicianLeft
from fleet_server.technicians.locations_api import router as locations_router
from fleet_server.technicians.parts_api import router as parts_router
from fleet_server.technicians.positions import forget_old_positions
from fleet_server.technicians.positions_api import router as positions_router
from fleet_server.technicians.working_time_api import router as working_time_router
from fleet_server.tickets import handlers as tickets
from fleet_server.tickets import sweep as tickets_sweep
from fleet_server.tickets.api import router as tickets_router
from fleet_server.tickets.by_hand_api import router as tickets_by_hand_router
from fleet_server.tickets.events import (
    TicketAppointed,
    TicketEscalated,
    TicketMerging,
    TicketMoved,
    TicketReady,
)
from fleet_server.tickets.permissions import attachment_subject
from fleet_server.transactions import Reactions, Together, Transaction
from fleet_server.web.idempotency import forget_old_answers
from protocol.topics import DownKind

Sweep = Callable[[Transaction], None]

ROUTERS: tuple[APIRouter, ...] = (
    auth_router,
    cabinets_router,
    catalog_router,
    payments_router,
    stock_router,
    sales_router,
    ingest_router,
    faults_router,
    tickets_router,
    tickets_by_hand_router,
    attachments_router,
    technicians_router,
    working_time_router,
    positions_router,
    locations_router,
    parts_router,
    dispatch_router,
    plans_router,
    recalls_router,
    holds_router,
    service_levels_router,
    personal_notices_router,
    notifications_router,
    live_router,
    reports_router,
)


def event_handlers(signing: SigningService) -> EventHandlers:
    """Journal event type -> handlers, first to last."""
    return {
        "fault.raised": (faults.on_fault_raised,),
        "fault.repeated": (faults.on_fault_raised,),
        "fault.cleared": (faults.on_fault_cleared,),
        "door.opened": (dispatch.on_door_opened,),
        "stock.loaded": (stock.on_stock_loaded,),
        "stock.counted": (stock.on_stock_counted,),
        "stock.removed": (stock.on_stock_removed,),
        "sale.completed": (sales.on_sale_completed,),
        "sale.adjusted": (sales.on_sale_adjusted,),
        "sale.refused": (sales.on_sale_refused,),
        "vend.failed": (sales.on_vend_failed,),
        "clock.anchored": (on_clock_anchored,),
        "rules.applied": (partial(on_rules_applied, signing), recalls.on_rules_applied),
        "rules.rejected": (partial(on_rules_rejected, signing),),
        "desired.applied": (on_desired_applied,),
        "desired.rejected": (partial(on_desired_rejected, signing),),
        "command.finished": (partial(on_command_finished, signing),),
    }


def reactions(signing: SigningService) -> Reactions:  # noqa: ARG001  # rows to come need it
    """Fact -> reactions of later features."""
    return {
        CabinetFellSilent: (Together(faults.on_cabinets_fell_silent),),
        CabinetHeardAgain: (Together(faults.on_cabinets_heard_again),),
        JournalGapFound: (faults.on_journal_gap_found,),
        OutboxWasReset: (faults.on_outbox_was_reset,),
        CabinetLooksCloned: (faults.on_cabinet_looks_cloned,),
        DesiredDrifted: (faults.on_desired_drifted,),
        DesiredCaughtUp: (faults.on_desired_caught_up,),
        VersionNotBelieved: (faults.on_version_not_believed,),
        EventUnreadable: (tickets.on_event_unreadable,),
        AccountClosed: (technicians.on_account_closed, tickets.on_account_closed),
        TechnicianLeft: (given_back.on_technician_left, tickets.on_technician_left),
        TechnicianAway: (given_back.on_technician_away,),
        TechnicianChanged: (given_back.on_technician_changed,),
        FaultOpened: (Together(tickets.on_faults_opened),),
        FaultRepeated: (tickets.on_fault_repeated,),
        FaultEnded: (Together(tickets.on_faults_ended),),
        TicketReady: (dispatch.on_ticket_ready,),
        TicketMoved: (Together(dispatch.on_tickets_moved), Together(recalls.on_tickets_moved)),
        StockShifted: (recalls.on_stock_shifted,),
        SalesRecorded: (recalls.on_sales_recorded,),
        RefundEnded: (recalls.on_refund_ended,),
        CabinetRetired: (faults.on_cabinet_retired, recalls.on_cabinet_retired),
        TicketEscalated: (dispatch.on_ticket_escalated,),
        TicketMerging: (merged_tickets.on_ticket_merging,),
        TicketAppointed: (merged_tickets.on_ticket_appointed,),
        VisitDone: (dispatch.on_visit_done,),
        ClockWarned: (dispatch.on_clock_warned,),
        MessageSetAside: (on_message_set_aside,),
        NoticeAcknowledged: (on_notice_acknowledged,),
        RulesOvertaken: (on_rules_overtaken,),
    }


def attachment_parts(data_dir: Path) -> AttachmentParts:
    """Where files are kept, and who knows the things they belong to."""
    folder = AttachmentFolder(data_dir / "attachments")
    return AttachmentParts(folder, {"ticket": attachment_subject})


def sweeps(
    signing: SigningService, retention: Retention, attachments: AttachmentParts, zone: ZoneInfo
) -> Sequence[tuple[str, Sweep]]:
    """Name -> what to look at; each bounded, each safe to run again."""
    return (
        ("cabinets.drift", find_drift),
        ("cabinets.orders", partial(orders.expire_orders, signing)),
        ("service_levels.clocks", look_at_clocks),
        ("service_levels.calendars", take_up_calendars),
        ("service_levels.years", tell_of_unknown_years),
        ("tickets.triage", tickets_sweep.triage_waiting_tickets),
        ("tickets.dispatch", tickets_sweep.dispatch_waiting_tickets),
        ("tickets.quiet", tickets_sweep.close_quiet_tickets),
        ("tickets.waits", tickets_sweep.look_at_waits),
        ("tickets.unmuted", tickets_sweep.follow_after_muting),
        ("tickets.sites", tickets_sweep.open_site_tickets),
        ("tickets.steady", tickets_sweep.close_steady_sites),
        ("dispatch.offers", dispatch_sweep.expire_offers),
        ("dispatch.again", dispatch_sweep.ask_again),
        ("dispatch.risks", draw_risks),
        ("dispatch.rounds", partial(wish_for_rounds, zone=zone)),
        ("technicians.lapses", technicians_sweep.warn_of_lapses),
        ("technicians.gates", technicians_sweep.close_gates),
        ("technicians.positions", forget_old_positions),
        ("attachments.orphans", OrphanSweep(attachments.folder).look),
        ("payments.refunds", partial(settle_refunds, VisibleRoute())),
        ("sales.contacts", forget_contacts),
        ("recalls.holds", partial(end_holds, signing)),
        ("recalls.cabinets", recalls_sweep.look_at_cabinets),
        ("recalls.again", recalls_sweep.look_again),
        ("recalls.buyers", partial(recalls_sweep.tell_buyers, signing, VisibleChannel())),
        ("ingest.months", MonthKeeper(retention).look),
        ("live.forget", forget_old_changes),
        ("outbox.forget", forget_set_aside),
        ("notices.forget", forget_old_deliveries),
        ("web.forget", forget_old_answers),
        ("auth.forget", forget_old_tries),
    )


def ingest_parts(signing: SigningService) -> IngestParts:
    """What ingest gets from the features."""
    return IngestParts(
        handlers=event_handlers(signing),
        newest_rules=lambda tx: newest_version(tx.session),
        repair=partial(_repair, signing, RepairPace()),
    )


def _repair(
    signing: SigningService, pace: RepairPace, tx: Transaction, held: Sequence[Held]
) -> None:
    """Send again what cabinets miss: rules, desired state, orders (P-0, P-14).

    A birth that is level is sent to again where the newest acknowledgement is of an older version:
    after a restore the same number may name other content, which the cabinet then says.
    """
    rules = newest_version(tx.session)
    named = {one.cabinet_id: one.rules_version for one in held if one.rules_version > rules}
    if named:
        overtake(tx, signing, named)
        rules = newest_version(tx.session)
    born = [one.cabinet_id for one in held if one.born]
    acknowledged = acknowledged_versions(tx.session, born)
    desired = desired_standings(tx, [one.cabinet_id for one in held])
    behind, stale = [], []
    for one in held:
        told = acknowledged.get(one.cabinet_id, 0)
        if _misses(pace, tx, one, DownKind.RULES, (one.rules_version, rules, told)):
            behind.append(one.cabinet_id)
        newest, applied = desired.get(one.cabinet_id, (0, 0))
        if one.desired_version > newest:
            overtake_desired(tx, signing, one.cabinet_id, one.desired_version)
        if _misses(pace, tx, one, DownKind.DESIRED, (one.desired_version, newest, applied)):
            stale.append(one.cabinet_id)
    resend_desired_to(tx, signing, stale)
    resend_rules(tx, signing, behind)
    orders.repair(tx, signing, {one.cabinet_id: one.command_counter for one in held})


def _misses(
    pace: RepairPace, tx: Transaction, one: Held, kind: DownKind, versions: tuple[int, int, int]
) -> bool:
    """Whether to send again what a cabinet should hold; `versions`: held, newest, acknowledged.

    At once at each birth of who is behind. Who is level and only did not say so is sent to at a
    pace, however often it is born.
    """
    held, newest, told = versions
    is_unsure = held == newest and one.born and 0 < told < newest
    if held >= newest and not is_unsure:
        pace.caught_up(one.cabinet_id, kind)
        return False
    born = one.reconnected and not is_unsure
    return pace.is_due(one.cabinet_id, kind, newest, tx.now, one.uplink, born=born)
