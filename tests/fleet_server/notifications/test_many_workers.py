"""Delivery by many workers, and channels that hang: each notice once, nobody held up."""

import threading

from fleet_server.auth.rules import Role
from fleet_server.notifications.delivery import LANE_MAX
from fleet_server.notifications.rules import (
    to_role,
    to_user,
)
from tests.desk import Desk
from tests.fleet_server.notifications.post_office import Office, wait_until

DISPATCHERS = to_role(Role.DISPATCHER)


def test_many_workers_send_each_notice_once(desk: Desk) -> None:
    office = Office(desk, *(f"a{n}://" for n in range(12)))
    notice_id = office.tell(DISPATCHERS)
    workers = [office.worker() for _ in range(4)]
    go = threading.Barrier(len(workers))

    def work(number: int) -> None:
        go.wait(30)
        for _ in range(5):
            office.round(workers[number])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(workers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    office.round()
    assert office.box.arrived == sorted(f"a{n}://" for n in range(12))
    assert office.state(notice_id) == "sent"


def test_a_channel_that_hangs_holds_up_no_other(desk: Desk) -> None:
    office = Office(desk, "hangs://", "goes://")
    release = office.box.hanging["hangs://"] = threading.Event()
    notice_id = office.tell(DISPATCHERS)
    office.deliverer.deliver_due()
    wait_until(lambda: office.state_at(notice_id, "goes://") == "sent")
    second = office.tell(DISPATCHERS, title="second")
    office.deliverer.deliver_due()
    wait_until(lambda: office.box.arrived == ["goes://", "goes://"])
    assert office.state_at(notice_id, "hangs://") == "pending"
    release.set()
    assert office.deliverer.settle(30)
    office.round()
    assert {office.state(notice_id), office.state(second)} == {"sent"}


def test_a_service_that_hangs_keeps_only_its_share_of_the_senders(desk: Desk) -> None:
    office = Office(desk)
    people = [office.person(f"p{n}", urls=[f"slow://{n}"]) for n in range(LANE_MAX + 3)]
    release = threading.Event()
    office.box.hanging |= {f"slow://{n}": release for n in range(len(people))}
    ids = [office.tell(to_user(user_id)) for user_id in people]
    assert office.deliverer.deliver_due() == LANE_MAX
    assert office.deliverer.deliver_due() == 0
    release.set()
    assert office.deliverer.settle(30)
    office.round()
    assert {office.state(notice_id) for notice_id in ids} == {"sent"}


def test_senders_are_bounded(desk: Desk) -> None:
    urls = [f"a{n}://" for n in range(5)]
    office = Office(desk, *urls)
    worker = office.worker(senders=2)
    release = threading.Event()
    office.box.hanging |= dict.fromkeys(urls, release)
    notice_id = office.tell(DISPATCHERS)
    assert [worker.deliver_due() for _ in range(3)] == [2, 0, 0]
    release.set()
    assert worker.settle(30)
    while office.round(worker):
        pass
    assert office.state(notice_id) == "sent"
