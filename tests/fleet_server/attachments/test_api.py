"""Uploads and downloads: who may, how many, and as what they leave."""

from pathlib import Path
from typing import Any

import pytest

from fleet_server.attachments.rules import FORM_BYTES_MAX, PER_THING_MAX, SIZE_BYTES_MAX
from fleet_server.auth.rules import Role
from fleet_server.settings import Settings
from protocol.faults import Severity
from tests.desk import Desk
from tests.web_client import Session

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR and so on"
PHOTO = ("door.jpg", PNG, "image/jpeg")


@pytest.fixture
def ticket_id(desk: Desk) -> str:
    desk.raise_fault()
    found: str = desk.ticket()["id"]
    return found


def upload(by: Session, ticket_id: str, data: bytes = PNG, key: str | None = None) -> Any:
    answer = by.try_upload(("door.jpg", data, "image/jpeg"), key, about_id=ticket_id)
    assert answer.status_code == 201, answer.text
    return answer.json()


def stored(settings: Settings) -> set[Path]:
    folder = settings.data_dir / "attachments"
    return {path for path in folder.rglob("*") if path.is_file()}


def test_a_photo_comes_back_as_it_was_as_a_download_nobody_runs(desk: Desk, ticket_id: str) -> None:
    made = upload(desk.dispatcher, ticket_id)
    assert (made["name"], made["media_type"], made["size_bytes"]) == (
        "door.png",
        "image/png",
        len(PNG),
    )
    assert [one["id"] for one in desk.ticket()["attachments"]] == [made["id"]]
    listed = desk.viewer.get("/attachments", about_id=ticket_id)["items"]
    assert listed == [made]
    got = desk.viewer.try_get(f"/attachments/{made['id']}")
    assert (got.content, got.headers["content-type"]) == (PNG, "image/png")
    assert got.headers["content-disposition"].startswith("attachment;")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]


def test_the_same_key_attaches_once(desk: Desk, ticket_id: str) -> None:
    first = upload(desk.dispatcher, ticket_id, key="k")
    assert upload(desk.dispatcher, ticket_id, key="k") == first
    assert desk.ticket()["attachments"] == [first]
    other = desk.dispatcher.try_upload(("x.png", PNG + b"!", "image/png"), "k", about_id=ticket_id)
    assert other.status_code == 409


def test_bytes_decide_and_what_is_refused_leaves_no_file(
    desk: Desk, ticket_id: str, settings: Settings
) -> None:
    script = ("door.png", b"<svg onload=alert(1)>", "image/png")
    answer = desk.dispatcher.try_upload(script, about_id=ticket_id)
    assert (answer.status_code, answer.json()["known"][0]) == (415, "application/pdf")
    large = ("a.png", PNG + bytes(SIZE_BYTES_MAX), "image/png")
    assert desk.dispatcher.try_upload(large, about_id=ticket_id).status_code == 413
    larger = ("a.png", PNG + bytes(FORM_BYTES_MAX), "image/png")
    assert desk.dispatcher.try_upload(larger, about_id=ticket_id).status_code == 413
    assert (stored(settings), desk.ticket()["attachments"]) == (set(), [])


def test_a_file_belongs_to_something_there_is(desk: Desk, settings: Settings) -> None:
    missing = desk.dispatcher.try_upload(PHOTO, about_id="nothing")
    assert missing.status_code == 404
    unknown = desk.dispatcher.try_upload(PHOTO, about_id="x", about_kind="planet")
    assert (unknown.status_code, unknown.json()["field"]) == (422, "about_kind")
    assert desk.dispatcher.try_upload(PHOTO).status_code == 422
    assert desk.dispatcher.try_post("/attachments", {"about_id": "x"}).status_code == 422
    assert stored(settings) == set()


def test_who_may_not_see_the_ticket_sees_no_file_of_it(
    desk: Desk, ticket_id: str, settings: Settings
) -> None:
    made = upload(desk.dispatcher, ticket_id)
    local = desk.api.as_(Role.DISPATCHER, site="elsewhere", name="local")
    assert local.try_get(f"/attachments/{made['id']}").status_code == 403
    assert local.try_get("/attachments", about_id=ticket_id).status_code == 403
    before = stored(settings)
    for who in (local, desk.viewer):
        answer = who.try_upload(("b.png", PNG + b"b", "image/png"), about_id=ticket_id)
        assert answer.status_code == 403
    assert stored(settings) == before
    assert desk.api.anonymous.get(f"/api/v1/attachments/{made['id']}").status_code == 401
    assert desk.viewer.try_get("/attachments/nothing").status_code == 404


def test_the_technician_of_the_ticket_attaches_until_it_is_over(desk: Desk) -> None:
    one = desk.technician("one", ["lock"])
    desk.raise_fault("f1", "LOCK_NOT_LATCHED", Severity.C)
    ticket_id = desk.ticket()["id"]
    assert one.phone.try_upload(PHOTO, about_id=ticket_id).status_code == 403
    one.answer("accepted")
    upload(one.phone, ticket_id)
    desk.dispatcher.post(f"/tickets/{ticket_id}/transitions", {"to": "cancelled"})
    assert desk.dispatcher.try_upload(PHOTO, about_id=ticket_id).status_code == 403
    assert len(desk.ticket()["attachments"]) == 1


def test_a_ticket_takes_twenty(desk: Desk, ticket_id: str) -> None:
    for number in range(PER_THING_MAX):
        upload(desk.dispatcher, ticket_id, PNG + bytes([number]))
    answer = desk.dispatcher.try_upload(PHOTO, about_id=ticket_id)
    assert (answer.status_code, answer.json()["type"].rsplit(":")[-1]) == (
        409,
        "too-many-attachments",
    )


def test_files_of_a_merged_ticket_are_the_survivors(desk: Desk, ticket_id: str) -> None:
    made = upload(desk.dispatcher, ticket_id)
    desk.raise_fault("f2", "LOCK_NOT_LATCHED", Severity.C)
    survivor = desk.tickets()[-1]["id"]
    merged = desk.dispatcher.post(f"/tickets/{ticket_id}/merge", {"into": survivor})
    assert [one["id"] for one in merged["attachments"]] == [made["id"]]
    assert desk.viewer.try_get(f"/attachments/{made['id']}").content == PNG


def test_an_orphan_goes_within_the_hour_after_the_next_and_named_files_stay(
    desk: Desk, ticket_id: str, settings: Settings
) -> None:
    upload(desk.dispatcher, ticket_id)
    (named,) = stored(settings)
    orphan = named.with_name(named.name[:2] + "f" * 62)
    orphan.write_bytes(PNG)
    (settings.data_dir / "attachments" / "incoming" / "half").write_bytes(b"")
    with desk.server.transactions.read() as tx:
        # Files written by hand carry the machine's time, which is not the test's.
        ahead = max(orphan.stat().st_mtime - tx.now.timestamp(), 0)
    desk.wait(ahead + 3601)
    desk.wait(16 * 60, steps=16)
    assert stored(settings) == {named}
