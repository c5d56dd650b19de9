"""An urgent notice nobody took climbs: to other channels of the person, then to who is on call."""

import pytest

from fleet_server.auth.rules import Role
from fleet_server.notifications.models import Notice
from fleet_server.notifications.rules import (
    ATTEMPTS_MAX,
    ON_CALL,
    RETRY_MAX,
    Urgency,
    to_role,
    to_user,
)
from tests.desk import Desk
from tests.fleet_server.notifications.post_office import Office


def exhaust(office: Office) -> None:
    """Let every attempt be made."""
    for _ in range(ATTEMPTS_MAX + 1):
        office.round()
        office.desk.clock.advance(RETRY_MAX.total_seconds())


def for_on_call(desk: Desk) -> list[Notice]:
    with desk.server.transactions.read() as tx:
        return list(tx.session.query(Notice).filter_by(audience=ON_CALL).order_by(Notice.id))


@pytest.fixture
def office(desk: Desk) -> Office:
    return Office(desk)


def reader(office: Office, wanted: str, spare: str) -> str:
    """Id of a person who wants urgent notices by the first of two channels."""
    session = office.desk.api.as_(Role.TECHNICIAN, name="reader")
    user_id: str = session.get("/session")["user_id"]
    first = office.add_address(user_id, wanted)
    office.add_address(user_id, spare)
    session.put("/notices/preferences", {"channels": {"urgent": [first], "normal": [first]}})
    return user_id


def test_an_urgent_notice_goes_by_the_next_channel_when_the_first_fails(office: Office) -> None:
    user_id = reader(office, "first://", "second://")
    office.box.down.add("first://")
    notice_id = office.tell(to_user(user_id), Urgency.URGENT)
    exhaust(office)
    assert office.box.arrived == ["second://"]
    assert [(one.rung, one.state) for one in office.deliveries(notice_id)] == [
        (0, "failed"),
        (1, "sent"),
    ]
    assert office.state(notice_id) == "sent"
    assert for_on_call(office.desk) == []


def test_a_normal_one_stays_failed_and_shown(office: Office) -> None:
    user_id = reader(office, "first://", "second://")
    office.box.down.add("first://")
    notice_id = office.tell(to_user(user_id))
    exhaust(office)
    assert (office.state(notice_id), office.box.arrived) == ("failed", [])


def test_a_browser_that_is_gone_costs_no_retries_before_the_next_channel(office: Office) -> None:
    user_id = reader(office, "first://", "second://")
    office.box.gone.add("first://")
    office.tell(to_user(user_id), Urgency.URGENT)
    office.round()
    office.round()
    assert office.box.arrived == ["second://"]


def test_when_no_channel_of_a_person_takes_it_who_is_on_call_hears_of_it(office: Office) -> None:
    user_id = reader(office, "first://", "second://")
    office.person("chief", Role.SUPERVISOR, urls=["chief://"])
    office.box.down |= {"first://", "second://"}
    notice_id = office.tell(to_user(user_id), Urgency.URGENT)
    exhaust(office)
    exhaust(office)
    assert office.state(notice_id) == "failed"
    (told,) = for_on_call(office.desk)
    assert told.title_en == "An urgent notice was not delivered: Door open"
    assert told.body_zh == "应收到的人：reader"
    assert (told.kind, told.must_acknowledge, told.about_id) == ("notice.undelivered", True, "t1")
    assert office.box.titles("chief://") == [
        "紧急通知未能送达：门未关 / An urgent notice was not delivered: Door open"
    ]


def test_the_climb_ends_even_when_nothing_works(office: Office) -> None:
    user_id = reader(office, "first://", "second://")
    office.person("chief", Role.SUPERVISOR, urls=["chief://"])
    office.box.down |= {"first://", "second://", "chief://"}
    office.tell(to_user(user_id), Urgency.URGENT)
    for _ in range(4):
        exhaust(office)
    assert len(for_on_call(office.desk)) == 1
    assert office.round() == 0


def test_a_shared_channel_that_fails_is_missed_only_when_nobody_was_reached(desk: Desk) -> None:
    office = Office(desk, "group://")
    office.box.down.add("group://")
    office.person("ann", Role.OPERATOR, urls=["ann://"])
    office.tell(to_role(Role.OPERATOR), Urgency.URGENT)
    exhaust(office)
    assert for_on_call(desk) == []
    office.tell(to_role(Role.RECALL_AUTHOR), Urgency.URGENT)
    exhaust(office)
    (told,) = for_on_call(desk)
    assert told.body_en == "meant for: role:recall_author"
