"""Notices: kept and shown, sent at least once, failed visibly, seen by those they are for."""

from sqlalchemy import select

from fleet_server.auth.rules import Role
from fleet_server.notifications.apprise_sender import AppriseSender
from fleet_server.notifications.models import Notice
from fleet_server.notifications.rules import (
    ATTEMPTS_MAX,
    PUBLIC,
    RETRY_FIRST,
    RETRY_MAX,
    About,
    Words,
    retry_delay,
    to_role,
    to_technician,
    to_user,
)
from fleet_server.notifications.service import CLAIM, CLAIM_MAX, Deliverer, notify
from tests.desk import Desk

WORDS = Words("门未关", "Door open", "请处理", "please look")
ABOUT = About("ticket", "t1", "s1", "east")


class Channels:
    """Channels that behave: each takes messages unless it is down."""

    def __init__(self, *down: str) -> None:
        self.down = set(down)
        self.taken: list[tuple[str, str, str]] = []

    def send(self, url: str, title: str, body: str) -> bool:
        if url in self.down:
            raise ConnectionError(url)
        self.taken.append((url, title, body))
        return True


def tell(desk: Desk, audience: str) -> str:
    with desk.server.transactions.write("system:test") as tx:
        return notify(tx, audience, WORDS, ABOUT).id


def state(desk: Desk, notice_id: str) -> str:
    with desk.server.transactions.read() as tx:
        return tx.session.get_one(Notice, notice_id).state


def test_without_channels_notices_are_kept(desk: Desk) -> None:
    notice_id = tell(desk, to_role("dispatcher"))
    channels = Channels()
    Deliverer([]).deliver_due(desk.server.transactions, channels.send)
    assert state(desk, notice_id) == "kept"
    assert channels.taken == []


def test_a_notice_leaves_once_by_each_channel_in_both_languages(desk: Desk) -> None:
    notice_id = tell(desk, to_role("dispatcher"))
    channels = Channels()
    deliverer = Deliverer(["a://", "b://"])
    deliverer.deliver_due(desk.server.transactions, channels.send)
    deliverer.deliver_due(desk.server.transactions, channels.send)
    assert state(desk, notice_id) == "sent"
    assert channels.taken == [
        ("a://", "门未关 / Door open", "请处理\nplease look"),
        ("b://", "门未关 / Door open", "请处理\nplease look"),
    ]


def test_a_retry_goes_only_to_the_channel_that_missed_it(desk: Desk) -> None:
    notice_id = tell(desk, to_role("dispatcher"))
    channels = Channels("b://")
    deliverer = Deliverer(["a://", "b://"])
    deliverer.deliver_due(desk.server.transactions, channels.send)
    assert state(desk, notice_id) == "pending"
    channels.down.clear()
    assert deliverer.deliver_due(desk.server.transactions, channels.send) == 0
    desk.clock.advance(RETRY_FIRST.total_seconds())
    deliverer.deliver_due(desk.server.transactions, channels.send)
    assert [url for url, _, _ in channels.taken] == ["a://", "b://"]
    assert state(desk, notice_id) == "sent"


def test_after_the_last_attempt_a_notice_is_failed_and_still_shown(desk: Desk) -> None:
    notice_id = tell(desk, to_role("dispatcher"))
    channels = Channels("a://")
    deliverer = Deliverer(["a://"])
    for _ in range(ATTEMPTS_MAX):
        assert state(desk, notice_id) == "pending"
        deliverer.deliver_due(desk.server.transactions, channels.send)
        desk.clock.advance(RETRY_MAX.total_seconds())
    assert state(desk, notice_id) == "failed"
    shown = desk.dispatcher.get("/notices", state="failed")["items"]
    assert [notice["id"] for notice in shown] == [notice_id]


def test_a_sender_that_dies_in_the_middle_sends_again_later(desk: Desk) -> None:
    notice_id = tell(desk, to_role("dispatcher"))

    def killed(_url: str, _title: str, _body: str) -> bool:
        raise KeyboardInterrupt

    deliverer = Deliverer(["a://"])
    try:
        deliverer.deliver_due(desk.server.transactions, killed)
    except KeyboardInterrupt:
        assert state(desk, notice_id) == "pending"
    desk.clock.advance(CLAIM.total_seconds())
    deliverer.deliver_due(desk.server.transactions, Channels().send)
    assert state(desk, notice_id) == "sent"


def test_one_round_is_bounded(desk: Desk) -> None:
    for _ in range(CLAIM_MAX + 1):
        tell(desk, to_role("dispatcher"))
    deliverer = Deliverer(["a://"])
    assert deliverer.deliver_due(desk.server.transactions, Channels().send) == CLAIM_MAX
    assert deliverer.deliver_due(desk.server.transactions, Channels().send) == 1


def test_what_is_for_the_public_or_a_buyer_never_leaves_by_staff_channels(desk: Desk) -> None:
    kept = [tell(desk, PUBLIC), tell(desk, "buyer:b1")]
    channels = Channels()
    Deliverer(["a://"]).deliver_due(desk.server.transactions, channels.send)
    assert [state(desk, notice_id) for notice_id in kept] == ["kept", "kept"]
    assert channels.taken == []


def test_delays_double_up_to_the_bound() -> None:
    delays = [retry_delay(attempts).total_seconds() for attempts in range(1, ATTEMPTS_MAX + 1)]
    assert delays[:4] == [15, 30, 60, 120]
    assert max(delays) == RETRY_MAX.total_seconds()


def test_a_channel_that_is_no_channel_takes_nothing() -> None:
    assert AppriseSender()("nonsense", "title", "body") is False


def test_people_see_what_is_for_them_and_for_their_roles_where_they_work(desk: Desk) -> None:
    me = desk.api.as_(Role.OPERATOR, name="me")
    user_id = me.get("/session")["user_id"]
    here = desk.api.as_(Role.DISPATCHER, site="s1", name="here")
    there = desk.api.as_(Role.DISPATCHER, site="s2", name="there")
    own = tell(desk, to_user(user_id))
    role = tell(desk, to_role("dispatcher"))
    tell(desk, to_role("supervisor"))
    field = tell(desk, to_technician("x"))
    assert [notice["id"] for notice in me.get("/notices")["items"]] == [own]
    assert [notice["id"] for notice in here.get("/notices")["items"]] == [role]
    assert there.get("/notices")["items"] == []
    seen = {notice["id"] for notice in desk.dispatcher.get("/notices")["items"]}
    assert seen == {role, field}


def test_an_acknowledgement_is_kept_with_who_gave_it(desk: Desk) -> None:
    notice_id = tell(desk, to_role("dispatcher"))
    desk.dispatcher.post(f"/notices/{notice_id}/acknowledge")
    shown = desk.dispatcher.get("/notices", acknowledged="true")["items"]
    assert shown[0]["acknowledged_by"].startswith("user:")
    assert shown[0]["actions"] == []
    assert desk.dispatcher.get("/notices", acknowledged="false")["items"] == []


def test_anothers_notice_is_not_there(desk: Desk) -> None:
    notice_id = tell(desk, to_role("dispatcher"))
    assert desk.viewer.try_post(f"/notices/{notice_id}/acknowledge").status_code == 404
    with desk.server.transactions.read() as tx:
        assert tx.session.scalar(select(Notice.acknowledged_at)) is None
