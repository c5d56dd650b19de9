"""Cases of doors, locks and their boards (hardware reference 6.2, DOOR_OPEN_LONG to BUS_ERRORS)."""

from functools import partial

from protocol.faults import Severity
from tests.edge_agent.detection.cabinet import CLOSED, OPEN
from tests.edge_agent.detection.case import Case, Play, run, say, then
from tests.edge_agent.detection.words import frames, latch, pulse, reed, silent

HOUR = 3_600.0
latched, unlatched = partial(latch, CLOSED), partial(latch, OPEN)
shut, ajar = partial(reed, CLOSED), partial(reed, OPEN)
board_silent = partial(silent, "lock_board", "locks", "A")

sale = then(say(pulse), say(unlatched), say(latched))
in_vain = then(say(pulse), run(5, latched))
clean, broken = partial(frames, 100, 0), partial(frames, 100, 6)


def chatter(edges: int) -> Play:
    """A reed that says otherwise each second."""
    words = (ajar, shut)
    return then(say(words[1]), *(say(words[turn % 2]) for turn in range(edges)))


CASES = (
    Case(
        "DOOR_OPEN_LONG",
        "A",
        Severity.M,
        cause="open",
        harmless=then(run(179, unlatched), say(latched), times=8),
        almost=run(180, unlatched),
        raised=say(unlatched),
        since_seconds=180,
        limit=180,
        held=run(10, latched),
        cleared=say(latched),
        muted=True,
    ),
    Case(
        "DOOR_FORCED",
        "A",
        Severity.C,
        cause="no_unlock",
        harmless=then(run(5, latched), say(pulse), run(15, latched), say(unlatched)),
        almost=then(say(latched), say(pulse), run(16, latched)),
        raised=say(unlatched),
        held=run(HOUR, latched, every=10.0),
        cleared=say(latched),
        latched=True,
        across_reboot=False,  # what happened to the door while the agent was off nobody knows
        muted=True,
    ),
    Case(
        "DOOR_EXCESS",
        "A",
        Severity.I,
        cause="openings",
        harmless=then(sale, run(57, latched), times=90),
        almost=then(say(latched), then(sale, times=60)),
        raised=then(say(pulse), say(unlatched)),
        since_seconds=HOUR,
        limit=60,
        held=run(3_400, latched, every=10.0),
        cleared=run(30, latched, every=10.0),
        across_reboot=False,  # a door first seen open is no opening
        muted=True,
    ),
    Case(
        "DOOR_SENSOR",
        "A",
        Severity.N,
        cause="latched_but_open",
        harmless=then(run(59, ajar, latched), say(shut, latched), times=10),
        almost=run(60, ajar, latched),
        raised=say(ajar, latched),
        since_seconds=60,
        limit=60,
        held=run(600, shut, latched),
        cleared=say(shut, latched),
        across_gap=False,
    ),
    Case(
        "DOOR_SENSOR",
        "A",
        Severity.N,
        cause="chatter",
        harmless=then(run(3, shut), run(3, ajar), times=120),
        almost=chatter(20),
        raised=say(ajar),
        since_seconds=60,
        limit=20,
        held=run(570, shut),
        cleared=run(15, shut),
        across_gap=False,
        across_reboot=False,  # the edge between the two words nobody saw
    ),
    Case(
        "LOCK_OPEN_FAIL",
        "A",
        Severity.M,
        cause="open_not_detected",
        harmless=then(then(in_vain, times=2), sale, times=5),
        almost=then(say(latched), then(in_vain, times=2), say(pulse), run(4, latched)),
        raised=say(latched),
        since_seconds=5,
        limit=3,
        held=run(60, latched),
        cleared=then(say(pulse), say(unlatched)),
        across_reboot=False,  # whether the pulse before it opened the door nobody knows
    ),
    Case(
        "LOCK_NOT_LATCHED",
        "A",
        Severity.C,
        cause="shut_not_latched",
        harmless=then(run(19, shut, unlatched), say(ajar, unlatched), times=20),
        almost=run(20, shut, unlatched),
        raised=say(shut, unlatched),
        since_seconds=20,
        limit=20,
        held=run(10, shut, latched),
        cleared=say(shut, latched),
        across_gap=False,
        muted=True,
    ),
    Case(
        "LOCK_BOARD_COMM",
        "locks",
        Severity.M,
        cause="silent",
        harmless=then(run(12, board_silent, every=3.0), say(latched), times=20),
        almost=run(12, board_silent, every=3.0),
        raised=run(3, board_silent, every=3.0),
        since_seconds=12,
        limit=5,
        held=run(2, latched),
        cleared=say(latched),
    ),
    Case(
        "BUS_ERRORS",
        "/dev/ttyS1",
        Severity.N,
        cause="broken_answers",
        harmless=run(HOUR, partial(frames, 100, 5), every=10.0),
        almost=run(600, broken, every=10.0),
        raised=run(10, broken, every=10.0),
        since_seconds=540,  # the oldest tenth of the window that is still in it
        limit=5.0,
        held=run(2_270, clean, every=10.0),
        cleared=run(20, clean, every=10.0),
        across_gap=False,
    ),
)
