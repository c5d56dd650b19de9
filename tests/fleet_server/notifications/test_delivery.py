"""Delivery: at least once, each address once, failed visibly, no channel held up by another."""

import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from fleet_server.app import build
from fleet_server.auth.rules import Role
from fleet_server.errors import ConfigurationError, IllegalTransitionError
from fleet_server.notifications.addresses import SharedChannels
from fleet_server.notifications.apprise_sender import AppriseSender
from fleet_server.notifications.claiming import LEASE, RATE_MAX, RATE_WINDOW
from fleet_server.notifications.delivery import Deliverer, Ways
from fleet_server.notifications.letters import SINGLES_MAX
from fleet_server.notifications.models import Notice
from fleet_server.notifications.noting import AGE_MAX
from fleet_server.notifications.rules import (
    ATTEMPTS_MAX,
    PUBLIC,
    RETRY_MAX,
    Channel,
    Urgency,
    to_role,
    to_user,
)
from fleet_server.notifications.service import notify
from fleet_server.notifications.states import NOTICE_LIFE, NoticeState, state_of
from fleet_server.parts import Part
from fleet_server.settings import Settings
from tests.desk import Desk
from tests.fleet_server.notifications import doomed_worker
from tests.fleet_server.notifications.post_office import ABOUT, WORDS, Office, wait_until
from tests.fleet_server.notifications.post_stands import webhook

ROOT = Path(__file__).parents[3]
DISPATCHERS = to_role(Role.DISPATCHER)


def test_without_channels_notices_are_kept(desk: Desk) -> None:
    office = Office(desk)
    notice_id = office.tell(DISPATCHERS)
    office.round()
    assert office.state(notice_id) == "kept"
    assert office.box.tried == []


def test_a_notice_leaves_once_by_each_channel_in_both_languages(desk: Desk) -> None:
    office = Office(desk, "a://", "b://")
    notice_id = office.tell(DISPATCHERS)
    office.round()
    office.round()
    assert office.state(notice_id) == "sent"
    assert office.box.arrived == ["a://", "b://"]
    letter = office.box.taken[0][1]
    assert (letter.title, letter.body) == ("门未关 / Door open", "请处理\nplease look")
    assert (letter.path, letter.tag) == ("/tickets/t1", "ticket/t1")


def test_a_retry_goes_only_to_the_channel_that_missed_it(desk: Desk) -> None:
    office = Office(desk, "a://", "b://")
    office.box.down.add("b://")
    notice_id = office.tell(DISPATCHERS)
    office.round()
    assert office.state(notice_id) == "pending"
    office.box.down.clear()
    assert office.round() == 0
    office.wait(RETRY_MAX.total_seconds())
    assert office.box.arrived == ["a://", "b://"]
    assert office.state(notice_id) == "sent"


def test_whatever_a_channel_raises_means_not_taken_and_is_tried_again(desk: Desk) -> None:
    office = Office(desk, "a://")
    office.box.broken.add("a://")
    notice_id = office.tell(DISPATCHERS)
    office.round()
    delivery = office.deliveries(notice_id)[0]
    assert (delivery.state, delivery.error) == ("pending", "ConnectionError")


def test_after_the_last_attempt_a_notice_is_failed_and_still_shown(desk: Desk) -> None:
    office = Office(desk, "a://")
    office.box.down.add("a://")
    notice_id = office.tell(DISPATCHERS)
    for _ in range(ATTEMPTS_MAX):
        assert office.state(notice_id) == "pending"
        office.round()
        desk.clock.advance(RETRY_MAX.total_seconds())
    assert office.state(notice_id) == "failed"
    shown = desk.dispatcher.get("/notices", state="failed")["items"]
    assert [notice["id"] for notice in shown] == [notice_id]


def test_dead_deliveries_are_counted_and_shown_to_an_administrator(desk: Desk) -> None:
    office = Office(desk, "a://")
    office.box.down.add("a://")
    notice_id = office.tell(DISPATCHERS)
    for _ in range(ATTEMPTS_MAX):
        office.wait(RETRY_MAX.total_seconds())
    admin = desk.api.as_(Role.ADMIN)
    assert admin.get("/notices/deliveries/counts")["failed"] == 1
    shown = admin.get("/notices/deliveries", state="failed")["items"]
    failed = [one for one in shown if one["owner"] == "installation"]
    assert [(one["notice_id"], one["error"], one["attempts"]) for one in failed] == [
        (notice_id, "down", ATTEMPTS_MAX)
    ]
    assert desk.supervisor.try_get("/notices/deliveries").status_code == 403
    assert desk.supervisor.try_get("/notices/deliveries/counts").status_code == 403


def test_what_a_dead_sender_had_in_hand_leaves_again_with_the_same_key(desk: Desk) -> None:
    """Sent twice, never not at all: the key lets a channel that knows such keys show it once."""
    office = Office(desk, "a://")
    notice_id = office.tell(DISPATCHERS)
    resurrection = office.box.hanging["a://"] = threading.Event()
    office.deliverer.deliver_due()  # as good as dead: it will not note anything
    wait_until(lambda: office.box.tried == ["a://"])
    other = office.worker()
    assert office.round(other) == 0, "the lease of the dead stands"
    del office.box.hanging["a://"]
    desk.clock.advance(LEASE.total_seconds())
    office.round(other)
    assert office.state(notice_id) == "sent"
    resurrection.set()
    assert office.deliverer.settle(30)
    first, second = (key for _, _, key in office.box.taken)
    assert first == second
    assert office.state(notice_id) == "sent"


def test_a_sender_that_comes_back_late_does_not_end_the_lease_of_the_next(desk: Desk) -> None:
    office = Office(desk, "a://")
    office.tell(DISPATCHERS, title="one")
    late = office.box.hanging["a://"] = threading.Event()
    office.deliverer.deliver_due()
    wait_until(lambda: len(office.box.tried) == 1)
    desk.clock.advance(LEASE.total_seconds())
    now = office.box.hanging["a://"] = threading.Event()
    other = office.worker()
    assert other.deliver_due() == 1
    wait_until(lambda: len(office.box.tried) == 2)
    late.set()
    assert office.deliverer.settle(30)
    office.tell(DISPATCHERS, title="two")
    assert office.round() == 0, "the other one sends there now"
    now.set()
    assert other.settle(30)
    office.round()
    assert office.box.titles("a://") == ["one", "one", "two"]


def test_what_is_for_the_public_or_a_buyer_never_leaves_by_staff_channels(desk: Desk) -> None:
    office = Office(desk, "a://")
    kept = [office.tell(PUBLIC), office.tell("buyer:b1")]
    office.round()
    assert [office.state(notice_id) for notice_id in kept] == ["kept", "kept"]
    assert office.box.tried == []


def test_a_channel_the_settings_do_not_name_any_more_is_given_up(desk: Desk) -> None:
    office = Office(desk, "a://")
    office.box.down.add("a://")
    notice_id = office.tell(DISPATCHERS)
    office.round()
    office.shared = SharedChannels()
    desk.clock.advance(RETRY_MAX.total_seconds())
    office.round(office.worker())
    assert office.state(notice_id) == "failed"
    assert office.deliveries(notice_id)[0].error == "the channel is gone"


def test_an_address_that_is_gone_gets_nothing_any_more(desk: Desk) -> None:
    office = Office(desk)
    user_id = office.person("ann", urls=["push://x"])
    office.box.gone.add("push://x")
    first = office.tell(to_user(user_id))
    office.round()
    assert office.state(first) == "failed"
    second = office.tell(to_user(user_id))
    office.round()
    assert office.state(second) == "kept"
    assert office.box.tried == ["push://x"]


def test_a_service_that_wants_peace_gets_it(desk: Desk) -> None:
    office = Office(desk, "a://")
    office.box.busy["a://"] = timedelta(minutes=40)
    office.tell(DISPATCHERS)
    office.round()
    office.tell(DISPATCHERS, Urgency.URGENT, "second")
    office.wait(39 * 60)
    assert office.box.tried == ["a://"]
    office.box.busy.clear()
    office.wait(60)
    assert office.box.arrived == ["a://", "a://"]


def test_a_channel_that_is_down_is_asked_with_one_message_not_with_all(desk: Desk) -> None:
    office = Office(desk, "a://")
    office.box.down.add("a://")
    for title in ("one", "two", "three"):
        office.tell(DISPATCHERS, title=title)
    office.round()
    assert office.box.tried == ["a://"]


# --- pace and collapse ---


def test_a_burst_about_one_outage_is_one_message_to_one_person(desk: Desk) -> None:
    office = Office(desk)
    user_id = office.person("ann", Role.DISPATCHER, urls=["a://"])
    ids = [office.tell(to_user(user_id), title=f"cabinet {n} is offline") for n in range(120)]
    office.round()
    assert office.box.titles("a://") == ["120 条通知 / 120 notices"]
    assert {office.state(notice_id) for notice_id in ids} == {"sent"}


def test_an_address_gets_so_many_messages_a_minute_and_the_rest_together(desk: Desk) -> None:
    office = Office(desk, "a://")
    for number in range(RATE_MAX + 4):
        office.tell(DISPATCHERS, title=f"n{number}")
        office.round()
    assert len(office.box.taken) == RATE_MAX
    office.wait(RATE_WINDOW.total_seconds())
    assert office.box.titles("a://")[-1] == "4 条通知 / 4 notices"
    assert len(office.box.taken) == RATE_MAX + 1


def test_a_few_different_ones_stay_single(desk: Desk) -> None:
    office = Office(desk, "a://")
    for number in range(SINGLES_MAX):
        office.tell(DISPATCHERS, title=f"n{number}")
    office.round()
    assert office.box.titles("a://") == ["n0", "n1", "n2"]


def test_what_waits_for_two_days_has_failed(desk: Desk) -> None:
    """A channel that hangs for ever never notes anything: its deliveries end all the same."""
    office = Office(desk, "hangs://")
    release = office.box.hanging["hangs://"] = threading.Event()
    notice_id = office.tell(DISPATCHERS)
    office.deliverer.deliver_due()
    desk.clock.advance(AGE_MAX.total_seconds() + 1)
    office.deliverer.deliver_due()
    assert office.state(notice_id) == "failed"
    release.set()
    assert office.deliverer.settle(30)
    assert office.state(notice_id) == "failed"


def test_a_deliverer_that_stops_takes_nothing_up(desk: Desk) -> None:
    office = Office(desk, "a://")
    office.deliverer.stop()
    office.tell(DISPATCHERS)
    assert office.round() == 0


@pytest.mark.real_parts
def test_a_worker_killed_between_sending_and_noting_sends_twice_and_never_not_at_all(
    desk: Desk,
) -> None:
    """A real process, killed by the webhook it sent to before that has answered."""
    with webhook() as hook:
        office = Office(desk, f"json://127.0.0.1:{hook.port}/")
        notice_id = office.tell(DISPATCHERS)
        server = desk.server
        words = [server.settings.data_dir, server.settings.database_url, hook.port]
        words.append(desk.clock.now().isoformat())
        worker = subprocess.Popen(
            [sys.executable, "-m", doomed_worker.__name__, *map(str, words)], cwd=ROOT
        )
        hook.on_receipt = worker.kill
        assert worker.wait(60) == -signal.SIGKILL
        assert office.state(notice_id) == "pending"
        hook.on_receipt = lambda: None
        ways = Ways({Channel.APPRISE: AppriseSender()}, office.shared, server.signing.unsealed)
        desk.clock.advance(LEASE.total_seconds())
        office.round(Deliverer(server.transactions, ways))
        assert office.state(notice_id) == "sent"
    first, second = (headers["Idempotency-Key"] for headers in hook.headers)
    assert first == second


def test_a_worker_delivers_by_itself_and_ends_cleanly(settings: Settings) -> None:
    """As `fleet-server worker` does, with the clock of this machine; no broker is there."""
    with webhook() as hook:
        channels = [f"json://127.0.0.1:{hook.port}/"]
        changed = {"notice_channels": channels, "broker_url": "mqtt://127.0.0.1:1"}
        server = build(settings.model_copy(update=changed), parts=[Part.WORKER])
        server.prepare()
        with server.transactions.write("system:test") as tx:
            notice_id = notify(tx, DISPATCHERS, WORDS, ABOUT).id
        server.start()
        try:
            wait_until(lambda: bool(hook.received))
        finally:
            server.stop()
    assert hook.received[0]["title"] == "门未关 / Door open"
    with server.transactions.read() as tx:
        assert tx.session.get_one(Notice, notice_id).state == "sent"
    server.close()


# --- notices that cannot be spread ---


def test_a_notice_that_cannot_be_spread_holds_up_no_other_and_fails_visibly(desk: Desk) -> None:
    office = Office(desk, "a://")
    good = office.tell(DISPATCHERS, title="good")
    bad = office.tell(DISPATCHERS, title="bad")
    with desk.server.transactions.write("system:test") as tx:
        tx.session.get_one(Notice, bad).urgency = "deafening"
    with capture_logs() as logs:
        office.round()
        assert (office.state(good), office.state(bad)) == ("sent", "pending")
        for _ in range(ATTEMPTS_MAX):
            office.wait(RETRY_MAX.total_seconds())
    assert office.state(bad) == "failed"
    assert {one["notice"] for one in logs if one["event"] == "notice.not_spread"} == {bad}


def test_an_audience_nobody_knows_is_kept_and_logged(desk: Desk) -> None:
    office = Office(desk)
    ids = [office.tell("role:boss"), office.tell("everyone")]
    with capture_logs() as logs:
        office.round()
    assert [office.state(notice_id) for notice_id in ids] == ["kept", "kept"]
    assert [one["event"] for one in logs if one["log_level"] == "error"] == [
        "notice.audience_unknown",
        "notice.audience_unknown",
    ]


# --- states ---


@given(st.lists(st.sampled_from(NoticeState)))
@hypothesis_settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_notice_waits_while_any_delivery_does_and_one_arrival_makes_it_sent(
    states: list[NoticeState],
) -> None:
    state = state_of(states)
    assert state in states or (state is NoticeState.KEPT and not states)
    if NoticeState.PENDING in states:
        assert state is NoticeState.PENDING
    elif NoticeState.HELD in states:
        assert state is NoticeState.HELD
    elif NoticeState.SENT in states:
        assert state is NoticeState.SENT


@pytest.mark.parametrize("state", [NoticeState.SENT, NoticeState.KEPT, NoticeState.FAILED])
def test_what_has_ended_stays_so(state: NoticeState) -> None:
    with pytest.raises(IllegalTransitionError):
        NOTICE_LIFE.step(state, NoticeState.PENDING)


def test_a_channel_of_a_role_that_does_not_exist_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigurationError, match="no role boss"):
        SharedChannels.of([], {"boss": ["a://"]})
