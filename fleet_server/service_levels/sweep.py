"""The sweep: warnings and breaches of clocks, as notices up the ladder and as facts.

A breach goes further up, rung by rung, until somebody acknowledges it or the work is done.

Split from `service.py`: that does what a feature says, this what the time says.

After a standstill only the highest rung reached is told: five late warnings say no more than one.
"""

from fleet_server.live.service import changed
from fleet_server.notifications.rules import About, Urgency
from fleet_server.notifications.service import notify
from fleet_server.notifications.templates import InBoth, Message, said
from fleet_server.service_levels.clocks import StepKind, instant_of, is_late
from fleet_server.service_levels.events import ClockBreached, ClockWarned
from fleet_server.service_levels.models import ServiceClock
from fleet_server.service_levels.queries import clocks_to_look_at, pinned, reading_of, scales
from fleet_server.service_levels.service import note
from fleet_server.transactions import Transaction

CLOCKS_MAX = 200
"""Clocks of one sweep; those left over are looked at a second later."""

OWNER = "owner"


def look_at_clocks(tx: Transaction) -> None:
    """Warn of and note what came due."""
    for clock in clocks_to_look_at(tx.session, tx.now, CLOCKS_MAX):
        if clock.breached_at is not None:
            _escalated(tx, clock)
        elif is_late(reading_of(clock), tx.now):
            _breached(tx, clock)
        else:
            _warned(tx, clock)


def _breached(tx: Transaction, clock: ServiceClock) -> None:
    note(tx, clock, StepKind.BREACHED)
    _tell(tx, clock, 100, pinned(tx.session, clock.policy).ladder[-1].audiences)
    tx.announce(ClockBreached(clock.owner_kind, clock.owner_id, clock.name, clock.due_at))
    topic = f"{clock.owner_kind}/{clock.owner_id}"
    changed(tx, [topic], clock.owner_kind, clock.owner_id, clock.site_id)


def _escalated(tx: Transaction, clock: ServiceClock) -> None:
    rungs = pinned(tx.session, clock.policy).escalations
    rung = rungs[clock.escalations]
    note(tx, clock, StepKind.ESCALATED, clock.escalations + 1)
    _tell(tx, clock, 100, rung.audiences)


def _warned(tx: Transaction, clock: ServiceClock) -> None:
    reading, scale = reading_of(clock), scales(tx.session)
    reached = [
        rung
        for rung in pinned(tx.session, clock.policy).ladder[:-1]
        if rung.percent > clock.warned_percent
        and instant_of(reading, rung.percent, scale) <= tx.now
    ]
    if not reached:
        return
    note(tx, clock, StepKind.WARNED, reached[-1].percent)
    _tell(tx, clock, reached[-1].percent, reached[-1].audiences)
    tx.announce(
        ClockWarned(clock.owner_kind, clock.owner_id, clock.name, reached[-1].percent, clock.due_at)
    )


def _tell(tx: Transaction, clock: ServiceClock, percent: int, audiences: list[str]) -> None:
    about = About(clock.owner_kind, clock.owner_id, clock.site_id, clock.region)
    urgency = Urgency.URGENT if percent >= 90 else Urgency.NORMAL
    known = [clock.accountable if who == OWNER else who for who in audiences]
    for audience in dict.fromkeys(known):
        message = _message(tx, clock, percent)
        notify(tx, audience, message, about, urgency, must_acknowledge=percent >= 100)


def _message(tx: Transaction, clock: ServiceClock, percent: int) -> Message:
    rule = pinned(tx.session, clock.policy).clock(clock.name)
    title = InBoth(rule.title_zh, rule.title_en)
    if percent >= 100:
        return said("clock.breached", clock=title, due=clock.due_at)
    return said("clock.warned", percent=percent, clock=title, due=clock.due_at)
