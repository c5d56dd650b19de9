"""Life of a notice on its way out."""

from enum import StrEnum

from fleet_server.life_cycles import LifeCycle


class NoticeState(StrEnum):
    """`kept` notices leave by no channel; they are shown."""

    PENDING = "pending"
    KEPT = "kept"
    SENT = "sent"
    FAILED = "failed"


NOTICE_LIFE = LifeCycle(
    "notice",
    NoticeState.PENDING,
    {
        NoticeState.PENDING: frozenset({NoticeState.KEPT, NoticeState.SENT, NoticeState.FAILED}),
        NoticeState.KEPT: frozenset(),
        NoticeState.SENT: frozenset(),
        NoticeState.FAILED: frozenset(),
    },
)
