"""Who gets a notice: roles in scope, the addressed person, who is on call; once an address."""

from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from fleet_server.auth.rules import Role
from fleet_server.auth.service import close_account
from fleet_server.notifications import spreading
from fleet_server.notifications.rules import ON_CALL, Urgency, to_role, to_technician, to_user
from tests.desk import Desk
from tests.fleet_server.notifications.post_office import Office

DISPATCHERS = to_role(Role.DISPATCHER)


def turn(desk: Desk, user_id: str, begins_hours: float, ends_hours: float) -> dict[str, Any]:
    now = desk.clock.now()
    return {
        "user_id": user_id,
        "from": (now + timedelta(hours=begins_hours)).isoformat(),
        "to": (now + timedelta(hours=ends_hours)).isoformat(),
    }


def test_a_role_notice_goes_to_each_holder_where_the_thing_is_and_to_no_other(desk: Desk) -> None:
    office = Office(desk)
    office.person("everywhere", Role.DISPATCHER, urls=["x://everywhere"])
    office.person("here", Role.DISPATCHER, site="s1", urls=["x://here"])
    office.person("there", Role.DISPATCHER, site="s2", urls=["x://there"])
    office.person("other", Role.OPERATOR, urls=["x://other"])
    office.tell(DISPATCHERS)
    office.round()
    assert office.box.arrived == ["x://everywhere", "x://here"]


def test_channels_of_a_role_hear_what_is_for_it_and_those_of_the_installation_everything(
    desk: Desk,
) -> None:
    office = Office(desk, "all://", roles={"dispatcher": ["d://"], "supervisor": ["s://"]})
    office.tell(DISPATCHERS, title="one")
    office.tell(to_user(office.person("ann")), title="two")
    office.round()
    assert office.box.titles("all://") == ["one", "two"]
    assert office.box.titles("d://") == ["one"]
    assert office.box.titles("s://") == []


def test_an_address_several_share_hears_a_notice_once(desk: Desk) -> None:
    office = Office(desk, roles={"dispatcher": ["group://", "group://"]})
    office.person("ann", Role.DISPATCHER, urls=["mine://", "same://"])
    office.person("bob", Role.DISPATCHER, urls=["same://"])
    office.tell(DISPATCHERS)
    office.round()
    assert office.box.arrived == ["group://", "mine://", "same://"]


def test_a_person_with_two_roles_is_told_once_in_the_same_words(desk: Desk) -> None:
    """A recall tells three roles: who holds two of them gets one message, not two."""
    office = Office(desk)
    office.person("ann", Role.OPERATOR, Role.SUPERVISOR, urls=["mine://"])
    office.tell(to_role(Role.OPERATOR))
    office.tell(to_role(Role.SUPERVISOR))
    office.round()
    assert office.box.arrived == ["mine://"]


def test_a_technician_without_a_login_is_rung_up_by_a_dispatcher(desk: Desk) -> None:
    office = Office(desk)
    office.person("ann", Role.DISPATCHER, urls=["mine://"])
    office.tell(to_technician("t1"))
    office.round()
    assert office.box.arrived == ["mine://"]


def test_who_closed_the_account_gets_nothing_and_that_is_logged(desk: Desk) -> None:
    office = Office(desk)
    user_id = office.person("ann", urls=["mine://"])
    with desk.server.transactions.write("system:test") as tx:
        close_account(tx, user_id)
    notice_id = office.tell(to_user(user_id))
    with capture_logs() as logs:
        office.round()
    assert office.state(notice_id) == "kept"
    assert [one["event"] for one in logs] == ["notice.for_nobody"]


def test_recipients_are_bounded_and_the_rest_is_told_by_a_loud_line(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreading, "RECIPIENTS_MAX", 2)
    office = Office(desk)
    for number in range(3):
        office.person(f"p{number}", Role.AUDITOR, urls=[f"x://{number}"])
    office.tell(to_role(Role.AUDITOR))
    with capture_logs() as logs:
        office.round()
    assert len(office.box.arrived) == 2
    assert [one["event"] for one in logs] == ["notice.too_many_recipients"]


def test_people_see_what_is_for_them_and_for_their_roles_where_they_work(desk: Desk) -> None:
    office = Office(desk)
    me = desk.api.as_(Role.OPERATOR, name="me")
    user_id = me.get("/session")["user_id"]
    here = desk.api.as_(Role.DISPATCHER, site="s1", name="here")
    there = desk.api.as_(Role.DISPATCHER, site="s2", name="there")
    own = office.tell(to_user(user_id))
    role = office.tell(DISPATCHERS)
    office.tell(to_role(Role.SUPERVISOR))
    field = office.tell(to_technician("x"))
    assert [notice["id"] for notice in me.get("/notices")["items"]] == [own]
    assert [notice["id"] for notice in here.get("/notices")["items"]] == [role]
    assert there.get("/notices")["items"] == []
    seen = {notice["id"] for notice in desk.dispatcher.get("/notices")["items"]}
    assert seen == {role, field}


# --- on call ---


def test_who_is_on_call_gets_it_while_their_turn_lasts(desk: Desk) -> None:
    office = Office(desk)
    ann, bob = (office.person(name, urls=[f"x://{name}"]) for name in ("ann", "bob"))
    desk.supervisor.put(
        "/notices/on-call", {"turns": [turn(desk, ann, -1, 1), turn(desk, bob, 1, 2)]}
    )
    office.tell(ON_CALL, title="first")
    office.round()
    desk.clock.advance(3600)
    office.tell(ON_CALL, title="second")
    office.round()
    assert office.box.titles("x://ann") == ["first"]
    assert office.box.titles("x://bob") == ["second"]


def test_nobody_on_call_means_the_supervisors_and_a_loud_line(desk: Desk) -> None:
    office = Office(desk, roles={"supervisor": ["s://"]})
    office.person("chief", Role.SUPERVISOR, urls=["x://chief"])
    notice_id = office.tell(ON_CALL, Urgency.URGENT)
    with capture_logs() as logs:
        office.round()
    assert office.box.arrived == ["s://", "x://chief"]
    assert [(one["event"], one["log_level"]) for one in logs] == [
        ("notice.nobody_on_call", "error")
    ]
    shown = desk.supervisor.get("/notices")["items"]
    assert [one["id"] for one in shown] == [notice_id]


def test_what_was_for_those_on_call_is_seen_by_who_was_so_then(desk: Desk) -> None:
    office = Office(desk)
    me = desk.api.as_(Role.TECHNICIAN, name="me")
    user_id = me.get("/session")["user_id"]
    before = office.tell(ON_CALL, title="before")
    desk.clock.advance(60)
    desk.supervisor.put("/notices/on-call", {"turns": [turn(desk, user_id, -1, 1)]})
    mine = office.tell(ON_CALL, title="mine")
    desk.clock.advance(60)
    desk.supervisor.put("/notices/on-call", {"turns": []})
    desk.clock.advance(60)
    after = office.tell(ON_CALL, title="after")
    seen = {one["id"] for one in me.get("/notices")["items"]}
    assert mine in seen
    assert after not in seen
    assert before in seen, "the turn began an hour before it was entered"


def test_the_roster_shows_what_has_not_ended_and_is_put_in_one_piece(desk: Desk) -> None:
    office = Office(desk)
    ann = office.person("ann")
    turns = [turn(desk, ann, -3, -2), turn(desk, ann, -1, 1), turn(desk, ann, 5, 6)]
    shown = desk.supervisor.put("/notices/on-call", {"turns": turns})["turns"]
    assert len(shown) == 2
    assert desk.viewer.get("/notices/on-call")["turns"] == shown
    desk.api.as_(Role.ADMIN).put("/notices/on-call", {"turns": turns[2:]})
    assert len(desk.viewer.get("/notices/on-call")["turns"]) == 1


def test_a_roster_with_a_stranger_or_a_turn_backwards_is_refused_whole(desk: Desk) -> None:
    office = Office(desk)
    ann = office.person("ann")
    good = turn(desk, ann, 0, 1)
    for wrong in (
        turn(desk, "nobody", 0, 1),
        turn(desk, ann, 1, 0),
        {**good, "from": "2026-03-02"},
    ):
        answer = desk.supervisor.try_put("/notices/on-call", {"turns": [good, wrong]})
        assert answer.status_code == 422, answer.text
    assert desk.viewer.get("/notices/on-call")["turns"] == []
    assert desk.dispatcher.try_put("/notices/on-call", {"turns": [good]}).status_code == 403
