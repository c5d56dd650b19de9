"""Pure: what a policy says. Amounts are seconds, for working days days; sources stand in data.

A policy names calendars; which version of one a clock counts by is pinned when it starts.
"""

from collections.abc import Collection
from enum import StrEnum

import msgspec

from fleet_server.service_levels.errors import PolicyError
from fleet_server.service_levels.scales import DAY_SECONDS, REAL
from protocol.faults import Severity


class Priority(StrEnum):
    """P1 urgent, P2 normal, P3 low; severity C, M, N and recall class I, II, III map to them."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"

    @property
    def rank(self) -> int:
        """0 is the most urgent."""
        return list(Priority).index(self)

    @property
    def raised(self) -> "Priority":
        """One step more urgent; P1 stays P1."""
        return list(Priority)[max(self.rank - 1, 0)]


class Unit(StrEnum):
    """In what time a clock runs."""

    REAL = "real"
    BUSINESS = "business"
    WORKING_DAYS = "working_days"
    PROMISED = "promised"
    """Until the instant a person named; it has no target of its own."""


SITE_HOURS = "site"
"""Calendar of a rule that counts by the hours of the thing's site; `always` where it has none."""
WITHOUT_SITE_HOURS = "always"


class ClockRule(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One clock of a policy. Empty lists match everything; `besides` lists topics left out."""

    name: str
    title_zh: str
    title_en: str
    kinds: list[str]
    start: list[str]
    stop: list[str]
    target: dict[Priority, float]
    source: str
    topics: list[str] = []
    besides: list[str] = []
    severities: list[Severity] = []
    channels: list[str] = []
    categories: list[str] = []
    contracts: list[str] = []
    pause_in: list[str] = []
    unit: Unit = Unit.REAL
    calendar: str = ""
    """Name of a calendar, or `site`; only for business time and working days."""

    def is_about(self, event: str) -> bool:
        """Whether the clock is for this event: the first of those that stop it.

        A promise is about each of them. The first response is no arrival, though an arrival ends
        its clock.
        """
        return self.stop[0] == event or (self.unit is Unit.PROMISED and event in self.stop)

    def seconds(self, priority: Priority) -> float:
        """Target in seconds of the clock's own time."""
        amount = self.target[priority]
        return amount * DAY_SECONDS if self.unit is Unit.WORKING_DAYS else amount


class Rung(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who hears of it when so much of a clock is gone; 100 is the breach."""

    percent: int
    audiences: list[str]


class Escalation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who hears of a breach so long after it, while nobody has acknowledged it."""

    after_seconds: float
    audiences: list[str]


class Unreachable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a cabinet may leave a rule bundle unacknowledged (recalls, Per cabinet)."""

    warn_seconds: float
    visit_seconds: float
    escalate_seconds: float


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything an installation promises, one version of it."""

    name: str
    version: int
    clocks: list[ClockRule]
    ladder: list[Rung]
    offer_window_seconds: dict[Priority, float]
    """How long a technician may think before the next one is asked (dispatch, When)."""
    triage_wait_seconds: float
    """How long an M fault may clear by itself before a technician is asked."""
    auto_triage_percent: int
    """When nobody has triaged so much into `triage_wait_seconds`, the machine does."""
    site_silent_seconds: float
    """How long a cabinet is offline before its site gets a ticket (P-10)."""
    quiet_close_seconds: float
    """A verified ticket closes after so long without a follow-up."""
    repeat_within_seconds: float
    """A fault on the same cabinet and component within it is a repeat (S3-7.7.3)."""
    replan_seconds: float
    """How long a visit nobody could take waits before everyone is asked again."""
    hold_expiry_seconds: float
    unreachable: Unreachable
    escalations: list[Escalation] = []

    @property
    def reference(self) -> str:
        """What a thing pins: `strict@1`."""
        return f"{self.name}@{self.version}"

    def clock(self, name: str) -> ClockRule:
        """Rule of that name; PolicyError when there is none."""
        for rule in self.clocks:
            if rule.name == name:
                return rule
        raise PolicyError(self.reference, f"no clock {name!r}")


class Subject(msgspec.Struct, frozen=True):
    """What a policy looks at to choose clocks: `topic` is the kind of ticket, case, ..."""

    kind: str
    topic: str
    priority: Priority
    severity: Severity | None = None
    channel: str = ""
    category: str = ""
    contract: str = ""


def matching(policy: Policy, subject: Subject) -> list[ClockRule]:
    """Clocks this thing runs under."""
    return [rule for rule in policy.clocks if _matches(rule, subject)]


def checked(policy: Policy, calendars: Collection[str]) -> Policy:
    """Return `policy` when the engine can count all of it; PolicyError when not.

    `calendars`: names that stand.
    """
    for rule in policy.clocks:
        _check_rule(policy, rule, calendars)
    names = [rule.name for rule in policy.clocks]
    if len(set(names)) != len(names):
        raise PolicyError(policy.reference, "two clocks of one name")
    percents = [rung.percent for rung in policy.ladder]
    if percents != sorted(set(percents)) or not percents or percents[-1] != 100:
        raise PolicyError(policy.reference, "the ladder rises to 100")
    if percents[0] <= 0:
        raise PolicyError(policy.reference, "the ladder begins above 0")
    waits = [escalation.after_seconds for escalation in policy.escalations]
    if waits != sorted(set(waits)) or (waits and waits[0] <= 0):
        raise PolicyError(policy.reference, "escalations come one after the other")
    return policy


def timebase(rule: ClockRule, calendar_reference: str) -> str:
    """What a clock of this rule counts in: `real`, `business:cn-office@1`, ..."""
    if rule.unit in {Unit.REAL, Unit.PROMISED}:
        return REAL
    return f"{rule.unit}:{calendar_reference}"


def scaled(policy: Policy, factor: float, name: str) -> Policy:
    """Return the same promises with every duration multiplied (`demo` = `strict` / 60)."""
    ladder = policy.unreachable
    return msgspec.structs.replace(
        policy,
        name=name,
        clocks=[
            msgspec.structs.replace(
                rule,
                target=_times({key: rule.seconds(key) for key in rule.target}, factor),
                # Nobody waits for office hours in a demo.
                unit=Unit.PROMISED if rule.unit is Unit.PROMISED else Unit.REAL,
                calendar="",
            )
            for rule in policy.clocks
        ],
        offer_window_seconds=_times(policy.offer_window_seconds, factor),
        triage_wait_seconds=policy.triage_wait_seconds * factor,
        site_silent_seconds=policy.site_silent_seconds * factor,
        quiet_close_seconds=policy.quiet_close_seconds * factor,
        repeat_within_seconds=policy.repeat_within_seconds * factor,
        replan_seconds=policy.replan_seconds * factor,
        hold_expiry_seconds=policy.hold_expiry_seconds * factor,
        unreachable=Unreachable(
            warn_seconds=ladder.warn_seconds * factor,
            visit_seconds=ladder.visit_seconds * factor,
            escalate_seconds=ladder.escalate_seconds * factor,
        ),
        escalations=[
            Escalation(escalation.after_seconds * factor, escalation.audiences)
            for escalation in policy.escalations
        ],
    )


def _check_rule(policy: Policy, rule: ClockRule, calendars: Collection[str]) -> None:
    if not rule.stop:
        raise PolicyError(policy.reference, f"{rule.name}: nothing would stop it")
    if rule.unit is Unit.PROMISED:
        if rule.target or rule.calendar:
            raise PolicyError(policy.reference, f"{rule.name}: a promise has no target of its own")
        return
    if set(rule.target) != set(Priority) or min(rule.target.values()) <= 0:
        raise PolicyError(policy.reference, f"{rule.name}: a target for each priority")
    if rule.unit is Unit.REAL:
        if rule.calendar:
            raise PolicyError(policy.reference, f"{rule.name}: real time has no calendar")
    elif rule.calendar != SITE_HOURS and rule.calendar not in calendars:
        reason = f"{rule.name}: {rule.unit} needs a calendar; {rule.calendar!r} is none"
        raise PolicyError(policy.reference, reason)


def _matches(rule: ClockRule, subject: Subject) -> bool:
    return (
        subject.kind in rule.kinds
        and (not rule.topics or subject.topic in rule.topics)
        and subject.topic not in rule.besides
        and (not rule.severities or subject.severity in rule.severities)
        and (not rule.channels or subject.channel in rule.channels)
        and (not rule.categories or subject.category in rule.categories)
        and (not rule.contracts or subject.contract in rule.contracts)
    )


def _times(amounts: dict[Priority, float], factor: float) -> dict[Priority, float]:
    return {priority: amount * factor for priority, amount in amounts.items()}
