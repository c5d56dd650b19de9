"""Roles and how far a grant reaches: deny by default."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_server.auth.rules import PERMITS, Actor, Grant, Permission, Role, scope_of
from fleet_server.errors import ForbiddenError

SITES = st.one_of(st.none(), st.sampled_from(["s1", "s2"]))
REGIONS = st.one_of(st.none(), st.sampled_from(["r1", "r2"]))
GRANTS = st.lists(st.builds(Grant, st.sampled_from(Role), SITES, REGIONS), max_size=4)


def test_every_role_of_the_design_has_its_permissions() -> None:
    assert set(PERMITS) == set(Role)
    assert all(Permission.VIEW in granted for granted in PERMITS.values())
    assert {one for granted in PERMITS.values() for one in granted} == set(Permission)


def test_no_role_writes_and_approves_the_same_recall() -> None:
    both = {Permission.RECALL_WRITE, Permission.RECALL_APPROVE}
    assert not [role for role, granted in PERMITS.items() if both <= granted]


@given(GRANTS, st.sampled_from(Permission), SITES, REGIONS)
def test_somebody_may_what_some_grant_permits_there_and_nothing_else(
    grants: list[Grant], permission: Permission, site: str | None, region: str | None
) -> None:
    actor = Actor("user:1", tuple(grants))
    expected = any(
        permission in PERMITS[grant.role]
        and (
            (grant.site_id is None and grant.region is None)
            or (grant.site_id is not None and grant.site_id == site)
            or (grant.site_id is None and grant.region is not None and grant.region == region)
        )
        for grant in grants
    )
    assert actor.may(permission, site, region) == expected
    if not expected:
        with pytest.raises(ForbiddenError):
            actor.must(permission, site, region)


@given(GRANTS, st.sampled_from(Permission), st.sampled_from(["s1", "s2"]), st.sampled_from(["r1"]))
def test_a_list_never_shows_what_a_look_at_one_thing_would_refuse(
    grants: list[Grant], permission: Permission, site: str, region: str
) -> None:
    scope = scope_of(grants, permission)
    listed = scope is not None and (
        scope.everywhere or site in scope.sites or region in scope.regions
    )
    if listed:
        assert Actor("user:1", tuple(grants)).may(permission, site, region)


def test_without_any_grant_there_is_no_scope() -> None:
    with pytest.raises(ForbiddenError):
        Actor("user:1", ()).must_somewhere(Permission.VIEW)
