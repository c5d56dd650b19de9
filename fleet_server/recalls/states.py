"""Life cycles: of a hold, a recall, a cabinet and a buyer in a recall (design: recalls)."""

from enum import StrEnum

from fleet_server.life_cycles import LifeCycle


class HoldState(StrEnum):
    """A hold is one person's word, so it ends by itself."""

    ACTIVE = "active"
    EXPIRED = "expired"
    LIFTED = "lifted"
    CONVERTED = "converted"


HOLD_LIFE = LifeCycle(
    "hold",
    HoldState.ACTIVE,
    {
        HoldState.ACTIVE: frozenset({HoldState.EXPIRED, HoldState.LIFTED, HoldState.CONVERTED}),
        HoldState.EXPIRED: frozenset(),
        HoldState.LIFTED: frozenset(),
        HoldState.CONVERTED: frozenset(),
    },
)


class RecallState(StrEnum):
    """Life of a recall."""

    DRAFT = "draft"
    PENDING_APPROVAL = "pending_approval"
    APPROVED = "approved"
    ACTIVE = "active"
    MONITORING = "monitoring"
    CLOSED = "closed"
    TERMINATED = "terminated"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn_in_error"


_R = RecallState

RECALL_LIFE = LifeCycle(
    "recall",
    _R.DRAFT,
    {
        _R.DRAFT: frozenset({_R.PENDING_APPROVAL, _R.CANCELLED}),
        _R.PENDING_APPROVAL: frozenset({_R.APPROVED, _R.REJECTED, _R.CANCELLED}),
        _R.REJECTED: frozenset({_R.DRAFT, _R.CANCELLED}),
        _R.APPROVED: frozenset({_R.ACTIVE, _R.CANCELLED}),
        _R.ACTIVE: frozenset({_R.MONITORING, _R.WITHDRAWN}),
        _R.MONITORING: frozenset({_R.CLOSED, _R.WITHDRAWN}),
        _R.CLOSED: frozenset({_R.TERMINATED}),
        _R.TERMINATED: frozenset(),
        _R.CANCELLED: frozenset(),
        _R.WITHDRAWN: frozenset(),
    },
)

RUNNING = frozenset({_R.ACTIVE, _R.MONITORING})
"""Rules are in force; late events still add cabinets and buyers."""


class CabinetRecallState(StrEnum):
    """How far a recall is at one cabinet."""

    IN_SCOPE = "in_scope"
    ORDER_QUEUED = "order_queued"
    ACKED_BLOCKING = "acked_blocking"
    VISIT_ASSIGNED = "visit_assigned"
    ON_SITE = "on_site"
    COUNTED = "counted"
    REMOVED = "removed"
    RECONCILED = "reconciled"
    VERIFIED = "verified"
    RELEASED = "released"
    UNREACHABLE = "unreachable"
    DISCREPANCY = "discrepancy"
    NONE_FOUND = "none_found"
    REFUSED_ACCESS = "refused_access"
    RETIRED = "retired"


_C = CabinetRecallState
_FOUND = frozenset({_C.COUNTED, _C.NONE_FOUND, _C.RETIRED})
_COMING = _FOUND | {_C.VISIT_ASSIGNED, _C.ON_SITE}

CABINET_LIFE = LifeCycle(
    "cabinet in a recall",
    _C.IN_SCOPE,
    {
        _C.IN_SCOPE: frozenset({_C.ORDER_QUEUED}),
        _C.ORDER_QUEUED: _COMING | {_C.ACKED_BLOCKING, _C.UNREACHABLE},
        _C.UNREACHABLE: _COMING | {_C.ACKED_BLOCKING},
        _C.ACKED_BLOCKING: _COMING | {_C.DISCREPANCY, _C.REFUSED_ACCESS},
        # Back: the visit was aborted, the goods are still inside.
        _C.VISIT_ASSIGNED: _FOUND
        | {_C.ON_SITE, _C.ACKED_BLOCKING, _C.UNREACHABLE, _C.REFUSED_ACCESS},
        _C.ON_SITE: _FOUND | {_C.ACKED_BLOCKING, _C.UNREACHABLE, _C.REFUSED_ACCESS},
        _C.REFUSED_ACCESS: _COMING | {_C.ACKED_BLOCKING},
        _C.COUNTED: frozenset({_C.REMOVED}),
        _C.REMOVED: frozenset({_C.RECONCILED, _C.DISCREPANCY, _C.ACKED_BLOCKING}),
        _C.DISCREPANCY: frozenset({_C.RECONCILED, _C.ACKED_BLOCKING}),
        # Back: late events show matching units inside, or units nobody can account for.
        _C.RECONCILED: frozenset({_C.VERIFIED, _C.DISCREPANCY, _C.ACKED_BLOCKING}),
        _C.VERIFIED: frozenset({_C.RELEASED, _C.DISCREPANCY, _C.ACKED_BLOCKING}),
        _C.NONE_FOUND: frozenset({_C.RELEASED, _C.DISCREPANCY, _C.ACKED_BLOCKING}),
        _C.RELEASED: frozenset(),
        _C.RETIRED: frozenset(),
    },
)

CABINET_DONE = frozenset({_C.VERIFIED, _C.NONE_FOUND, _C.RETIRED, _C.RELEASED})
"""A recall closes when every cabinet is in one of these."""

CABINET_UNVISITED = frozenset(
    {
        _C.ORDER_QUEUED,
        _C.UNREACHABLE,
        _C.ACKED_BLOCKING,
        _C.VISIT_ASSIGNED,
        _C.ON_SITE,
        _C.REFUSED_ACCESS,
    }
)
"""Nobody has counted yet."""


class BuyerState(StrEnum):
    """How far a recall is with one buyer (one sale)."""

    IDENTIFIED = "identified"
    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    ANSWERED = "answered"
    REMEDY_OFFERED = "remedy_offered"
    REMEDIED = "remedied"
    DECLINED = "declined"
    NO_CONTACT = "no_contact"
    BOUNCED = "bounced"
    PUBLIC_FALLBACK = "public_fallback"


_B = BuyerState
_SILENT = frozenset({_B.ANSWERED, _B.BOUNCED, _B.PUBLIC_FALLBACK})

BUYER_LIFE = LifeCycle(
    "buyer in a recall",
    _B.IDENTIFIED,
    {
        _B.IDENTIFIED: frozenset({_B.QUEUED, _B.NO_CONTACT}),
        _B.QUEUED: frozenset({_B.SENT, _B.BOUNCED, _B.NO_CONTACT}),
        _B.SENT: _SILENT | {_B.DELIVERED, _B.READ},
        _B.DELIVERED: _SILENT | {_B.READ},
        _B.READ: _SILENT,
        _B.ANSWERED: frozenset({_B.REMEDY_OFFERED, _B.DECLINED}),
        _B.REMEDY_OFFERED: frozenset({_B.REMEDIED, _B.DECLINED}),
        _B.NO_CONTACT: frozenset({_B.PUBLIC_FALLBACK}),
        _B.BOUNCED: frozenset({_B.PUBLIC_FALLBACK}),
        # Somebody read the public notice and came.
        _B.PUBLIC_FALLBACK: frozenset({_B.ANSWERED}),
        _B.REMEDIED: frozenset(),
        _B.DECLINED: frozenset(),
    },
)

BUYER_DONE = frozenset({_B.REMEDIED, _B.DECLINED, _B.PUBLIC_FALLBACK})
"""A recall closes when every buyer is in one of these (invariant 12)."""

TOLD = frozenset(
    {_B.SENT, _B.DELIVERED, _B.READ, _B.ANSWERED, _B.REMEDY_OFFERED, _B.REMEDIED, _B.DECLINED}
)
"""Buyers who were written to."""


class Answer(StrEnum):
    """What a buyer says became of the goods."""

    KEPT = "kept"
    EATEN = "eaten"
    DISCARDED = "discarded"
    INJURED = "injured"
    NOT_MINE = "not_mine"
