"""What people want: language, channels by urgency, quiet hours. No preference loses a notice."""

from datetime import timedelta
from typing import Any

import pytest

from fleet_server.auth.rules import Role
from fleet_server.notifications.rules import RETRY_MAX, Channel, Urgency, to_user
from tests.desk import Desk
from tests.fleet_server.notifications.post_office import Office
from tests.web_client import Session

# The tests begin on Monday 08:00 UTC, 16:00 in Shanghai.
AFTERNOON = {"from": "15:00", "to": "17:30", "time_zone": "Asia/Shanghai"}
UNTIL_HALF_PAST_FIVE = 90 * 60


class Reader:
    """A person with channels and a session."""

    def __init__(self, office: Office, *urls: str) -> None:
        self.session: Session = office.desk.api.as_(Role.TECHNICIAN, name="reader")
        self.id: str = self.session.get("/session")["user_id"]
        self.channels = [office.add_address(self.id, url) for url in urls]
        self.office = office

    def wants(self, **preferences: Any) -> None:
        self.session.put("/notices/preferences", preferences)

    def told(self, urgency: Urgency = Urgency.NORMAL, title: str = "") -> str:
        return self.office.tell(to_user(self.id), urgency, title)


@pytest.fixture
def office(desk: Desk) -> Office:
    return Office(desk)


def test_without_a_word_it_is_both_languages_every_channel_and_no_quiet_hours(
    office: Office,
) -> None:
    reader = Reader(office, "a://", "b://")
    assert reader.session.get("/notices/preferences") == {
        "language": "both",
        "quiet_hours": None,
        "channels": {},
    }
    reader.told()
    office.round()
    assert office.box.arrived == ["a://", "b://"]


@pytest.mark.parametrize(
    ("language", "title", "body"),
    [
        ("zh", "门未关", "请处理"),
        ("en", "Door open", "please look"),
        ("both", "门未关 / Door open", "请处理\nplease look"),
    ],
)
def test_a_person_reads_their_language(
    office: Office, language: str, title: str, body: str
) -> None:
    reader = Reader(office, "a://")
    reader.wants(language=language)
    reader.told()
    office.round()
    letter = office.box.taken[0][1]
    assert (letter.title, letter.body) == (title, body)


def test_normal_notices_wait_for_the_end_of_quiet_hours_and_are_seen_to_wait(
    office: Office,
) -> None:
    reader = Reader(office, "a://")
    reader.wants(quiet_hours=AFTERNOON)
    notice_id = reader.told()
    office.round()
    assert office.state(notice_id) == "held"
    assert [one["id"] for one in reader.session.get("/notices", state="held")["items"]] == [
        notice_id
    ]
    office.wait(UNTIL_HALF_PAST_FIVE - 1)
    assert office.box.tried == []
    office.wait(1)
    assert office.state(notice_id) == "sent"


def test_urgent_notices_know_no_quiet_hours(office: Office) -> None:
    """Trap f (requirements, 4): reminders obey the calendar except urgent ones."""
    reader = Reader(office, "a://")
    reader.wants(quiet_hours=AFTERNOON)
    notice_id = reader.told(Urgency.URGENT)
    office.round()
    assert office.state(notice_id) == "sent"


def test_a_retry_does_not_wake_anybody_either(office: Office) -> None:
    reader = Reader(office, "a://")
    reader.wants(quiet_hours={**AFTERNOON, "from": "16:05"})
    office.box.down.add("a://")
    notice_id = reader.told()
    office.round()
    office.box.down.clear()
    office.wait(RETRY_MAX.total_seconds())
    assert (office.state(notice_id), office.box.arrived) == ("held", [])
    office.wait(UNTIL_HALF_PAST_FIVE)
    assert (office.state(notice_id), office.box.arrived) == ("sent", ["a://"])


def test_what_waited_through_a_night_comes_as_one_message(office: Office) -> None:
    reader = Reader(office, "a://")
    reader.wants(quiet_hours=AFTERNOON, language="en")
    for number in range(7):
        reader.told(title=f"n{number}")
    office.round()
    office.wait(UNTIL_HALF_PAST_FIVE)
    assert office.box.titles("a://") == ["7 notices"]


def test_quiet_hours_are_of_a_person_not_of_a_group(desk: Desk) -> None:
    shared = Office(desk, "group://")
    reader = Reader(shared, "a://")
    reader.wants(quiet_hours=AFTERNOON)
    reader.told()
    shared.round()
    assert shared.box.arrived == ["group://"]


def test_each_urgency_has_its_channels(office: Office) -> None:
    reader = Reader(office, "mail://", "chat://")
    office.add_address(reader.id, "push://", Channel.WEB_PUSH)
    mail, chat = reader.channels
    reader.wants(channels={"normal": [mail], "urgent": [chat, "web_push"]})
    reader.told(title="normal")
    reader.told(Urgency.URGENT, "urgent")
    office.round()
    assert office.box.titles("mail://") == ["normal"]
    assert office.box.titles("chat://") == ["urgent"]
    assert office.box.titles("push://") == ["urgent"]


def test_who_wants_no_channel_finds_the_notice_kept(office: Office) -> None:
    reader = Reader(office, "a://")
    reader.wants(channels={"normal": []})
    notice_id = reader.told()
    office.round()
    assert (office.state(notice_id), office.box.tried) == ("kept", [])
    assert [one["id"] for one in reader.session.get("/notices")["items"]] == [notice_id]
    assert [one.error for one in office.deliveries(notice_id)] == ["no channel"]


def test_who_wants_only_a_channel_that_is_gone_gets_it_by_the_others(office: Office) -> None:
    reader = Reader(office, "push://", "mail://")
    reader.wants(channels={"urgent": [reader.channels[0]], "normal": ["web_push"]})
    office.box.gone.add("push://")
    reader.told(Urgency.URGENT, "first")
    office.round()
    reader.told(Urgency.URGENT, "second")
    reader.told(title="third")
    office.round()
    assert sorted(office.box.titles("mail://")) == ["first", "second", "third"]


def test_preferences_are_shown_as_they_were_put(office: Office) -> None:
    reader = Reader(office, "a://")
    wanted = {
        "language": "zh",
        "quiet_hours": {"from": "22:00", "to": "07:00", "time_zone": "Europe/Berlin"},
        "channels": {"normal": ["web_push"], "urgent": None},
    }
    assert reader.session.put("/notices/preferences", wanted) == wanted
    assert reader.session.get("/notices/preferences") == wanted


@pytest.mark.parametrize(
    "wrong",
    [
        {"language": "fr"},
        {"quiet_hours": {"from": "22:00", "to": "22:00"}},
        {"quiet_hours": {"from": "24:00", "to": "07:00"}},
        {"quiet_hours": {"from": "22:00", "to": "07:00", "time_zone": "Mars/Base"}},
        {"channels": {"normal": ["of somebody else"]}},
        {"channels": {"loud": []}},
        {"colour": "red"},
    ],
)
def test_preferences_that_make_no_sense_are_refused(office: Office, wrong: Any) -> None:
    reader = Reader(office, "a://")
    answer = reader.session.try_put("/notices/preferences", wrong)
    assert answer.status_code == 422, answer.text


# --- reading and taking note ---


def test_what_one_person_read_another_has_not(office: Office, desk: Desk) -> None:
    notice_id = office.tell("role:dispatcher")
    office.tell("role:dispatcher", title="other")
    other = desk.api.as_(Role.DISPATCHER, name="other")
    assert desk.dispatcher.get("/notices/unread") == {"count": 2, "more": False}
    shown = desk.dispatcher.post(f"/notices/{notice_id}/read")
    assert shown["read_at"] == desk.clock.now().isoformat().replace("+00:00", "Z")
    assert desk.dispatcher.get("/notices/unread")["count"] == 1
    assert [one["id"] for one in desk.dispatcher.get("/notices", read="true")["items"]] == [
        notice_id
    ]
    assert len(desk.dispatcher.get("/notices", read="false")["items"]) == 1
    assert other.get("/notices/unread")["count"] == 2


def test_what_is_older_than_the_account_is_not_unread(office: Office, desk: Desk) -> None:
    office.tell("role:dispatcher")
    desk.clock.advance(60)
    newcomer = desk.api.as_(Role.DISPATCHER, name="newcomer")
    assert newcomer.get("/notices/unread")["count"] == 0
    assert len(newcomer.get("/notices")["items"]) == 1
    office.tell("role:dispatcher")
    assert newcomer.get("/notices/unread")["count"] == 1


def test_reading_again_keeps_the_first_time(office: Office, desk: Desk) -> None:
    notice_id = office.tell("role:dispatcher")
    first = desk.dispatcher.post(f"/notices/{notice_id}/read")
    desk.clock.advance(60)
    assert desk.dispatcher.post(f"/notices/{notice_id}/read") == first


def test_an_acknowledgement_is_kept_with_who_gave_it_and_counts_as_reading(
    office: Office, desk: Desk
) -> None:
    notice_id = office.tell("role:dispatcher")
    desk.dispatcher.post(f"/notices/{notice_id}/acknowledge")
    (shown,) = desk.dispatcher.get("/notices", acknowledged="true")["items"]
    assert shown["acknowledged_by"].startswith("user:")
    assert (shown["actions"], shown["must_acknowledge"]) == ([], False)
    assert desk.dispatcher.get("/notices", acknowledged="false")["items"] == []
    assert desk.dispatcher.get("/notices/unread")["count"] == 0


def test_anothers_notice_is_not_there(office: Office, desk: Desk) -> None:
    notice_id = office.tell("role:dispatcher")
    for verb in ("acknowledge", "read"):
        assert desk.viewer.try_post(f"/notices/{notice_id}/{verb}").status_code == 404
    (shown,) = desk.dispatcher.get("/notices")["items"]
    assert shown["acknowledged_at"] is None
    assert shown["read_at"] is None


def test_what_became_of_deliveries_is_forgotten_the_notice_stays(
    office: Office, desk: Desk
) -> None:
    reader = Reader(office, "a://")
    notice_id = reader.told()
    office.round()
    reader.session.post(f"/notices/{notice_id}/read")
    desk.wait(timedelta(days=91).total_seconds())
    assert office.deliveries(notice_id) == []
    (shown,) = reader.session.get("/notices")["items"]
    assert (shown["id"], shown["state"]) == (notice_id, "sent")
    assert reader.session.get("/notices/unread")["count"] == 0
