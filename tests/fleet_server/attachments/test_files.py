"""What a file is, under what name it is shown, and how it is kept."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_server.attachments.errors import FileTooLargeError, MediaRefusedError
from fleet_server.attachments.rules import (
    NAME_LENGTH_MAX,
    SIZE_BYTES_MAX,
    MediaType,
    shown_name,
    sniffed,
)
from fleet_server.attachments.store import AttachmentFolder

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)
HEADS = {
    MediaType.JPEG: b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
    MediaType.PNG: b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    MediaType.WEBP: b"RIFF\x24\x00\x00\x00WEBPVP8 ",
    MediaType.PDF: b"%PDF-1.7\n",
}


@pytest.mark.parametrize("kind", MediaType)
def test_a_file_is_what_its_bytes_say(kind: MediaType) -> None:
    assert sniffed(HEADS[kind]) is kind


@pytest.mark.parametrize(
    "head",
    [b"", b"<svg xmlns", b"<html>", b"GIF89a", b"MZ", b"RIFF\0\0\0\0WAVE", b"\xff\xd8", b" %PDF-"],
)
def test_everything_else_is_refused(head: bytes) -> None:
    assert sniffed(head) is None


@given(st.binary(max_size=16))
def test_no_bytes_break_the_sniffing(head: bytes) -> None:
    assert sniffed(head) in {None, *MediaType}


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("door.jpg", "door.png"),
        ("../../etc/passwd", "passwd.png"),
        ("C:\\Users\\li\\门.jpeg", "门.png"),
        ("a\r\nX: y.html", "aX: y.png"),
        ("photo\u202egpj.exe", "photogpj.png"),
        ("", "attachment.png"),
        ("..", "attachment.png"),
    ],
)
def test_a_name_has_no_folder_and_the_ending_of_its_bytes(given_name: str, shown: str) -> None:
    assert shown_name(given_name, MediaType.PNG) == shown


@given(st.text(max_size=300))
def test_a_shown_name_is_short_and_printable(given_name: str) -> None:
    shown = shown_name(given_name, MediaType.PDF)
    assert 0 < len(shown) <= NAME_LENGTH_MAX
    assert "/" not in shown
    assert shown.endswith(".pdf")


def store(folder: AttachmentFolder, data: bytes, now: datetime = NOW) -> str:
    return folder.store(io.BytesIO(data), now).sha256


def files(path: Path) -> set[str]:
    return {found.name for found in path.rglob("*") if found.is_file()}


def test_the_same_bytes_are_one_file(tmp_path: Path) -> None:
    folder = AttachmentFolder(tmp_path)
    one, same = store(folder, HEADS[MediaType.PNG]), store(folder, HEADS[MediaType.PNG])
    assert one == same
    assert files(tmp_path) == {one}
    assert folder.path_of(one).read_bytes() == HEADS[MediaType.PNG]


def test_the_bound_is_exact_and_a_refused_file_leaves_nothing(tmp_path: Path) -> None:
    folder = AttachmentFolder(tmp_path)
    head = HEADS[MediaType.JPEG]
    full = head + bytes(SIZE_BYTES_MAX - len(head))
    assert folder.store(io.BytesIO(full), NOW).size_bytes == SIZE_BYTES_MAX
    before = files(tmp_path)
    with pytest.raises(FileTooLargeError):
        store(folder, full + b"\0")
    for data in (b"", b"<svg onload=alert(1)>"):
        with pytest.raises(MediaRefusedError):
            store(folder, data)
    assert files(tmp_path) == before


def drop(folder: AttachmentFolder, sha256: str, *answers: set[str]) -> int:
    """Sweep the folder of that hash; `answers`: what rows name, at each question."""
    told = iter(answers)
    return folder.drop_orphans(sha256[:2], LATER - timedelta(hours=1), lambda _: next(told))


def test_only_old_files_without_a_row_are_taken_away(tmp_path: Path) -> None:
    folder = AttachmentFolder(tmp_path)
    kept = store(folder, HEADS[MediaType.PNG])
    assert drop(folder, kept, {kept}) == 0
    assert drop(folder, kept, set(), set()) == 1
    young = store(folder, HEADS[MediaType.PNG], LATER)
    assert drop(folder, young, set()) == 0
    assert files(tmp_path) == {young}


def test_a_row_that_appears_while_the_sweep_looks_gets_its_file_back(tmp_path: Path) -> None:
    folder = AttachmentFolder(tmp_path)
    sha256 = store(folder, HEADS[MediaType.PDF])
    assert drop(folder, sha256, set(), {sha256}) == 0
    assert files(tmp_path) == {sha256}


def test_a_sweep_that_was_killed_in_the_middle_is_mended_by_the_next(tmp_path: Path) -> None:
    folder = AttachmentFolder(tmp_path)
    sha256 = store(folder, HEADS[MediaType.PDF])
    folder.path_of(sha256).rename(folder.path_of(sha256).with_suffix(".gone"))
    assert drop(folder, sha256, {sha256}, {sha256}) == 0
    assert files(tmp_path) == {sha256}


def test_what_a_killed_upload_left_is_taken_away_when_it_is_old(tmp_path: Path) -> None:
    folder = AttachmentFolder(tmp_path)
    store(folder, HEADS[MediaType.PNG])
    left = tmp_path / "incoming" / "half"
    left.write_bytes(b"\xff\xd8")
    written = datetime.fromtimestamp(left.stat().st_mtime, UTC)
    folder.drop_unfinished(written - timedelta(seconds=1))
    assert left.exists()
    folder.drop_unfinished(written + timedelta(seconds=1))
    assert not left.exists()
