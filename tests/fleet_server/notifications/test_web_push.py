"""Web Push against a service on a real socket that opens what it gets by RFC 8291 alone."""

import json
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from fleet_server.auth.rules import Role
from fleet_server.notifications import push_transport
from fleet_server.notifications.addresses import SharedChannels
from fleet_server.notifications.delivery import Deliverer, Ways
from fleet_server.notifications.doors import Result
from fleet_server.notifications.errors import PrivateHostError
from fleet_server.notifications.letters import Letter
from fleet_server.notifications.models import NoticeAddress
from fleet_server.notifications.push_transport import PushTransport
from fleet_server.notifications.rules import Channel, Urgency, to_user
from fleet_server.notifications.web_push import (
    PAYLOAD_BYTES_MAX,
    Answer,
    VapidKey,
    WebPushSender,
    outcome_of,
    payload,
    sealed,
)
from fleet_server.settings import Settings
from tests.desk import Desk
from tests.fleet_server.notifications.post_office import Office
from tests.fleet_server.notifications.push_service import (
    Browser,
    PushService,
    claims_of,
    push_service,
    raw,
)
from tests.web_client import Session

CONTACT = "mailto:ops@example.com"


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One kind is enough here: what the databases do is the matter of `test_delivery.py`."""
    return f"sqlite:///{shutil.copyfile(sqlite_template, tmp_path / 'fleet.sqlite')}"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """As the desk's, with push services allowed inside this house."""
    return settings.model_copy(update={"notice_private_hosts": True, "push_contact": CONTACT})


@pytest.fixture
def service(tmp_path: Path) -> Iterator[PushService]:
    with push_service(tmp_path) as running:
        yield running


class Phone:
    """A person's phone with a browser that subscribed."""

    def __init__(self, desk: Desk, service: PushService, path: str = "/p1") -> None:
        self.session: Session = desk.api.as_(Role.TECHNICIAN, name="phone")
        self.id: str = self.session.get("/session")["user_id"]
        self.browser = Browser.new()
        self.subscription = self.browser.subscription(service.endpoint(path))
        self.subscription_id = self.session.post("/push-subscriptions", self.subscription)["id"]


@pytest.fixture
def office(desk: Desk, service: PushService) -> Office:
    office = Office(desk)
    server = desk.server
    transport = PushTransport(private=True, trust=lambda: service.trust)
    sender = WebPushSender(
        lambda: VapidKey.load(server.settings.data_dir, CONTACT), transport.post, desk.clock.now
    )
    ways = Ways({Channel.WEB_PUSH: sender}, SharedChannels(), server.signing.unsealed)
    office.deliverer = Deliverer(server.transactions, ways)
    return office


def test_the_example_of_rfc_8291_is_opened_by_the_browser_of_these_tests() -> None:
    """Appendix A: the stand-in itself is right."""
    private = int.from_bytes(raw("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), "big")
    browser = Browser(ec.derive_private_key(private, ec.SECP256R1()), raw("BTBZMqHH6r4Tts7J_aSIgg"))
    body = (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWA"
        "mS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxs"
        "j_Qulcy4a-fN"
    )
    assert browser.opened(raw(body)) == b"When I grow up, I want to be a watermelon"


def test_a_phone_gets_what_only_it_can_open(
    desk: Desk, service: PushService, office: Office
) -> None:
    phone = Phone(desk, service)
    phone.session.put("/notices/preferences", {"language": "zh"})
    notice_id = office.tell(to_user(phone.id), Urgency.URGENT)
    office.round()
    assert office.state(notice_id) == "sent"
    (got,) = service.received
    assert json.loads(phone.browser.opened(got.body)) == {
        "title": "门未关",
        "body": "请处理",
        "path": "/tickets/t1",
        "tag": "ticket/t1",
        "urgent": True,
    }
    assert got.headers["content-encoding"] == "aes128gcm"
    assert (got.headers["ttl"], got.headers["urgency"]) == ("14400", "high")
    assert len(got.headers["topic"]) == 32


def test_the_service_can_tell_who_sends(desk: Desk, service: PushService, office: Office) -> None:
    phone = Phone(desk, service)
    office.tell(to_user(phone.id))
    office.round()
    claims, key = claims_of(service.received[0].headers["authorization"])
    assert claims["aud"] == f"https://localhost:{service.port}"
    assert claims["sub"] == CONTACT
    left_seconds = claims["exp"] - desk.clock.now().timestamp()
    assert 0 < left_seconds <= 24 * 3600
    assert key == phone.session.get("/push-subscriptions/key")["application_server_key"]


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_the_service_does_not_know_any_more_is_removed(
    desk: Desk, service: PushService, office: Office, status: int
) -> None:
    phone = Phone(desk, service)
    service.answers["/p1"] = (status, {})
    office.tell(to_user(phone.id))
    office.round()
    assert phone.session.get("/push-subscriptions")["items"] == []
    notice_id = office.tell(to_user(phone.id))
    office.round()
    assert office.state(notice_id) == "kept"
    assert len(service.received) == 1


def test_a_service_that_is_busy_says_when_to_come_again(
    desk: Desk, service: PushService, office: Office
) -> None:
    phone = Phone(desk, service)
    service.answers["/p1"] = (429, {"Retry-After": "1800"})
    notice_id = office.tell(to_user(phone.id))
    office.round()
    del service.answers["/p1"]
    office.wait(1799)
    assert (len(service.received), office.state(notice_id)) == (1, "pending")
    office.wait(1)
    assert (len(service.received), office.state(notice_id)) == (2, "sent")
    first, second = (one.headers["topic"] for one in service.received)
    assert first == second, "a message not yet fetched is replaced, not doubled"


@pytest.mark.parametrize(
    ("answer", "result", "wait_seconds"),
    [
        (Answer(201), Result.TAKEN, None),
        (Answer(307), Result.REFUSED, None),
        (Answer(413), Result.REFUSED, None),
        (Answer(429, "60"), Result.REFUSED, 60),
        (Answer(503, "999999999999"), Result.REFUSED, 3600),
        (Answer(429, "Wed, 21 Oct 2026 07:28:00 GMT"), Result.REFUSED, None),
        (Answer(410), Result.GONE, None),
    ],
)
def test_what_each_answer_means(answer: Answer, result: Result, wait_seconds: int | None) -> None:
    outcome = outcome_of(answer)
    assert outcome.result is result
    assert (outcome.wait.total_seconds() if outcome.wait else None) == wait_seconds


def test_a_redirect_is_not_followed(desk: Desk, service: PushService, office: Office) -> None:
    phone = Phone(desk, service)
    service.answers["/p1"] = (307, {"Location": service.endpoint("/inside")})
    notice_id = office.tell(to_user(phone.id))
    office.round()
    assert [one.path for one in service.received] == ["/p1"]
    assert office.deliveries(notice_id)[0].error == "the service says 307"


def test_a_service_that_never_answers_is_left(
    service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_transport, "ANSWER_SECONDS_MAX", 0.2)
    service.answers["/p1"] = (0, {})
    transport = PushTransport(private=True, trust=lambda: service.trust)
    with pytest.raises(OSError, match=r"."):
        transport.post(service.endpoint("/p1"), {}, b"x")


def test_a_certificate_of_another_is_not_believed(service: PushService) -> None:
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        PushTransport(private=True).post(service.endpoint("/p1"), {}, b"x")
    assert service.received == []


# --- what people may bring ---


def test_the_same_browser_is_one_subscription(desk: Desk, service: PushService) -> None:
    phone = Phone(desk, service)
    again = phone.session.post("/push-subscriptions", phone.subscription)
    assert again["id"] == phone.subscription_id
    (shown,) = phone.session.get("/push-subscriptions")["items"]
    assert shown["label"] == "localhost"
    assert phone.subscription["keys"]["auth"] not in json.dumps(shown)


def test_a_browser_belongs_to_who_signed_in_last(
    desk: Desk, service: PushService, office: Office
) -> None:
    before = Phone(desk, service)
    after = desk.api.as_(Role.TECHNICIAN, name="after")
    after.post("/push-subscriptions", before.subscription)
    assert before.session.get("/push-subscriptions")["items"] == []
    office.tell(to_user(before.id))
    office.round()
    assert service.received == []


def test_only_the_owner_removes_a_subscription(desk: Desk, service: PushService) -> None:
    phone = Phone(desk, service)
    path = f"/push-subscriptions/{phone.subscription_id}"
    assert desk.supervisor.try_delete(path).status_code == 404
    assert phone.session.try_delete(path).status_code == 204
    assert phone.session.try_delete(path).status_code == 404
    assert phone.session.get("/push-subscriptions")["items"] == []


def test_endpoint_and_keys_are_sealed_in_the_database(desk: Desk, service: PushService) -> None:
    phone = Phone(desk, service)
    with desk.server.transactions.read() as tx:
        row = tx.session.get_one(NoticeAddress, phone.subscription_id)
        kept = " ".join(str(value) for value in vars(row).values())
    assert "/p1" not in kept
    assert phone.subscription["keys"]["auth"] not in kept


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "http://localhost/p1"},
        {"endpoint": "https://user:word@localhost/p1"},
        {"endpoint": "https:///p1"},
        {"keys": {"p256dh": "AAAA", "auth": "MDEyMzQ1Njc4OWFiY2RlZg"}},
        {"keys": {"p256dh": "B" * 87, "auth": "MDEyMzQ1Njc4OWFiY2RlZg"}},
    ],
)
def test_a_subscription_that_cannot_work_is_refused(
    desk: Desk, service: PushService, change: dict[str, Any]
) -> None:
    whole = Browser.new().subscription(service.endpoint("/p1"))
    answer = desk.dispatcher.try_post("/push-subscriptions", {**whole, **change})
    assert answer.status_code == 422, answer.text


def test_a_short_secret_is_refused(desk: Desk, service: PushService) -> None:
    whole = Browser.new().subscription(service.endpoint("/p1"))
    whole["keys"]["auth"] = "MDEy"
    assert desk.dispatcher.try_post("/push-subscriptions", whole).status_code == 422


def test_a_name_that_leads_into_the_house_is_found_when_it_is_used(
    service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stored while it was public, pointing inside when a notice is due (DNS rebinding)."""

    def rebound(_host: str, port: int, **_more: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    transport = PushTransport(trust=lambda: service.trust)
    with pytest.raises(PrivateHostError):
        transport.post(f"https://push.example.com:{service.port}/p1", {}, b"x")
    assert service.received == []


# --- payload and key ---


@given(st.text(max_size=200), st.text(max_size=6000))
def test_a_payload_is_small_json_whatever_is_said(title: str, body: str) -> None:
    title, body = (text.encode(errors="ignore").decode() for text in (title, body))
    content = payload(Letter((), urgent=False, title=title, body=body, path="/notices", tag="t"))
    assert len(content) <= PAYLOAD_BYTES_MAX
    said = json.loads(content)
    assert said["body"] == body or body.startswith(said["body"].removesuffix("…"))


def test_a_sealed_payload_fits_what_services_take() -> None:
    browser = Browser.new()
    keys = browser.subscription("https://x.example/")["keys"]
    body = sealed(b"x" * PAYLOAD_BYTES_MAX, keys["p256dh"], keys["auth"])
    assert len(body) <= 4096
    assert browser.opened(body) == b"x" * PAYLOAD_BYTES_MAX


def test_the_key_of_an_installation_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    first = VapidKey.load(tmp_path, CONTACT)
    assert VapidKey.load(tmp_path, CONTACT).public_key == first.public_key
    assert len(raw(first.public_key)) == 65
    assert stat.S_IMODE((tmp_path / "vapid.key").stat().st_mode) == 0o600


def test_no_secret_is_logged_whatever_goes_wrong(
    desk: Desk, service: PushService, office: Office, capfd: pytest.CaptureFixture[str]
) -> None:
    phone = Phone(desk, service)
    service.answers["/p1"] = (500, {})
    office.tell(to_user(phone.id), Urgency.URGENT)
    with capture_logs() as logs:
        office.round()
    assert [one["event"] for one in logs] == ["notice.not_sent"]
    said = repr(logs) + "".join(capfd.readouterr())
    for secret in ("/p1", phone.subscription["keys"]["auth"], phone.subscription["keys"]["p256dh"]):
        assert secret not in said
