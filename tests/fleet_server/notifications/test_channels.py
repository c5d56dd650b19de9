"""apprise's channels on real sockets: what is said arrives whole; and what people may bring."""

import ipaddress
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from apprise.plugins import dingtalk, feishu, lark, wecombot
from hypothesis import given
from hypothesis import strategies as st

from fleet_server.auth.rules import Role
from fleet_server.notifications.addresses import SharedChannels
from fleet_server.notifications.apprise_sender import AppriseSender
from fleet_server.notifications.delivery import Deliverer, Ways
from fleet_server.notifications.doors import Result
from fleet_server.notifications.letters import Letter
from fleet_server.notifications.models import NoticeAddress
from fleet_server.notifications.public_hosts import host_problem, is_public
from fleet_server.notifications.rules import Channel, to_role
from tests.desk import Desk
from tests.fleet_server.notifications.post_office import Office
from tests.fleet_server.notifications.post_stands import Stand, mail_server, webhook

TITLE = "召回已启动：凯撒鸡肉卷 / A recall is active: Chicken Caesar wrap"
BODY = "第一行 <b>不是标签</b> & *星号* :smile:\n\nsecond  line, 温度 > 5 °C \\n 🧊\n- 第三行"
WECOM = "wecombot://aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
ROBOTS = {
    WECOM: (wecombot, "NotifyWeComBot"),
    "dingtalk://abcdefgh12345678": (dingtalk, "NotifyDingTalk"),
    "feishu://abcdefgh-12345678": (feishu, "NotifyFeishu"),
    "lark://abcdefgh-12345678": (lark, "NotifyLark"),
}


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One kind is enough here: what the databases do is the matter of `test_delivery.py`."""
    return f"sqlite:///{shutil.copyfile(sqlite_template, tmp_path / 'fleet.sqlite')}"


@pytest.fixture
def hook() -> Iterator[Stand]:
    with webhook() as stand:
        yield stand


@pytest.fixture
def mail() -> Iterator[Stand]:
    with mail_server() as stand:
        yield stand


def letter(title: str = TITLE, body: str = BODY) -> Letter:
    return Letter(("d1",), urgent=True, title=title, body=body, path="/recalls/r1", tag="recall/r1")


def json_url(stand: Stand) -> str:
    return f"json://127.0.0.1:{stand.port}/hook"


def mail_url(stand: Stand) -> str:
    return (
        f"mailto://127.0.0.1:{stand.port}?smtp=127.0.0.1&mode=insecure"
        "&from=fleet@example.com&to=desk@example.com"
    )


def test_a_webhook_gets_every_character(hook: Stand) -> None:
    outcome = AppriseSender().send(json_url(hook), letter(), "k1")
    assert outcome.result is Result.TAKEN
    (got,) = hook.received
    assert (got["title"], got["message"]) == (TITLE, BODY)


def test_a_webhook_gets_the_same_key_for_the_same_message(hook: Stand, desk: Desk) -> None:
    office = Office(desk)
    shared = SharedChannels([json_url(hook)])
    ways = Ways({Channel.APPRISE: AppriseSender()}, shared, desk.server.signing.unsealed)
    office.deliverer = Deliverer(desk.server.transactions, ways)
    notice_id = office.tell(to_role(Role.DISPATCHER))
    hook.status = 500
    office.round()
    assert office.state(notice_id) == "pending"
    hook.status = 200
    office.wait(3600)
    assert office.state(notice_id) == "sent"
    first, second = (headers["Idempotency-Key"] for headers in hook.headers)
    assert first == second
    assert hook.received[0]["message"] == "请处理\nplease look"


def test_a_mail_arrives_whole_in_both_languages_with_its_lines(mail: Stand) -> None:
    """Left to itself apprise takes text for HTML: lines run together, `<b>` is a tag."""
    outcome = AppriseSender().send(mail_url(mail), letter(), "k1")
    assert outcome.result is Result.TAKEN
    (got,) = mail.received
    assert got["Subject"] == TITLE
    assert got["Idempotency-Key"] == "k1"
    assert got.get_content_type() == "text/plain"
    assert got.get_content().replace("\r\n", "\n").rstrip("\n") == BODY


def test_a_message_without_a_body_says_its_title(hook: Stand) -> None:
    assert AppriseSender().send(json_url(hook), letter(body=""), "k1").result is Result.TAKEN
    assert hook.received[0]["message"] == TITLE


@pytest.fixture
def robots(hook: Stand, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """The four chat services, all at one local address; the last one also waits for nothing."""
    here = f"http://127.0.0.1:{hook.port}/"
    for module, name in ROBOTS.values():
        plugin = getattr(module, name)
        monkeypatch.setattr(plugin, "notify_url", here)
        monkeypatch.setattr(plugin, "request_rate_per_sec", 0)
    hook.answer = b'{"errcode": 0, "errmsg": "ok"}'
    return hook


@pytest.mark.parametrize("url", ROBOTS)
@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (b'{"errcode": 0, "errmsg": "ok"}', Result.TAKEN),
        (b'{"StatusCode": 0, "code": 0, "msg": "success", "data": {}}', Result.TAKEN),
        (b'{"errcode": 45009, "errmsg": "api freq out of limit"}', Result.REFUSED),
        (b'{"errcode": 310000, "errmsg": "keywords not in content"}', Result.REFUSED),
        (
            b'{"code": 19001, "msg": "param invalid: incoming webhook access token invalid"}',
            Result.REFUSED,
        ),
        (b"<html>please sign in to this network</html>", Result.REFUSED),
        (b"[]", Result.REFUSED),
    ],
)
def test_a_robot_that_says_no_in_the_body_of_a_200_has_not_taken_it(
    robots: Stand, url: str, answer: bytes, result: Result
) -> None:
    robots.answer = answer
    assert AppriseSender().send(url, letter(), "k1").result is result
    assert TITLE in str(robots.received[0])


def test_what_is_too_long_for_a_service_is_cut_at_a_character_not_refused(robots: Stand) -> None:
    """WeCom counts bytes, apprise characters: 2,000 of these are 6,000 bytes."""
    assert AppriseSender().send(WECOM, letter(body="长" * 2_000), "k1").result is Result.TAKEN
    text = robots.received[0]["text"]["content"]
    assert len(text.encode()) <= 2_048
    assert text.startswith(TITLE)
    assert text.endswith("长…")


def test_a_url_that_is_none_is_refused_and_a_service_that_is_away_too(hook: Stand) -> None:
    assert AppriseSender().send("nonsense", letter(), "k").result is Result.REFUSED
    hook.status = 500
    assert AppriseSender().send(json_url(hook), letter(), "k").result is Result.REFUSED


def test_the_url_is_never_logged(
    hook: Stand, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    hook.status = 500
    for url in (f"{json_url(hook)}/s3cret", "mailto://s3cret", "s3cret://s3cret", "json://:s3cret"):
        AppriseSender().send(url, letter(), "k1")
    assert "s3cret" not in caplog.text + "".join(capfd.readouterr())


# --- what people bring ---


def test_a_channel_is_shown_masked_and_never_in_full_again(desk: Desk) -> None:
    url = "mailtos://ann:s3cret-word@mail.example.com?to=ann@example.com"
    made = desk.dispatcher.post("/notices/channels", {"url": url})
    again = desk.dispatcher.post("/notices/channels", {"url": url})
    assert again["id"] == made["id"], "the same URL is the same channel"
    (shown,) = desk.dispatcher.get("/notices/channels")["items"]
    assert shown == made
    assert "s3cret" not in str(shown)
    assert "example.com" in shown["label"]
    with desk.server.transactions.read() as tx:
        row = tx.session.get_one(NoticeAddress, made["id"])
        assert "s3cret" not in str(vars(row))
        assert desk.server.signing.unsealed(row.sealed or "") == url


def test_a_channel_serves_its_owner_until_it_is_removed(desk: Desk) -> None:
    office = Office(desk)
    person = desk.api.as_(Role.OPERATOR, name="ann")
    made = person.post("/notices/channels", {"url": WECOM})
    office.tell(to_role(Role.OPERATOR), title="one")
    office.round()
    assert office.box.titles(WECOM) == ["one"]
    assert desk.dispatcher.try_delete(f"/notices/channels/{made['id']}").status_code == 404
    assert person.try_delete(f"/notices/channels/{made['id']}").status_code == 204
    office.tell(to_role(Role.OPERATOR), title="two")
    office.round()
    assert office.box.titles(WECOM) == ["one"]


@pytest.mark.parametrize(
    "url",
    [
        "json://169.254.169.254/latest",
        "file:///etc/passwd",
        "mailto://mail.example.com?smtp=127.0.0.1&to=a@example.com&from=b@example.com",
        "mailto://10.0.0.8?to=a@example.com&from=b@example.com",
        "mailto://localhost?to=a@example.com&from=b@example.com",
        "wecombot://",
        "wecombot://white space",
    ],
)
def test_a_channel_that_leads_into_the_house_or_nowhere_is_refused(desk: Desk, url: str) -> None:
    answer = desk.dispatcher.try_post("/notices/channels", {"url": url})
    assert answer.status_code == 422, answer.text
    assert desk.dispatcher.get("/notices/channels")["items"] == []


def test_channels_of_a_person_are_bounded(desk: Desk) -> None:
    for number in range(20):
        desk.dispatcher.post("/notices/channels", {"url": f"{WECOM}{number}"})
    answer = desk.dispatcher.try_post("/notices/channels", {"url": f"{WECOM}x"})
    assert answer.status_code == 409


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "app.localhost",
        "printer",
        "db.internal",
        "nas.local",
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
    ],
)
def test_hosts_inside_a_house_are_known(host: str) -> None:
    assert host_problem(host) is not None


@pytest.mark.parametrize("host", ["push.example.com", "8.8.8.8", "2606:4700::1111"])
def test_hosts_of_the_internet_are_fine(host: str) -> None:
    assert host_problem(host) is None


@given(st.ip_addresses(v=4))
def test_an_address_in_ipv6_clothes_is_judged_by_what_is_inside(
    address: ipaddress.IPv4Address,
) -> None:
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        dressed = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | int(address))
        assert is_public(dressed) == is_public(address)
