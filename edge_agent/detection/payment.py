"""PAY_READER_OFFLINE, PAY_RESET_LOOP, PAY_DECLINE_RATE: the health of a payment reader.

Offline: not enabled for 5 min, by its own word or by silence; clears when enabled for 1 min.
Reset loop: more than 5 resets in 10 min, clears after 30 quiet ones. Decline rate: fewer than 90 %
of the last 50 tries approved, clears above 95 %.
"""

import msgspec

from edge_agent.detection.moments import Moments
from edge_agent.detection.rule import Look, Rule
from edge_agent.detection.verdicts import Condition, Verdict
from edge_agent.drivers.readings import DeviceFailure, PaymentEvent, PaymentReading
from protocol.faults import CATALOGUE

OFFLINE, RESETS, DECLINES = "PAY_READER_OFFLINE", "PAY_RESET_LOOP", "PAY_DECLINE_RATE"
KIND = "payment"
PERCENT = 100.0

_WORKS = frozenset(
    {
        PaymentEvent.ENABLED,
        PaymentEvent.SESSION,
        PaymentEvent.APPROVED,
        PaymentEvent.DENIED,
        PaymentEvent.VENDED,
    }
)
_DOES_NOT = frozenset({PaymentEvent.RESET, PaymentEvent.INACTIVE, PaymentEvent.DISABLED})

Heard = PaymentReading | DeviceFailure


def _readers(reading: Heard) -> tuple[str, ...]:
    if isinstance(reading, PaymentReading):
        return (reading.part,)
    return reading.parts if reading.kind == KIND else ()


class ReaderMemory(msgspec.Struct, frozen=True):
    """Since when the reader works or does not; elapsed seconds.

    It speaks only when something changes, so what it said last holds until it says else.
    """

    works: bool | None = None
    since_at: float = 0.0


def reader_observed(memory: ReaderMemory, _part: str, reading: Heard, _look: Look) -> ReaderMemory:
    """Add what the reader says, or its silence."""
    at = reading.at_elapsed
    if isinstance(reading, DeviceFailure):
        return _said(memory, at, works=False)
    if reading.event in _WORKS:
        return _said(memory, at, works=True)
    return _said(memory, at, works=False) if reading.event in _DOES_NOT else memory


def _said(memory: ReaderMemory, at: float, *, works: bool) -> ReaderMemory:
    return memory if memory.works is works else ReaderMemory(works, at)


def reader_judged(memory: ReaderMemory, part: str, look: Look) -> Verdict:
    """Judge the reader by how long it has been so."""
    lasted = look.at - memory.since_at
    limits = look.thresholds
    if memory.works is False and lasted >= limits.pay_offline_seconds:
        return Verdict(
            OFFLINE,
            part,
            Condition.BAD,
            CATALOGUE[OFFLINE].severity,
            memory.since_at,
            round(lasted),
            limits.pay_offline_seconds,
            "not_enabled",
            source="reader",
        )
    is_good = bool(memory.works) and lasted >= limits.pay_enabled_seconds
    condition = Condition.GOOD if is_good else Condition.UNDECIDED
    return Verdict(OFFLINE, part, condition, source="reader")


def _spoken(reading: PaymentReading) -> tuple[str, ...]:
    return (reading.part,)


def resets_observed(resets: Moments, _part: str, reading: PaymentReading, _look: Look) -> Moments:
    """Count resets."""
    at = reading.at_elapsed
    return resets.plus(at) if reading.event is PaymentEvent.RESET else resets.started(at)


def resets_judged(resets: Moments, part: str, look: Look) -> Verdict:
    """Judge how often it was reset."""
    limits = look.thresholds
    count = resets.within(look.at, limits.pay_resets_window_seconds)
    if count > limits.pay_resets:
        began_at = look.at - limits.pay_resets_window_seconds
        severity = CATALOGUE[RESETS].severity
        bad = Condition.BAD
        return Verdict(RESETS, part, bad, severity, began_at, count, limits.pay_resets, "resets")
    quiet = resets.quiet_for(look.at, limits.pay_resets_quiet_seconds)
    return Verdict(RESETS, part, Condition.GOOD if quiet else Condition.UNDECIDED)


class TriesMemory(msgspec.Struct, frozen=True):
    """The last tries, oldest first: approved or not."""

    approved: tuple[bool, ...] = ()


_ENDINGS = {PaymentEvent.APPROVED: True, PaymentEvent.DENIED: False}


def tries_observed(
    memory: TriesMemory, _part: str, reading: PaymentReading, look: Look
) -> TriesMemory:
    """Add how a try ended."""
    ending = _ENDINGS.get(reading.event)
    if ending is None:
        return memory
    return TriesMemory((*memory.approved, ending)[-look.thresholds.pay_tries :])


def tries_judged(memory: TriesMemory, part: str, look: Look) -> Verdict:
    """Judge the share of tries that were approved."""
    limits = look.thresholds
    if len(memory.approved) < limits.pay_tries:
        return Verdict(DECLINES, part, Condition.UNDECIDED)
    percent = PERCENT * sum(memory.approved) / len(memory.approved)
    if percent < limits.pay_success_percent:
        return Verdict(
            DECLINES,
            part,
            Condition.BAD,
            CATALOGUE[DECLINES].severity,
            look.at,
            round(percent, 1),
            limits.pay_success_percent,
            "declined",
        )
    is_good = percent > limits.pay_success_clear_percent
    return Verdict(DECLINES, part, Condition.GOOD if is_good else Condition.UNDECIDED)


def reader_restored(_memory: ReaderMemory) -> ReaderMemory:
    """Forget what it said: a reader that was off with the agent may say else."""
    return ReaderMemory()


_BOTH = (PaymentReading, DeviceFailure)
RULES = (
    Rule(
        OFFLINE,
        ReaderMemory,
        _BOTH,
        _readers,
        reader_observed,
        reader_judged,
        by_time=True,
        restored=reader_restored,
    ),
    Rule(RESETS, Moments, (PaymentReading,), _spoken, resets_observed, resets_judged, by_time=True),
    Rule(DECLINES, TriesMemory, (PaymentReading,), _spoken, tries_observed, tries_judged),
)
