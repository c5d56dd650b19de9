"""What tests of delivery share: doors that behave, people with channels, rounds that end."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from fleet_server.auth.rules import Grant, Role
from fleet_server.auth.service import add_user
from fleet_server.notifications.addresses import SharedChannels
from fleet_server.notifications.delivery import Deliverer, Ways
from fleet_server.notifications.doors import TAKEN, Outcome, Result
from fleet_server.notifications.letters import Letter
from fleet_server.notifications.models import Notice, NoticeAddress, NoticeDelivery
from fleet_server.notifications.rules import About, Channel, Urgency, Words, channel_digest, to_user
from fleet_server.notifications.service import notify
from protocol.sealing import seal
from tests.desk import Desk
from tests.web_client import HASHED

WORDS = Words("门未关", "Door open", "请处理", "please look")
ABOUT = About("ticket", "t1", "s1", "east")
ROUND_SECONDS_MAX = 30.0
"""How long a test waits for senders that have nothing to wait for."""
LOOK_SECONDS = 0.01


def wait_until(come_true: Callable[[], bool]) -> None:
    """Wait for what a thread is about to do."""
    pause = threading.Event()
    for _ in range(round(ROUND_SECONDS_MAX / LOOK_SECONDS)):
        if come_true():
            return
        pause.wait(LOOK_SECONDS)
    raise AssertionError("it has not come true in time")


class Box:
    """A door that takes messages, unless an address is down, gone, busy, broken or hangs."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Letter, str]] = []
        self.tried: list[str] = []
        self.down: set[str] = set()
        self.gone: set[str] = set()
        self.broken: set[str] = set()
        self.busy: dict[str, timedelta] = {}
        self.hanging: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def send(self, secret: str, letter: Letter, key: str) -> Outcome:
        with self._lock:
            self.tried.append(secret)
        if secret in self.hanging:
            self.hanging[secret].wait(ROUND_SECONDS_MAX)
        if secret in self.broken:
            raise ConnectionError(secret)
        if secret in self.down:
            return Outcome(Result.REFUSED, "down")
        if secret in self.gone:
            return Outcome(Result.GONE, "gone")
        if secret in self.busy:
            return Outcome(Result.REFUSED, "busy", self.busy[secret])
        with self._lock:
            self.taken.append((secret, letter, key))
        return TAKEN

    def titles(self, secret: str) -> list[str]:
        """Titles that arrived at an address, in order."""
        return [letter.title for to, letter, _ in self.taken if to == secret]

    @property
    def arrived(self) -> list[str]:
        """Addresses that took something, sorted: who is served first is chance."""
        return sorted(to for to, _, _ in self.taken)


class Office:
    """A desk with its deliverer."""

    def __init__(
        self, desk: Desk, *installation: str, roles: dict[str, list[str]] | None = None
    ) -> None:
        self.desk = desk
        self.box = Box()
        self.shared = SharedChannels.of(installation, roles or {})
        self.deliverer = self.worker()

    def worker(self, senders: int = 8) -> Deliverer:
        """One more worker on the same database."""
        doors = {Channel.APPRISE: self.box, Channel.WEB_PUSH: self.box}
        unsealed = self.desk.server.signing.unsealed
        ways = Ways(doors, self.shared, unsealed)
        return Deliverer(self.desk.server.transactions, ways, senders)

    def person(self, name: str, *roles: Role, site: str | None = None, urls: Any = ()) -> str:
        """Id of a person with roles and channels of their own."""
        with self.desk.server.transactions.write("system:test") as tx:
            grants = [Grant(role, site_id=site) for role in roles]
            user_id = add_user(tx, name, HASHED, grants, f"{name.capitalize()} X").id
            tx.session.flush()
        for url in urls:
            self.add_address(user_id, url)
        return user_id

    def add_address(self, user_id: str, url: str, channel: Channel = Channel.APPRISE) -> str:
        """Id of a new channel of a person; its service is what stands before `://`."""
        with self.desk.server.transactions.write("system:test") as tx:
            address = NoticeAddress(
                id=tx.new_id(),
                owner=to_user(user_id),
                channel=channel,
                digest=url,
                lane=url.partition("://")[0],
                label="masked",
                sealed=seal(url, self.desk.server.signing.sealing_public_key),
                created_at=tx.now,
                window_sent=0,
            )
            tx.session.add(address)
            return address.id

    def tell(self, audience: str, urgency: Urgency = Urgency.NORMAL, title: str = "") -> str:
        """Id of a new notice."""
        words = Words(title, title, "", "") if title else WORDS
        with self.desk.server.transactions.write("system:test") as tx:
            return notify(tx, audience, words, ABOUT, urgency).id

    def round(self, deliverer: Deliverer | None = None) -> int:
        """Deliver what is due and wait until it is noted; returns how many addresses had it."""
        worker = deliverer or self.deliverer
        count = worker.deliver_due()
        assert worker.settle(ROUND_SECONDS_MAX)
        return count

    def wait(self, seconds: float) -> None:
        """Let time pass, and deliver."""
        self.desk.clock.advance(seconds)
        self.round()

    def state(self, notice_id: str) -> str:
        """State of a notice as a whole."""
        with self.desk.server.transactions.read() as tx:
            return tx.session.get_one(Notice, notice_id).state

    def deliveries(self, notice_id: str) -> list[NoticeDelivery]:
        """What became of a notice, in the order of writing."""
        found = select(NoticeDelivery).where(NoticeDelivery.notice_id == notice_id)
        with self.desk.server.transactions.read() as tx:
            return list(tx.session.scalars(found.order_by(NoticeDelivery.id)))

    def states(self, notice_id: str) -> list[str]:
        """States of its deliveries."""
        return [one.state for one in self.deliveries(notice_id)]

    def state_at(self, notice_id: str, url: str) -> str:
        """State of a delivery to a channel of the installation."""
        found = (
            select(NoticeDelivery.state)
            .join(NoticeAddress, NoticeAddress.id == NoticeDelivery.address_id)
            .where(NoticeDelivery.notice_id == notice_id)
            .where(NoticeAddress.digest == channel_digest(url))
        )
        with self.desk.server.transactions.read() as tx:
            return tx.session.scalar(found) or ""
