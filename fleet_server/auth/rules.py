"""Pure: roles, what each permits, and how far a grant reaches."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from fleet_server.errors import ForbiddenError


class Role(StrEnum):
    """Roles of the design; every grant may be limited to a site or a region."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    DISPATCHER = "dispatcher"
    TECHNICIAN = "technician"
    RECALL_AUTHOR = "recall_author"
    RECALL_APPROVER = "recall_approver"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Permission(StrEnum):
    """What can be permitted. Deny by default: what no role lists, nobody may."""

    VIEW = "view"
    REGISTER = "register"  # sites, cabinets, claims, products, planograms
    COMMAND = "command"  # orders to cabinets, desired state
    TICKET = "ticket"  # open and move tickets
    VERIFY = "verify"  # verify and close tickets
    DISPATCH = "dispatch"  # technicians, visits, offers of others
    WORK = "work"  # own visits and offers
    HOLD = "hold"  # stop sale for 24 h
    RECALL_WRITE = "recall_write"
    RECALL_APPROVE = "recall_approve"
    OVERRIDE = "override"  # second person for discrepancies
    READ_AUDIT = "read_audit"
    ADMINISTER = "administer"  # people, roles, tokens, enrolment approvals, dead letters


_V = Permission.VIEW

PERMITS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({_V}),
    Role.OPERATOR: frozenset(
        {_V, Permission.TICKET, Permission.COMMAND, Permission.HOLD, Permission.VERIFY}
    ),
    Role.DISPATCHER: frozenset({_V, Permission.TICKET, Permission.DISPATCH}),
    Role.TECHNICIAN: frozenset({_V, Permission.WORK}),
    Role.RECALL_AUTHOR: frozenset({_V, Permission.HOLD, Permission.RECALL_WRITE}),
    Role.RECALL_APPROVER: frozenset({_V, Permission.HOLD, Permission.RECALL_APPROVE}),
    Role.SUPERVISOR: frozenset(
        {
            _V,
            Permission.TICKET,
            Permission.VERIFY,
            Permission.DISPATCH,
            Permission.COMMAND,
            Permission.HOLD,
            Permission.OVERRIDE,
        }
    ),
    Role.AUDITOR: frozenset({_V, Permission.READ_AUDIT}),
    # An admin sets things up; it neither writes nor approves recalls and works no visits.
    Role.ADMIN: frozenset(
        {
            _V,
            Permission.REGISTER,
            Permission.COMMAND,
            Permission.DISPATCH,
            Permission.ADMINISTER,
            Permission.READ_AUDIT,
        }
    ),
}


@dataclass(frozen=True)
class Grant:
    """One role, everywhere or in one site or region."""

    role: Role
    site_id: str | None = None
    region: str | None = None

    def reaches(self, site_id: str | None, region: str | None) -> bool:
        """Whether the grant covers a thing at that site; a thing without site needs no limit."""
        if self.site_id is None and self.region is None:
            return True
        if self.site_id is not None:
            return site_id == self.site_id
        return region == self.region


@dataclass(frozen=True)
class Scope:
    """How far a permission reaches, for filters of lists."""

    everywhere: bool
    sites: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Actor:
    """Who calls, with what it was granted."""

    name: str
    """`user:<id>`, `program:<token id>`, `system:<part>`; the `actor` of transactions."""
    grants: tuple[Grant, ...]
    user_id: str | None = None

    def may(
        self, permission: Permission, site_id: str | None = None, region: str | None = None
    ) -> bool:
        """Whether a grant permits this there."""
        return any(
            permission in PERMITS[grant.role] and grant.reaches(site_id, region)
            for grant in self.grants
        )

    def must(
        self, permission: Permission, site_id: str | None = None, region: str | None = None
    ) -> None:
        """Raise ForbiddenError unless `may`."""
        if not self.may(permission, site_id, region):
            where = f" at site {site_id}" if site_id else ""
            raise ForbiddenError(f"{permission} is not permitted to you{where}")

    def must_somewhere(self, permission: Permission) -> Scope:
        """Scope of a permission; ForbiddenError when there is none at all."""
        scope = scope_of(self.grants, permission)
        if scope is None:
            raise ForbiddenError(f"{permission} is not permitted to you")
        return scope


def scope_of(grants: Iterable[Grant], permission: Permission) -> Scope | None:
    """Return how far the permission reaches; None when it is not granted at all."""
    granting = [grant for grant in grants if permission in PERMITS[grant.role]]
    if not granting:
        return None
    return Scope(
        everywhere=any(grant.site_id is None and grant.region is None for grant in granting),
        sites=frozenset(grant.site_id for grant in granting if grant.site_id),
        regions=frozenset(
            grant.region for grant in granting if grant.region and grant.site_id is None
        ),
    )
