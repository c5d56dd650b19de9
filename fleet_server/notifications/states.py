"""Lives of a notice and of its deliveries."""

from collections.abc import Iterable
from enum import StrEnum

from fleet_server.life_cycles import LifeCycle


class NoticeState(StrEnum):
    """What became of a notice as a whole, and of one delivery of it."""

    PENDING = "pending"  # leaves as soon as it can
    HELD = "held"  # waits for the end of quiet hours
    KEPT = "kept"  # leaves by no channel; it is shown
    SENT = "sent"  # a channel took it
    FAILED = "failed"  # no channel took it, and nobody tries any more; it is shown


_S = NoticeState
WAITING = frozenset({_S.PENDING, _S.HELD})
"""A delivery that still leaves, now or later."""
_ENDED = frozenset({_S.KEPT, _S.SENT, _S.FAILED})

NOTICE_LIFE = LifeCycle(
    "notice",
    _S.PENDING,
    {
        _S.PENDING: _ENDED | {_S.HELD},
        _S.HELD: _ENDED | {_S.PENDING},
        _S.KEPT: frozenset(),
        _S.SENT: frozenset(),
        _S.FAILED: frozenset(),
    },
)

DELIVERY_LIFE = LifeCycle("delivery of a notice", _S.PENDING, NOTICE_LIFE.steps)
"""One delivery to one address takes the same steps by itself."""


def state_of(deliveries: Iterable[NoticeState]) -> NoticeState:
    """State of a notice: it waits while any delivery does, and one that arrived makes it sent."""
    found = set(deliveries)
    order = (_S.PENDING, _S.HELD, _S.SENT, _S.FAILED)
    return next((state for state in order if state in found), _S.KEPT)
