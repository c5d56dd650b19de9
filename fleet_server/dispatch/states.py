"""Life of a visit, and of an offer of it to one technician."""

from enum import StrEnum

from fleet_server.life_cycles import LifeCycle


class VisitState(StrEnum):
    """States of the design (fleet-server, Visit)."""

    PLANNED = "planned"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    TRAVELLING = "travelling"
    ON_SITE = "on_site"
    DONE = "done"
    ABORTED = "aborted"


_V = VisitState

VISIT_LIFE = LifeCycle(
    "visit",
    _V.PLANNED,
    {
        _V.PLANNED: frozenset({_V.OFFERED, _V.ABORTED}),
        # Back to planned: declined or expired, which are states of the offer.
        _V.OFFERED: frozenset({_V.ACCEPTED, _V.PLANNED, _V.ABORTED}),
        # Back to planned: a better plan, or a dispatcher, gives it to somebody else (ADR 0025).
        _V.ACCEPTED: frozenset({_V.TRAVELLING, _V.PLANNED, _V.ABORTED}),
        _V.TRAVELLING: frozenset({_V.ON_SITE, _V.ABORTED}),
        _V.ON_SITE: frozenset({_V.DONE, _V.ABORTED}),
        _V.DONE: frozenset(),
        _V.ABORTED: frozenset(),
    },
)

NOT_BEGUN = frozenset({_V.PLANNED, _V.OFFERED, _V.ACCEPTED})
"""A further ticket of the site joins a visit in these."""

UNDER_WAY = frozenset({_V.TRAVELLING, _V.ON_SITE})
"""Somebody has set out for it: it is theirs to the end."""

UNENDED = NOT_BEGUN | UNDER_WAY

DECLINED = "declined"
"""Answer a technician may give where the visit's next state would be `accepted`."""


class OfferState(StrEnum):
    """What became of an offer."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


OFFER_LIFE = LifeCycle(
    "offer",
    OfferState.OFFERED,
    {
        OfferState.OFFERED: frozenset(
            {
                OfferState.ACCEPTED,
                OfferState.DECLINED,
                OfferState.EXPIRED,
                OfferState.WITHDRAWN,
            }
        ),
        OfferState.ACCEPTED: frozenset(),
        OfferState.DECLINED: frozenset(),
        OfferState.EXPIRED: frozenset(),
        OfferState.WITHDRAWN: frozenset(),
    },
)
