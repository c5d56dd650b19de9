"""Publish policies and calendars, and choose the policy in force. Versions never change.

Split from `service.py`: that moves clocks, this changes what they go by.
"""

from datetime import timedelta

import msgspec

from fleet_server.audit.service import record
from fleet_server.auth.rules import Role
from fleet_server.notifications.queries import was_told_since
from fleet_server.notifications.rules import About, to_role
from fleet_server.notifications.service import notify
from fleet_server.notifications.templates import said
from fleet_server.service_levels import calendars as calendar_rules
from fleet_server.service_levels.calendars import Calendar
from fleet_server.service_levels.errors import CalendarError, DocumentRefusedError, PolicyError
from fleet_server.service_levels.models import PolicyInForce, PublishedDocument
from fleet_server.service_levels.presets import newest
from fleet_server.service_levels.queries import (
    CALENDAR,
    IN_FORCE,
    POLICY,
    newest_calendars,
    pinned,
    policies,
    running_on,
)
from fleet_server.service_levels.rules import Policy, Unit, checked
from fleet_server.service_levels.service import count_by
from fleet_server.transactions import Transaction

ABOUT_YEARS = "calendar_years"
YEAR_AHEAD = timedelta(days=30)
"""A year begins to matter: the longest recall clock runs 30 working days."""
YEARS_TOLD_EVERY = timedelta(days=7)
CLOCKS_MAX = 200
"""Clocks of one sweep that take up a new version of their calendar; the others a second later."""


def use_policy(tx: Transaction, name: str) -> Policy:
    """Let new things pin the newest shipped version of a policy, unless a person chose another.

    Raises PolicyError for no such policy.
    """
    policy = newest(name)
    row = tx.session.get(PolicyInForce, IN_FORCE, with_for_update=True)
    if row is not None and (row.chosen_by or row.reference == policy.reference):
        return pinned(tx.session, row.reference)
    return _use(tx, row, policy, "")


def choose_policy(tx: Transaction, reference: str) -> Policy:
    """Let new things pin this version, by a person's choice. Raises DocumentRefusedError."""
    policy = policies(tx.session).get(reference)
    if policy is None:
        raise DocumentRefusedError(reference, "there is no such policy")
    row = tx.session.get(PolicyInForce, IN_FORCE, with_for_update=True)
    return _use(tx, row, policy, tx.actor)


def publish_policy(tx: Transaction, policy: Policy) -> None:
    """Keep a new version of a policy; it is in force only when it is chosen.

    Raises DocumentRefusedError.
    """
    try:
        checked(policy, newest_calendars(tx.session))
    except PolicyError as error:
        raise DocumentRefusedError(policy.reference, error.reason) from error
    versions = [one.version for one in policies(tx.session).values() if one.name == policy.name]
    _publish(tx, POLICY, policy, max(versions, default=0))


def publish_calendar(tx: Transaction, calendar: Calendar) -> None:
    """Keep a new version of a calendar. Running clocks take it up; ended ones stay as they are.

    Raises DocumentRefusedError: also where it forgets years the version before it covers, or does
    not cover the present one.
    """
    try:
        calendar_rules.checked(calendar)
    except CalendarError as error:
        raise DocumentRefusedError(calendar.reference, error.reason) from error
    before = newest_calendars(tx.session).get(calendar.name)
    _must_cover(tx, calendar, before)
    _publish(tx, CALENDAR, calendar, before.version if before is not None else 0)


def take_up_calendars(tx: Transaction) -> None:
    """Let running clocks count by the newest version of their calendar; a bounded number."""
    left = CLOCKS_MAX
    for name, calendar in newest_calendars(tx.session).items():
        older = [
            f"{unit}:{name}@{version}"
            for unit in (Unit.BUSINESS, Unit.WORKING_DAYS)
            for version in range(1, calendar.version)
        ]
        if not older or left <= 0:
            continue
        clocks = running_on(tx.session, older, left)
        count_by(tx, clocks, calendar.reference)
        left -= len(clocks)


def tell_of_unknown_years(tx: Transaction) -> None:
    """Tell the administrators, once a week, of calendars that do not know the year to come."""
    if was_told_since(tx.session, ABOUT_YEARS, tx.now - YEARS_TOLD_EVERY):
        return
    unknown = [
        calendar.reference
        for calendar in newest_calendars(tx.session).values()
        if not calendar.is_known(calendar_rules.local_day(calendar, tx.now + YEAR_AHEAD))
    ]
    for reference in unknown:
        message = said("calendar.year_unknown", calendar=reference)
        notify(tx, to_role(Role.ADMIN), message, About(ABOUT_YEARS, reference))


def _use(tx: Transaction, row: PolicyInForce | None, policy: Policy, chosen_by: str) -> Policy:
    if row is None:
        row = PolicyInForce(id=IN_FORCE)
        tx.session.add(row)
    row.reference, row.since, row.chosen_by = policy.reference, tx.now, chosen_by
    record(tx, "service_policy.chosen", "service_policy", policy.reference)
    return policy


def _must_cover(tx: Transaction, calendar: Calendar, before: Calendar | None) -> None:
    if before is not None and not set(before.covers) <= set(calendar.covers):
        missing = sorted(set(before.covers) - set(calendar.covers))
        raise DocumentRefusedError(calendar.reference, f"covers: {missing} were known before")
    today = calendar_rules.local_day(calendar, tx.now)
    if not calendar.is_known(today):
        raise DocumentRefusedError(calendar.reference, f"covers: {today.year} is missing")
    if before is not None and before.covers and not calendar.covers:
        raise DocumentRefusedError(calendar.reference, "covers: years must be named")


def _publish(tx: Transaction, kind: str, document: Policy | Calendar, newest: int) -> None:
    if document.version != newest + 1:
        reason = f"version: the next one is {newest + 1}"
        raise DocumentRefusedError(document.reference, reason)
    tx.session.add(
        PublishedDocument(
            id=tx.new_id(),
            kind=kind,
            name=document.name,
            version=document.version,
            document=msgspec.json.encode(document).decode(),
            published_at=tx.now,
            published_by=tx.actor,
        )
    )
    record(tx, f"{kind}.published", kind, document.reference)
